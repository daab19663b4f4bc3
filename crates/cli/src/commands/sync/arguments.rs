//! What `tunnel sync` can be asked for.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use client::sync::target::Mode;
use client::sync::wire::{Open, Sanitising, Selection};

use super::consent::Consent;
use super::job::Job;
use super::place::{Remote, Wanted, place};
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::Failure;

/// Syncs production's tables into a local database or a file, sanitised
///
/// Personal data is replaced before it leaves production. Rows go to --to, else to DATABASE_URL if
/// it is on this machine, else to .tunnel/local.db. A sync that was interrupted goes on where it
/// stopped when the same command is run again.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel sync --table courses
  tunnel sync --table courses --table users --limit 1000
  tunnel sync --all --to postgres://localhost/app_dev
  tunnel sync --table courses --output courses.json
  tunnel sync --all --plan

With --json a sync writes one JSON document, its summary, when it is done; with --plan, the plan.")]
pub struct Arguments {
    /// A table, as `name` or `schema.name`; can be given several times
    #[arg(long, short, value_name = "TABLE", required_unless_present = "all")]
    table: Vec<String>,

    /// Every table that the key and the database's permissions allow
    #[arg(long, conflicts_with = "table")]
    all: bool,

    /// Takes the newest N rows of each table, by primary key
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,

    /// Writes a file instead: .json, .ndjson, .jsonl or .csv
    #[arg(long, short, value_name = "FILE", conflicts_with_all = ["to", "mode"])]
    output: Option<PathBuf>,

    /// The local database: postgres://… or sqlite://PATH
    #[arg(long, value_name = "URL")]
    to: Option<String>,

    /// What becomes of the rows that a table has already
    #[arg(long, value_name = "MODE", default_value = "merge")]
    mode: ModeName,

    /// Shows what would be done, and does nothing
    #[arg(long)]
    plan: bool,

    /// Takes rows as they are: needs the key's scope and the server's consent for each table
    #[arg(long)]
    no_sanitize: bool,

    /// Allows a database that is not on this machine
    #[arg(long)]
    allow_remote_target: bool,

    #[command(flatten)]
    consent: Consent,

    #[command(flatten)]
    pub(super) connection: ConnectionOptions,
}

/// The name of a [`Mode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModeName {
    /// Inserts rows, and updates those whose key is there
    Merge,
    /// Replaces all rows at once
    Replace,
    /// Inserts rows; one that is there already is an error
    Append,
}

impl Arguments {
    /// Whether only the plan is wanted.
    pub(super) const fn is_plan(&self) -> bool {
        self.plan
    }

    /// Returns what is asked of the server.
    pub(super) fn open(&self) -> Open {
        Open {
            tables: match self.all {
                true => Selection::All,
                false => Selection::Named(self.table.clone()),
            },
            limit: self.limit,
            sanitising: if self.no_sanitize {
                Sanitising::Off
            } else {
                Sanitising::On
            },
        }
    }

    /// Works out what is to be done, without anything done.
    pub(super) fn job(&self, context: &Context) -> Result<Job, Failure> {
        let wanted = match (&self.output, &self.to) {
            (Some(path), _) => Wanted::File(path),
            (None, Some(url)) => Wanted::Database(url),
            (None, None) => Wanted::Usual,
        };
        let remote = if self.allow_remote_target {
            Remote::Allowed
        } else {
            Remote::Refused
        };
        Ok(Job::new(
            self.open(),
            place(context, &self.connection, wanted, remote)?,
            self.mode.into(),
            self.consent.into(),
        ))
    }
}

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Self {
        match name {
            ModeName::Merge => Self::Merge,
            ModeName::Replace => Self::Replace,
            ModeName::Append => Self::Append,
        }
    }
}
