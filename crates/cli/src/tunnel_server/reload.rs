//! What a hangup does: the keys are read again, and the audit log is opened again.

use std::convert::Infallible;
use std::path::Path;

use server::{Hangups, KeyChange, ServerKeys};
use tracing::{error, info};

use super::Arguments;
use super::configuration::Configuration;
use crate::environment::Environment;
use crate::exit::Failure;

/// Reloads at each hangup, without end.
pub(super) async fn at_each_hangup(
    keys: &ServerKeys,
    configuration: &Configuration,
    arguments: &Arguments,
    folder: &Path,
) -> Result<Infallible, Failure> {
    let mut hangups = Hangups::listen()
        .map_err(|error| Failure::failed(format!("cannot listen for SIGHUP: {error}")))?;
    loop {
        hangups.next().await;
        reload(keys, configuration, arguments, folder);
    }
}

/// Opens the audit log again; reads the keys again and lets the server accept them. If they cannot be
/// used, it keeps those that it has, and the log says why.
///
/// What is read is `tunnel.toml`, `.env`, and the files that hold secrets. The variables of a process
/// do not change while it runs: a secret in one takes a restart.
fn reload(keys: &ServerKeys, configuration: &Configuration, arguments: &Arguments, folder: &Path) {
    keys.reopen_audit();
    match reloaded(keys, configuration, arguments, folder) {
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
    let environment = Environment::read(folder)?;
    let now = configuration.keys_of_now(arguments, &environment, folder)?;
    Ok(keys.replace(&now)?)
}
