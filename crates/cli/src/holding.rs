//! The session that `tunnel connect` holds for the other commands, as all of them see it.

use std::path::{Path, PathBuf};

use client::Sharing;
use transport::held::{JoinError, Place, TalkError};

use crate::context::Context;
use crate::exit::Failure;
use crate::output::text::printable;

/// Where a session with a server is held, if anybody holds it.
#[derive(Clone, Debug)]
pub struct Held {
    /// The place of its control socket.
    pub place: Place,
    /// The server's address.
    pub server: String,
}

/// Returns the user's folder for what does not outlive a login, if the system has one.
///
/// # Errors
/// [`Failure`] if the variable makes no sense.
pub fn runtime(context: &Context) -> Result<Option<PathBuf>, Failure> {
    let path = context.environment.text("XDG_RUNTIME_DIR")?.map(Path::new);
    // A path from wherever one happens to be is to be ignored (XDG Base Directory).
    Ok(path.filter(|path| path.is_absolute()).map(Path::to_owned))
}

/// Returns how a command shares the session that is held.
#[must_use]
pub fn sharing(context: &Context) -> Sharing {
    let screen = context.screen.clone();
    Sharing {
        // One that makes no sense is as good as none: sharing never makes a command fail.
        runtime: runtime(context).unwrap_or_default(),
        command: context.command.clone(),
        version: VERSION.to_owned(),
        hear: Box::new(move |error| screen.warn(&printable(&alone(error)))),
    }
}

/// Says, in a line, why a command makes a session of its own though there is a holder.
fn alone(error: &JoinError) -> String {
    match error {
        JoinError::OtherVersion { ours, theirs } => format!(
            "`tunnel connect` is of version {theirs} and this is {ours}: connecting by itself \
             (`tunnel disconnect`, then `tunnel connect` again, and they share)"
        ),
        JoinError::Talk(TalkError::Ended) => {
            "`tunnel connect` takes no more commands: connecting by itself".to_owned()
        }
        error => format!("{error}: connecting by itself"),
    }
}

/// The version of this program, which its holder must have too.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_named_with_what_to_do() {
        let error = JoinError::OtherVersion {
            ours: "2.0.0".to_owned(),
            theirs: "1.0.0".to_owned(),
        };
        let line = alone(&error);
        for piece in ["version 1.0.0", "this is 2.0.0", "`tunnel disconnect`"] {
            assert!(line.contains(piece), "{line}");
        }
    }
}
