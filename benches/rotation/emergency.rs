//! `signet keys revoke KID --now` against the nodes under load: how soon the key is gone, node by
//! node and verifier by verifier, and whether everybody goes on.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::Outcome;
use crate::cluster::{self, Cluster, MAX_AGE};
use crate::connection::Connection;
use crate::keys;
use crate::load::Load;
use crate::persons;
use crate::token::{self, Token};
use crate::verifiers::{self, Policy, Revoked, Verifiers};

/// `reload_every`, and as much again for the answer to arrive.
pub(crate) const AT_NODES: Duration = Duration::from_secs(2);
pub(crate) const AT_VERIFIERS: Duration = Duration::from_secs(MAX_AGE.as_secs() + 2);
/// Watched for so long.
const LENGTH: Duration = Duration::from_secs(10);
const EVERY: Duration = Duration::from_millis(50);

/// What was seen; times are from the moment of the revocation.
pub(crate) struct Emergency {
    /// The whole command.
    pub(crate) command: Duration,
    /// By node: when its JWKS last had the key, and when it last accepted one of its tokens.
    pub(crate) nodes: Vec<Gone>,
    /// By policy: when a verifier last accepted such a token.
    pub(crate) verifiers: Vec<(Policy, Duration)>,
    pub(crate) people: usize,
    /// Of them, those that have a token of another key now.
    pub(crate) going_on: usize,
}

/// What one node said last.
#[derive(Clone, Copy, Default)]
pub(crate) struct Gone {
    pub(crate) published: Duration,
    pub(crate) accepted: Duration,
    /// Answers without the key, and refusals: that the times are not those of a node that is away.
    pub(crate) absences: u32,
    pub(crate) refusals: u32,
}

/// Revokes the key that signs.
pub(crate) async fn run(
    cluster: &Arc<Cluster>,
    verifiers: &Verifiers,
    load: &Load,
) -> Outcome<Emergency> {
    // A token of this moment, which will not expire while it is watched.
    let token = Arc::new(persons::newcomer(cluster).await?);
    let kid = token.kid.clone();
    verifiers.board.lock().expect("whole").revoked = Some(Revoked {
        kid: kid.clone(),
        last_accepted: HashMap::new(),
    });
    verifiers.probe(&token, LENGTH);
    let until = Instant::now() + LENGTH;
    let mut watching = Vec::new();
    for node in &cluster.nodes {
        watching.push(tokio::spawn(watch(node.address, Arc::clone(&token), until)));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;

    let begun = Instant::now();
    cluster.operate(&["keys", "revoke", &kid, "--now"]).await?;
    let command = begun.elapsed();
    let revoked_at = keys::revoked_at(&cluster.database, &kid)?;

    let since = |moment: SystemTime| moment.duration_since(revoked_at).unwrap_or_default();
    let mut nodes = Vec::new();
    for watching in watching {
        let last = watching.await??;
        nodes.push(Gone {
            published: since(last.published.ok_or("a node never had the key")?),
            accepted: since(last.accepted.ok_or("a node never took the token")?),
            absences: last.absences,
            refusals: last.refusals,
        });
    }
    let board = verifiers.board.lock().expect("whole");
    let revoked = board.revoked.as_ref().ok_or("nothing was revoked")?;
    let mut accepted = Vec::new();
    for policy in Policy::ALL {
        let last = revoked.last_accepted.get(&policy);
        accepted.push((policy, since(*last.ok_or("a pool never took the token")?)));
    }
    drop(board);
    let (people, going_on) = load.so_far(|requests| {
        let others = requests.last.iter().flatten();
        let others = others.filter(|(last, at)| *last != kid && at.elapsed() < LENGTH);
        (requests.last.len(), others.count())
    });
    Ok(Emergency {
        command,
        nodes,
        verifiers: accepted,
        people,
        going_on,
    })
}

#[derive(Default)]
struct Last {
    published: Option<SystemTime>,
    accepted: Option<SystemTime>,
    absences: u32,
    refusals: u32,
}

/// Asks one node, each time through a fresh connection.
async fn watch(node: SocketAddr, token: Arc<Token>, until: Instant) -> Outcome<Last> {
    let mut last = Last::default();
    while Instant::now() < until {
        let asked = Instant::now();
        let (keys, _) = verifiers::fetch(node).await?;
        if keys.contains_key(&token.kid) {
            last.published = Some(token::now());
        } else {
            last.absences += 1;
        }
        match verify(node, &token).await? {
            200 => last.accepted = Some(token::now()),
            401 => last.refusals += 1,
            status => return Err(format!("a token was answered with {status}").into()),
        }
        tokio::time::sleep_until((asked + EVERY).into()).await;
    }
    Ok(last)
}

async fn verify(node: SocketAddr, token: &Token) -> Outcome<u16> {
    let mut connection = Connection::open(node, 1).await?;
    let body = format!(r#"{{"token":"{}"}}"#, token.text);
    let request = cluster::post("/auth/token/verify/", &body);
    Ok(cluster::ask(&mut connection, &request).await?.status)
}
