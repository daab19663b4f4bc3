//! What a hangup does: the keys are read again, and the audit log is opened again.

use std::convert::Infallible;
use std::path::Path;

use server::{Hangups, KeyChange, ServerKeys, TunnelServer};
use tracing::{error, info, warn};

use super::configuration::Configuration;
use super::{Arguments, tell_skipped};
use crate::environment::Environment;
use crate::exit::Failure;

/// Listens for hangups from now on.
pub(super) fn hangups() -> Result<Hangups, Failure> {
    Hangups::listen().map_err(|error| Failure::failed(format!("cannot listen for SIGHUP: {error}")))
}

/// Reloads at each hangup, without end.
pub(super) async fn at_each(
    mut hangups: Hangups,
    server: &TunnelServer,
    configuration: &Configuration,
    arguments: &Arguments,
    folder: &Path,
) -> Infallible {
    loop {
        hangups.next().await;
        reload(server, configuration, arguments, folder);
    }
}

/// Opens the audit log again; reads the keys again and lets the server accept them; if they cannot
/// be used, it keeps those that it has, and the log says why.
///
/// What is read is `tunnel.toml`, `.env`, and the files that hold secrets. The variables of a process
/// do not change while it runs: a secret in one takes a restart.
fn reload(
    server: &TunnelServer,
    configuration: &Configuration,
    arguments: &Arguments,
    folder: &Path,
) {
    server.keys().reopen_audit();
    match reloaded(server.keys(), configuration, arguments, folder) {
        Ok((changes, waiting)) => {
            match changes.len() {
                0 => info!("the keys were read again: nothing has changed"),
                changed => info!("the keys were read again: {changed} changed"),
            }
            if !waiting.is_empty() {
                warn!(
                    "changed as well, and read at the next start: {}",
                    waiting.join(", ")
                );
            }
        }
        Err(failure) => error!(
            "the keys stay as they were: {}",
            failure.message().unwrap_or_default()
        ),
    }
}

/// Returns what has changed of the keys, and the sections that have changed beside them.
fn reloaded(
    keys: &ServerKeys,
    configuration: &Configuration,
    arguments: &Arguments,
    folder: &Path,
) -> Result<(Vec<KeyChange>, Vec<String>), Failure> {
    let environment = Environment::read_beside_app(folder)?;
    tell_skipped(&environment);
    let now = configuration.read_again(arguments, &environment, folder)?;
    let waiting = now.waiting.iter().map(|name| format!("[{name}]"));
    Ok((keys.replace(&now.keys)?, waiting.collect()))
}
