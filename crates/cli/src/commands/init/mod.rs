//! `tunnel init`: the files that a project needs to reach its production, and a try.
//!
//! ```text
//! what is there ─▶ plan ── a question, if files of the user's are to grow ──▶ write ─▶ trial
//! ```

mod plan;
mod trial;
mod write;

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use self::plan::{Plan, SecretOf};
use self::trial::Trial;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::Format;
use crate::question::{self, Answer};
use crate::settings::SecretFile;

/// Prepares this folder's project for the tunnel: .env, tunnel.toml, .gitignore
///
/// Makes a secret, unless there is one, and keeps it in .env alone, which only you can read then.
/// Nothing that is there is changed or replaced; lines may be added, and before that you are asked.
/// At the end it tries whether the server is reached.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel init --server https://app.onrender.com
  tunnel init --server https://app.onrender.com --secret-file secret.txt
  tunnel init --yes --json

The exit code is 0 when all is written, 5 if lines had to be added and nobody agreed, and 3 or 4 if
the server does not take a secret that was there before. With --json: files (each with path, deed
(made, added, kept) and what was added), secret (made, kept, given), server, connection (passed,
failed, untried) and reason.")]
pub struct Arguments {
    /// The server: https://HOST, http://HOST:PORT or quic://HOST:PORT
    #[arg(long, value_name = "URL")]
    server: Option<String>,

    /// Takes the server's secret from a file, or from standard input with `-`, and makes none
    #[arg(long, value_name = "PATH")]
    secret_file: Option<PathBuf>,

    /// Goes ahead where a question would be asked
    #[arg(long, short)]
    yes: bool,
}

/// Prepares the project.
///
/// # Errors
/// [`Failure`] if a file cannot be written, nobody agrees, or a server that should knows nothing of
/// the secret.
pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let given = arguments.secret_file.clone().map(SecretFile::from);
    let plan = Plan::make(
        context,
        &context.folder,
        arguments.server.as_deref(),
        given.as_ref(),
    )?;
    if !arguments.yes {
        consent(context, &plan).await?;
    }
    write::write(&plan)?;
    let trial = trial::connect(context).await?;
    show(context, &plan, &trial)?;
    match trial {
        // A server cannot know yet what was made a moment ago.
        Trial::Failed(failure) if plan.secret != SecretOf::Made => Err(failure),
        _ => Ok(()),
    }
}

/// Asks before files of the user's are added to.
async fn consent(context: &Context, plan: &Plan) -> Result<(), Failure> {
    let growing: Vec<_> = plan.growing().collect();
    if growing.is_empty() {
        return Ok(());
    }
    for addition in growing {
        let path = addition.path.display();
        context
            .screen
            .warn(&format!("{path} is there; it would get:"));
        for line in &addition.shown {
            context.screen.warn(&format!("  {line}"));
        }
    }
    let refused = |message: &str| Failure::new(Exit::Refused, message);
    if !question::can_ask() {
        let message = "nothing was written: nobody is here to be asked";
        return Err(refused(message).hint("add --yes to add these lines, or add them yourself"));
    }
    match question::ask(context, "add these lines? [y/N]").await? {
        Answer::Yes => Ok(()),
        Answer::No => Err(refused("nothing was written, because the answer was no")),
    }
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    files: Vec<ShownFile<'a>>,
    secret: SecretOf,
    server: Option<&'a str>,
    connection: &'static str,
    reason: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct ShownFile<'a> {
    path: &'a Path,
    deed: &'static str,
    lines: &'a [String],
}

fn show(context: &Context, plan: &Plan, trial: &Trial) -> Result<(), Failure> {
    let files = plan.additions.iter().map(|addition| ShownFile {
        path: &addition.path,
        deed: addition.deed(),
        lines: &addition.shown,
    });
    let shown = Shown {
        files: files.collect(),
        secret: plan.secret,
        server: plan.server.as_deref(),
        connection: trial.name(),
        reason: trial.reason(),
    };
    match context.screen.format() {
        Format::Json => context.screen.json(&shown)?,
        Format::Human => {
            let line = |file: &ShownFile<'_>| format!("{:5} {}\n", file.deed, file.path.display());
            let lines: String = shown.files.iter().map(line).collect();
            context.screen.data(&lines)?;
        }
    }
    tell(context, plan, trial);
    Ok(())
}

/// Says what is to be done next.
fn tell(context: &Context, plan: &Plan, trial: &Trial) {
    let note = |text: &str| context.screen.note(text);
    if let Some(kept) = &plan.kept_server {
        context.screen.warn(&format!(
            "warning: RENDER_EXTERNAL_URL is {kept} already, and stays that"
        ));
    }
    if plan.secret == SecretOf::Made {
        note(
            "\nGive the secret to production: on Render, under Environment of the service, add \
             RENDER_TUNNEL_SECRET with the value that it has in .env. Start the service with\n\n  \
             tunnel-server run -- YOUR START COMMAND\n\nand deploy.",
        );
    }
    match trial {
        Trial::Passed(server_id) => {
            note(&format!("connected to {server_id}: `tunnel logs` is next"));
        }
        Trial::Failed(failure) if plan.secret == SecretOf::Made => {
            let reason = failure.message().unwrap_or_default();
            note(&format!("not connected yet: {reason}"));
            note("When production has the secret, `tunnel doctor` says whether all is well.");
        }
        Trial::Failed(_) => {}
        Trial::Untried => note(
            "No server is named yet: add RENDER_EXTERNAL_URL=https://… to .env. Until production has \
             the secret, `tunnel demo` serves one to try things on.",
        ),
    }
}
