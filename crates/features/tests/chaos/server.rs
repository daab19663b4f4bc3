//! What a server of the play serves: all that it really does, over production in memory.

use std::sync::Arc;

use features::logs::Ring;
use features::parts::{
    About, Identity, Pseudonyms, Sections, ServerParts, SessionCount, Variables,
};
use features::sync;
use features::vitals::Vitals;
use sanitize::PseudonymKey;
use tokio::time::Instant;
use transport::router::Router;
use transport::trust::{Allow, NoSanitize, Scopes};

use crate::production::Tables;

/// Makes the features of one start of the server.
pub(crate) fn router(tables: &Tables, ring: &Arc<Ring>) -> Router {
    let parts = ServerParts {
        about: Arc::new(About {
            identity: Identity::of("production", "production", "chaos"),
            started: Instant::now(),
        }),
        database: None,
        pseudonyms: Pseudonyms {
            key: Arc::new(PseudonymKey::from_secret("the same for all starts")),
            lasting: true,
        },
        ring: Arc::clone(ring),
        sessions: SessionCount::default(),
        sections: sections(),
        variables: Variables::default(),
        secret_variables: Arc::default(),
        vitals: Vitals::default(),
    };
    let mut router = features::halves(&parts)
        .expect("sections that make sense")
        .router;
    let sync = sync::serving(Some(tables.clone()), &parts).expect("a section that makes sense");
    router.add(sync::FEATURE.protocol, sync);
    router
}

/// Lets rows through as they are, so that they can be compared.
fn sections() -> Sections {
    let sections = "[sync]\nno-sanitize = [\"events\", \"loose\", \"notes\"]";
    Sections::new(toml::from_str(sections).expect("TOML"))
}

/// Returns what the laptop's key may do.
pub(crate) fn scopes() -> Scopes {
    Scopes {
        features: Allow::All,
        tables: Allow::All,
        no_sanitize: NoSanitize::Granted,
    }
}
