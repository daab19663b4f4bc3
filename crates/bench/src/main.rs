//! `tunnel-bench`: measures the tunnel against its targets, and against what one would use instead.
//!
//! ```text
//! Scenario ── on a Stage (databases, ends, link) ──▶ rows ──▶ Report ──▶ table, JSON, Markdown
//! ```

mod arguments;
mod flags;
mod flood;
mod lab;
mod lines;
mod link;
mod memory;
mod messages;
mod pipe;
mod report;
mod run;
mod scenarios;
mod stage;
mod stats;
mod traffic;
mod webhooks;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command};
use crate::flood::Flood;

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command() {
        Command::List => list().map(|()| ExitCode::SUCCESS),
        Command::Run(wanted) => run::run(&wanted).await,
        Command::WriteLines { rate: None } => lines::write().map(|()| ExitCode::SUCCESS),
        Command::WriteLines { rate: Some(rate) } => {
            lines::write_busily(rate).map(|()| ExitCode::SUCCESS)
        }
        Command::WriteFlood { lines, rate } => {
            Flood { lines, rate }.write().map(|()| ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error| {
        // Nobody reads it if this fails too.
        writeln!(io::stderr(), "error: {error:#}").ok();
        ExitCode::FAILURE
    })
}

fn list() -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "Scenarios:")?;
    for scenario in scenarios::ALL {
        writeln!(out, "  {:16} {}", scenario.name, scenario.about)?;
    }
    writeln!(out, "\nLinks:")?;
    for link in link::LINKS {
        writeln!(out, "  {:16} {}", link.name, link.about)?;
    }
    Ok(())
}
