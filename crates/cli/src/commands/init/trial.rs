//! Whether what was written reaches the server.

use client::Reconnect;

use crate::connection::{ConnectionOptions, Production};
use crate::context::Context;
use crate::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::settings::ClientSection;

/// What a try to connect came to.
#[derive(Debug)]
pub(super) enum Trial {
    /// There is no server to try.
    Untried,
    /// The server of this name answers.
    Passed(String),
    /// There is no connection.
    Failed(Failure),
}

/// Connects with what the files say now.
///
/// # Errors
/// [`Failure`] if they cannot be read, or it is interrupted.
pub(super) async fn connect(context: &Context) -> Result<Trial, Failure> {
    let folder = context.folder.clone();
    let context = Context {
        command: "init".to_owned(),
        environment: Environment::read(&folder)?,
        section: ClientSection::find(&folder)?,
        folder,
        screen: context.screen.clone(),
        interrupt: context.interrupt.clone(),
    };
    let connection = ConnectionOptions::default();
    match connection.production(&context) {
        Ok(Production::Configured) => {}
        // A secret without a server, which is what it is where none was named.
        Ok(Production::Demo) | Err(_) => return Ok(Trial::Untried),
    }
    match connection.connect(&context, Reconnect::Off).await {
        Ok(link) => {
            let server = link.client.server();
            let name = server.map_or_else(String::new, |server| server.server_id.clone());
            link.end().await;
            Ok(Trial::Passed(name))
        }
        Err(failure) if failure.exit() == Exit::Interrupted => Err(failure),
        Err(failure) => Ok(Trial::Failed(failure)),
    }
}

impl Trial {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Untried => "untried",
            Self::Passed(_) => "passed",
            Self::Failed(_) => "failed",
        }
    }

    pub(super) fn reason(&self) -> Option<&str> {
        match self {
            Self::Failed(failure) => failure.message(),
            Self::Untried | Self::Passed(_) => None,
        }
    }
}
