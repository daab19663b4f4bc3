//! Where webhooks wait where nobody says: in `.tunnel/inbox.db`, in the folder that the server runs in.

use std::path::{Path, PathBuf};
use std::time::Duration;

use features::parts::Sections;
use features::webhooks::is_inbox_in_use;
use server::ServerError;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::folder::TunnelFolder;

/// Which inbox a server is started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inbox {
    /// What the configuration says; if it says nothing, the usual one.
    Usual,
    /// What the configuration says; if it says nothing, none that lasts.
    AsWritten,
}

impl Inbox {
    /// Returns the sections with that of this inbox. `folder` is where the server runs.
    pub(super) fn sections(self, written: &Sections, folder: &Path) -> Sections {
        if self == Self::AsWritten || names_inbox(written) {
            return written.clone();
        }
        // What is no section at all is refused at the start.
        let Ok(mut section) = written.get::<toml::Table>(SECTION) else {
            return written.clone();
        };
        let made = match TunnelFolder::make() {
            Ok(made) => made,
            Err(failure) => {
                warn!(
                    "{}: {}; name a place for them as `inbox` in [webhooks]",
                    without(written),
                    failure.message().unwrap_or_default()
                );
                return written.clone();
            }
        };
        let path = folder.join(made.file("inbox.db"));
        // Another path than a text cannot be written in the file either.
        section.insert(
            INBOX.to_owned(),
            path.to_string_lossy().into_owned().into(),
        );
        written.clone().with(SECTION, section)
    }
}

/// Starts a server with the usual inbox, or without it if that cannot be had: whoever has not asked
/// for it is not to miss the rest. A predecessor that is still leaving is waited for. `folder` is where
/// the server runs.
///
/// # Errors
/// [`ServerError`] if it does not start without it either.
pub(super) async fn start<T>(
    written: &Sections,
    folder: &Path,
    start: impl AsyncFn(Inbox) -> Result<T, ServerError>,
) -> Result<T, ServerError> {
    if let Some(file) = file(written, folder) {
        wait_for_predecessor(&file).await;
    }
    match start(Inbox::Usual).await {
        Err(ServerError::Section(wrong)) if wrong.section == SECTION && !names_inbox(written) => {
            let started = start(Inbox::AsWritten).await?;
            warn!("{}: {}", without(written), wrong.reason);
            Ok(started)
        }
        started => started,
    }
}

/// Says what becomes of webhooks without an inbox that lasts.
fn without(written: &Sections) -> &'static str {
    if written.has(SECTION) {
        "webhooks are not kept any longer than this server runs"
    } else {
        "webhooks are off"
    }
}

/// Whether the section says where the inbox is. One that only speaks of providers does not.
fn names_inbox(written: &Sections) -> bool {
    let section = written.get::<toml::Table>(SECTION).unwrap_or_default();
    [INBOX, "inbox-env"].iter().any(|key| section.contains_key(*key))
}

/// Returns the file that the inbox is in, if it is in one.
fn file(written: &Sections, folder: &Path) -> Option<PathBuf> {
    let section = written.get::<toml::Table>(SECTION).unwrap_or_default();
    match section.get(INBOX).and_then(toml::Value::as_str) {
        Some(named) => Some(folder.join(named)),
        None if names_inbox(written) => None,
        None => Some(folder.join(TunnelFolder::path_of("inbox.db"))),
    }
}

/// Waits until nobody has the file, for some time: whoever has it after that will keep it.
async fn wait_for_predecessor(file: &Path) {
    let started = Instant::now();
    if is_inbox_in_use(file) {
        info!(
            "another server has the inbox {}: waiting up to {} s for it to end",
            file.display(),
            PATIENCE.as_secs()
        );
    }
    while is_inbox_in_use(file) && started.elapsed() < PATIENCE {
        sleep(BETWEEN_LOOKS).await;
    }
}

/// Of `tunnel.toml`.
const SECTION: &str = "webhooks";

/// In the section: the file.
const INBOX: &str = "inbox";

/// A restart takes 3 to 10 s; a platform's health check is patient for longer than this.
const PATIENCE: Duration = Duration::from_secs(15);

/// A look costs two system calls, and nobody notices a delay of this length at a start.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Sections {
        Sections::new(toml::from_str(text).unwrap())
    }

    #[test]
    fn a_section_that_speaks_of_providers_alone_names_no_inbox() {
        let folder = Path::new("/srv");
        for (text, names, expected) in [
            ("", false, Some("/srv/.tunnel/inbox.db")),
            (
                "[webhooks.providers.slack]\nmode = 'proxy'",
                false,
                Some("/srv/.tunnel/inbox.db"),
            ),
            ("[webhooks]\ninbox = '/var/data/a.db'", true, Some("/var/data/a.db")),
            ("[webhooks]\ninbox-env = 'X'", true, None),
        ] {
            let written = written(text);
            assert_eq!(names_inbox(&written), names, "{text}");
            assert_eq!(file(&written, folder), expected.map(PathBuf::from), "{text}");
        }
    }
}
