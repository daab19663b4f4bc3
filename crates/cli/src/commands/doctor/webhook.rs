//! The local port that webhooks are to go to: whether a program listens there.

use client::Chain;
use futures_util::FutureExt as _;
use tokio::time::Instant;
use transport::reach::{Peer, ReachError, Role, connect, resolve};

use super::Subject;
use super::finding::{Finding, Notes};
use super::group::Group;

/// The target of webhooks.
pub(super) const GROUP: Group = Group {
    checks: &[TARGET],
    run: |subject, notes| run(subject, notes).boxed(),
};

async fn run(subject: &Subject<'_>, notes: &Notes) {
    let Some(port) = subject.arguments.port else {
        notes.note(Finding::skip(TARGET, "none given: --port names one"));
        return;
    };
    let started = Instant::now();
    let finding = match listens(port).await {
        Ok(()) => Finding::pass(TARGET, format!("a program listens on port {port}")),
        Err(error) => Finding::fail(TARGET, Chain::of(&error).to_string())
            .remedy("start the app that takes webhooks, or name its port with --port"),
    };
    notes.note(finding.took(started.elapsed()));
}

async fn listens(port: u16) -> Result<(), ReachError> {
    let this_machine = Peer {
        role: Role::Server,
        host: "localhost".to_owned(),
        port,
    };
    let resolved = resolve(&this_machine).await?;
    connect(&this_machine, resolved).await.map(drop)
}

const TARGET: &str = "webhook target";
