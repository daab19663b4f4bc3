//! Where webhooks wait where nobody says: in `.tunnel/inbox.db`, in the folder that the server runs in.

use std::path::Path;

use features::parts::Sections;
use server::ServerError;
use tracing::warn;

use crate::folder::TunnelFolder;

/// Which inbox a server is started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inbox {
    /// What the configuration says; if it says nothing, the usual one.
    Usual,
    /// What the configuration says; if it says nothing, none.
    AsWritten,
}

impl Inbox {
    /// Returns the sections with that of this inbox. `folder` is where the server runs.
    pub(super) fn sections(self, written: &Sections, folder: &Path) -> Sections {
        if self == Self::AsWritten || written.has(SECTION) {
            return written.clone();
        }
        let made = match TunnelFolder::make() {
            Ok(made) => made,
            Err(failure) => {
                warn!(
                    "webhooks are off: {}; name a place for them as `inbox` in [webhooks]",
                    failure.message().unwrap_or_default()
                );
                return written.clone();
            }
        };
        let path = folder.join(made.file("inbox.db"));
        let mut section = toml::Table::new();
        // Another path than a text cannot be written in the file either.
        section.insert(
            "inbox".to_owned(),
            path.to_string_lossy().into_owned().into(),
        );
        written.clone().with(SECTION, section)
    }
}

/// Starts a server with the usual inbox, or without one if that cannot be had: whoever has not asked
/// for webhooks is not to miss the rest.
///
/// # Errors
/// [`ServerError`] if it does not start without it either.
pub(super) async fn start<T>(
    written: &Sections,
    start: impl AsyncFn(Inbox) -> Result<T, ServerError>,
) -> Result<T, ServerError> {
    match start(Inbox::Usual).await {
        Err(ServerError::Section(wrong)) if wrong.section == SECTION && !written.has(SECTION) => {
            warn!("webhooks are off: {}", wrong.reason);
            start(Inbox::AsWritten).await
        }
        started => started,
    }
}

/// Of `tunnel.toml`.
const SECTION: &str = "webhooks";
