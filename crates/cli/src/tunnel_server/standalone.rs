//! `tunnel-server` by itself: a service of its own.

use std::io;
use std::path::Path;

use tracing::info;

use super::configuration::Configuration;
use super::inbox::{self, Inbox};
use super::{Arguments, announce, feeds, follow_files, log, reload, tell_skipped};
use crate::context::working_folder;
use crate::environment::Environment;
use crate::exit::Failure;
use crate::interrupt::Interrupt;

/// What standard input is for, but for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Lines for the log.
    Lines,
    /// Nothing.
    Nothing,
}

impl Input {
    pub(super) const fn from_flag(stdin_logs: bool) -> Self {
        if stdin_logs {
            Self::Lines
        } else {
            Self::Nothing
        }
    }
}

/// Serves until it is asked to stop.
pub(super) async fn serve(
    arguments: Arguments,
    input: Input,
    interrupt: Interrupt,
) -> Result<(), Failure> {
    if input == Input::Lines && arguments.places.secret_file.as_deref() == Some(Path::new("-")) {
        return Err(
            Failure::usage("standard input cannot be both the secret and the log")
                .hint("keep the secret in a file, or in RENDER_TUNNEL_SECRET"),
        );
    }
    let folder = working_folder()?;
    let environment = Environment::read_beside_app(&folder)?;
    log::write(&environment, io::stderr)?;
    tell_skipped(&environment);
    let configuration = Configuration::new(&arguments, &environment, &folder)?;
    let sections = &configuration.file().sections;
    let start = async |inbox: Inbox| {
        let sections = inbox.sections(sections, &folder);
        let builder = configuration.builder(&arguments, &environment, sections);
        builder.start().await
    };
    let starting = async {
        inbox::start(sections, &folder, start)
            .await
            .map_err(|error| configuration.explain(error))
    };
    let server = interrupt.or(starting).await?;
    announce(&server, &configuration)?;
    follow_files(&server, &arguments.log_file);
    if input == Input::Lines {
        feeds::read_standard_input(&server, configuration.instance());
    }
    let hangups = reload::hangups()?;
    tokio::select! {
        () = interrupt.wait() => {}
        never = reload::at_each(hangups, &server, &configuration, &arguments, &folder) => match never {},
    }
    info!("stopping");
    server.stop().await;
    Ok(())
}
