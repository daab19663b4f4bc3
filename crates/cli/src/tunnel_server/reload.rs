//! What a hangup does: the keys are read again, and the audit log is opened again.

use std::convert::Infallible;
use std::path::Path;

use server::{Hangups, KeyChange, ServerKeys, TunnelServer};
use tracing::{error, info};

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
        Ok(changes) if changes.is_empty() => info!("the keys were read again: nothing has changed"),
        Ok(changes) => info!("the keys were read again: {} changed", changes.len()),
        Err(failure) => error!(
            "the keys stay as they were: {}",
            failure.message().unwrap_or_default()
        ),
    }
}

fn reloaded(
    keys: &ServerKeys,
    configuration: &Configuration,
    arguments: &Arguments,
    folder: &Path,
) -> Result<Vec<KeyChange>, Failure> {
    let environment = Environment::read_beside_app(folder)?;
    tell_skipped(&environment);
    let now = configuration.keys_of_now(arguments, &environment, folder)?;
    Ok(keys.replace(&now)?)
}
