//! The local database: which one rows go to, and whether they could.

use client::Chain;
use client::sync::target::{Readiness, look};
use futures_util::FutureExt as _;
use tokio::time::Instant;

use super::Subject;
use super::finding::{Finding, Notes};
use super::group::Group;
use crate::commands::sync::Usual;

/// The local database.
pub(super) const GROUP: Group = Group {
    checks: &[DATABASE],
    run: |subject, notes| run(subject, notes).boxed(),
};

async fn run(subject: &Subject<'_>, notes: &Notes) {
    let usual = Usual::of(subject.context, &subject.arguments.connection);
    let Usual { database, instead } = match usual {
        Ok(usual) => usual,
        Err(failure) => return notes.note(Finding::of_failure(DATABASE, &failure)),
    };
    let started = Instant::now();
    let looked = look(&database.url).await;
    let took = started.elapsed();
    let finding = match (looked, instead) {
        // Its words have the next step in them.
        (Err(error), _) => Finding::fail(DATABASE, Chain::of(&error).to_string())
            .remedy("rows can go elsewhere: `tunnel sync --to URL` or `--output FILE`"),
        (Ok(_), Some(why)) => Finding::warn(DATABASE, format!("{why}; {database} is used"))
            .remedy("name a database of this machine in DATABASE_URL, or with --to"),
        (Ok(Readiness::Found), None) => {
            Finding::pass(DATABASE, format!("{database} can be written to"))
        }
        (Ok(Readiness::Missing), None) => {
            Finding::pass(DATABASE, format!("{database}, which the first sync makes"))
        }
    };
    notes.note(finding.took(took));
}

const DATABASE: &str = "local database";
