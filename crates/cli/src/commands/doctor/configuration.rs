//! The configuration: which files and variables were found, by name, and whether sense can be made
//! of them.

use futures_util::FutureExt as _;

use super::Subject;
use super::finding::{Finding, Notes};
use super::group::Group;
use crate::connection::{CA, CARRIER, PIN};
use crate::environment::find_upwards;
use crate::settings::SECRET;

/// The configuration.
pub(super) const GROUP: Group = Group {
    checks: &[CONFIGURATION],
    run: |subject, notes| run(subject, notes).boxed(),
};

async fn run(subject: &Subject<'_>, notes: &Notes) {
    notes.note(match &subject.steps {
        Err(failure) => Finding::of_failure(CONFIGURATION, failure),
        Ok(steps) => {
            let server = match &subject.demo {
                Some(_) => "no server: the built-in demo production".to_owned(),
                None => steps.address.to_string(),
            };
            let files = listed("files", &files());
            let variables = listed("variables", &variables(subject));
            Finding::pass(CONFIGURATION, format!("{server}; {files}; {variables}"))
        }
    });
}

fn files() -> Vec<String> {
    // Without a working folder there is nothing above it.
    let folder = std::env::current_dir().unwrap_or_default();
    let found = [".env", "tunnel.toml"].map(|name| find_upwards(&folder, name));
    let shown = |path: std::path::PathBuf| path.display().to_string();
    found.into_iter().flatten().map(shown).collect()
}

/// Returns the names of the variables that are set. Their values may be secrets.
fn variables(subject: &Subject<'_>) -> Vec<String> {
    let is_set = |name: &&&str| subject.context.environment.has(name);
    let names = VARIABLES.iter().filter(is_set);
    names.map(ToString::to_string).collect()
}

fn listed(what: &str, names: &[String]) -> String {
    match names.is_empty() {
        true => format!("no {what}"),
        false => names.join(", "),
    }
}

const CONFIGURATION: &str = "configuration";

/// Every variable that changes what a command does.
const VARIABLES: &[&str] = &[
    "RENDER_EXTERNAL_URL",
    SECRET,
    CARRIER,
    CA,
    PIN,
    "DATABASE_URL",
    "https_proxy",
    "HTTPS_PROXY",
    "http_proxy",
    "HTTP_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];
