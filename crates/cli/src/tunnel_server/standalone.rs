//! `tunnel-server` by itself: a service of its own.

use std::io;

use tracing::info;

use super::configuration::Configuration;
use super::{Arguments, announce, feeds, folder, follow_files, log};
use crate::environment::Environment;
use crate::exit::Failure;
use crate::interrupt::Interrupt;

/// Serves until it is asked to stop.
pub(super) async fn serve(arguments: Arguments, interrupt: Interrupt) -> Result<(), Failure> {
    let folder = folder()?;
    let environment = Environment::read(&folder)?;
    log::write(&environment, io::stderr)?;
    let configuration = Configuration::new(&arguments, &environment, &folder)?;
    let builder = configuration.builder(&arguments, &environment)?;
    let server = interrupt.or(builder.start()).await?;
    announce(&server, &configuration, &environment)?;
    follow_files(&server, &arguments.log_file);
    if arguments.stdin_logs {
        feeds::read_standard_input(&server);
    }
    interrupt.wait().await;
    info!("stopping");
    server.stop().await;
    Ok(())
}
