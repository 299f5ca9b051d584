//! What happens without a request: the table of periodic jobs, and the delivery of mail.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::app::App;
use crate::config::Config;
use crate::error::Result;

type Run = fn(App) -> Pin<Box<dyn Future<Output = Result<()>>>>;

/// Who does a job.
#[derive(Clone, Copy)]
enum By {
    /// Every node, for itself.
    Each,
    /// One node for all, whichever comes first. It is safe to repeat all the same.
    One,
}

struct Job {
    name: &'static str,
    by: By,
    period: fn(&Config) -> TimeDelta,
    run: Run,
}

const JOBS: [Job; 5] = [
    // How soon this node learns of keys that another one made or revoked.
    Job {
        name: "reload_signing_keys",
        by: By::Each,
        period: |config| config.keys.reload_every.delta(),
        run: |app| Box::pin(async move { app.keys.reload().await }),
    },
    Job {
        name: "rotate_signing_keys",
        by: By::One,
        // Often enough that nothing is much later than it was planned.
        period: |config| {
            let often = config.keys.rotate_every.delta() / 20;
            often.clamp(TimeDelta::seconds(1), TimeDelta::minutes(1))
        },
        run: |app| Box::pin(async move { app.keys.maintain().await.map(drop) }),
    },
    Job {
        name: "report_node",
        by: By::Each,
        period: |_| TimeDelta::seconds(1),
        run: |app| Box::pin(async move { app.keys.master().report(&app.db, &app.node).await }),
    },
    // What other nodes sealed under the former master key before they heard of the next.
    Job {
        name: "reseal_secrets",
        by: By::One,
        period: |_| TimeDelta::minutes(1),
        run: |app| {
            Box::pin(async move {
                let now = app.clock.now();
                app.keys.reseal(&app.mail, now).await.map(drop)
            })
        },
    },
    Job {
        name: "delete_unconfirmed_accounts",
        by: By::One,
        period: |_| TimeDelta::hours(1),
        run: delete_unconfirmed_accounts,
    },
];

/// A job of one node is looked at this often at least: another one may have done it.
const LOOK: TimeDelta = TimeDelta::seconds(30);

/// Starts all jobs on the current thread's runtime; each ends after `stop` says so, once it has done
/// what it was at: a lease that is not given back keeps other nodes waiting.
pub fn start(app: &App, stop: &watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
    let mut running = Vec::new();
    for job in JOBS {
        app.board
            .watch(job.name, (job.period)(&app.config), app.clock.now());
        running.push(actix_web::rt::spawn(repeat(job, app.clone(), stop.clone())));
    }
    let mailing = app.accounts.clone().run_mailing(stop.clone());
    running.push(actix_web::rt::spawn(mailing));
    running.push(actix_web::rt::spawn(app.mail.clone().run(stop.clone())));
    running
}

async fn repeat(job: Job, app: App, mut stop: watch::Receiver<bool>) {
    let period = (job.period)(&app.config);
    let every = match job.by {
        By::Each => period,
        By::One => period.min(LOOK),
    };
    let mut ticks = tokio::time::interval(every.to_std().unwrap_or(Duration::from_secs(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|stopped| *stopped) => return,
        }
        if let Err(error) = once(&job, period, &app).await {
            app.board.failed(job.name);
            log::error!(job = job.name; "a job failed and will be tried again: {error}");
        }
    }
}

async fn once(job: &Job, period: TimeDelta, app: &App) -> Result<()> {
    let run = (job.run)(app.clone());
    let (last, next) = match job.by {
        By::Each => {
            run.await?;
            let now = app.clock.now();
            (Some(now), now + period)
        }
        By::One => app.shared_jobs.run(job.name, period, run).await?,
    };
    app.board.ran(job.name, last, next);
    Ok(())
}

fn delete_unconfirmed_accounts(app: App) -> Pin<Box<dyn Future<Output = Result<()>>>> {
    Box::pin(async move {
        match app.accounts.delete_unconfirmed().await? {
            0 => {}
            deleted => log::info!("deleted {deleted} accounts that were never confirmed"),
        }
        Ok(())
    })
}
