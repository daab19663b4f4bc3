//! `tunnel flags --watch`: each change as it happens.

use std::collections::BTreeMap;
use std::sync::Arc;

use features::flags::{Evaluator, View, Viewed};

use super::export::Export;
use super::json::{Removed, Shown};
use super::live::Live;
use super::project::Project;
use super::show;
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::Format;
use crate::output::text::printable;

/// Goes on until stopped.
pub(super) async fn run(
    context: &Context,
    connection: &ConnectionOptions,
    project: Project,
    export: Option<Export>,
) -> Result<(), Failure> {
    let live = Live::begin(context, project)?;
    let telling = async {
        match &export {
            Some(export) => write(context, &live, export).await,
            None => tell(context, &live).await,
        }
    };
    tokio::select! {
        ended = live.follow(connection) => ended,
        () = live.keep() => Ok(()),
        told = telling => told,
    }
}

/// Writes a file anew with each change.
pub(super) async fn write(
    context: &Context,
    live: &Live<'_>,
    export: &Export,
) -> Result<(), Failure> {
    let mut views = live.watch();
    let mut view = live.filled().await;
    loop {
        show::troubles(context, &view);
        export.write(context, &view)?;
        let before = view.tag;
        if views.wait_for(|view| view.tag != before).await.is_err() {
            return Ok(());
        }
        view = Arc::clone(&views.borrow_and_update());
    }
}

/// Shows all flags, and then those that change.
async fn tell(context: &Context, live: &Live<'_>) -> Result<(), Failure> {
    let mut views = live.watch();
    let mut view = live.filled().await;
    let mut before = BTreeMap::new();
    loop {
        show::troubles(context, &view);
        changed(context, &before, &view)?;
        before = view.flags.clone();
        loop {
            if views.changed().await.is_err() {
                return Ok(());
            }
            let next = Arc::clone(&views.borrow_and_update());
            let same = next.tag == view.tag && next.sources == view.sources;
            view = next;
            if !same {
                break;
            }
        }
    }
}

fn changed(
    context: &Context,
    before: &BTreeMap<String, Viewed>,
    now: &View,
) -> Result<(), Failure> {
    let same = |viewed: &&Viewed| {
        let old = before.get(&viewed.entry.flag.key);
        old.is_some_and(|old| {
            old.entry.flag == viewed.entry.flag && old.overridden == viewed.overridden
        })
    };
    let new = now.flags.values().filter(|viewed| !same(viewed));
    let gone = before.keys().filter(|key| !now.flags.contains_key(*key));
    match context.screen.format() {
        Format::Human => {
            context.screen.data(&show::lines(context, new))?;
            for key in gone {
                context
                    .screen
                    .data(&format!("- GONE {}\n", printable(key)))?;
            }
        }
        Format::Json => {
            let evaluator = Evaluator::now();
            for viewed in new {
                context.screen.json(&Shown::of(viewed, &evaluator))?;
            }
            for key in gone {
                context.screen.json(&Removed { key, removed: true })?;
            }
        }
    }
    Ok(())
}
