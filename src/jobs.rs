//! What happens without a request: the table of periodic jobs, and the delivery of mail. Every job
//! may run on several nodes at once: each is safe to repeat.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::app::App;
use crate::error::Result;

type Run = fn(App) -> Pin<Box<dyn Future<Output = Result<()>>>>;

struct Job {
    name: &'static str,
    period: Duration,
    run: Run,
}

const JOBS: [Job; 2] = [
    // How soon this node learns of keys that another one made or revoked.
    Job {
        name: "reload_signing_keys",
        period: Duration::from_secs(30),
        run: reload_signing_keys,
    },
    Job {
        name: "delete_unconfirmed_accounts",
        period: Duration::from_hours(1),
        run: delete_unconfirmed_accounts,
    },
];

/// Starts all jobs on the current thread's runtime; they end soon after `stop` says so. What is
/// returned is done when the delivery of mail is.
pub fn start(app: &App, stop: &watch::Receiver<bool>) -> JoinHandle<()> {
    for job in JOBS {
        actix_web::rt::spawn(repeat(job, app.clone(), stop.clone()));
    }
    actix_web::rt::spawn(app.accounts.clone().run_mailing(stop.clone()));
    actix_web::rt::spawn(app.mail.clone().run(stop.clone()))
}

async fn repeat(job: Job, app: App, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(job.period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|stopped| *stopped) => return,
        }
        if let Err(error) = (job.run)(app.clone()).await {
            log::error!(job = job.name; "a job failed and will be tried again: {error}");
        }
    }
}

fn reload_signing_keys(app: App) -> Pin<Box<dyn Future<Output = Result<()>>>> {
    Box::pin(async move { app.keys.reload().await })
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
