//! `tunnel config show`: every setting, with its value and where that comes from.

use clap::Args;
use serde::Serialize;

use super::collect::{Setting, collect};
use super::origin::Origin;
use super::sections::{self, Written};
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::environment::find_upwards;
use crate::exit::Failure;
use crate::output::Format;
use crate::output::text::{columns, printable};

/// Shows every setting with its value and where that comes from
///
/// Flags come first, then the environment, then .env, then tunnel.toml, then defaults. Of a secret it
/// is shown that it is set, and where. Nothing is connected to.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel config show
  tunnel config show --carrier udp
  tunnel config show --json | jq -r '.settings[] | select(.name == \"server\") | .value'

With --json: settings (each with name, value, secret, origin), sections (what else is in tunnel.toml:
key, value, origin), problems. An origin has from (flag, environment, env_file, tunnel_toml, default,
unset), and name, path, line, key where there are such.")]
pub(super) struct Arguments {
    #[command(flatten)]
    connection: ConnectionOptions,
}

#[derive(Debug, Serialize)]
struct Shown {
    settings: Vec<Setting>,
    sections: Vec<Written>,
    problems: Vec<String>,
}

/// Shows the settings.
///
/// # Errors
/// [`Failure`] if `tunnel.toml` cannot be read, or nothing can be written.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let file = find_upwards(&context.folder, "tunnel.toml");
    let problems = super::problems(context, &arguments.connection);
    let words = |failure: &Failure| failure.message().unwrap_or_default().to_owned();
    let shown = Shown {
        settings: collect(context, &arguments.connection, file.as_deref()),
        sections: sections::read(&context.folder)?,
        problems: problems.iter().map(words).collect(),
    };
    match context.screen.format() {
        Format::Json => context.screen.json(&shown)?,
        Format::Human => context.screen.data(&table(&shown))?,
    }
    for problem in &shown.problems {
        context
            .screen
            .note(&format!("problem: {}", printable(problem)));
    }
    Ok(())
}

fn table(shown: &Shown) -> String {
    let header = ["SETTING", "VALUE", "FROM"].map(str::to_owned);
    let settings = shown.settings.iter().filter_map(setting_row);
    let sections = shown.sections.iter().map(|written| {
        let value = written.value.as_deref().unwrap_or("(set)");
        row(&written.key, value, &written.origin)
    });
    let rows: Vec<_> = [header]
        .into_iter()
        .chain(settings)
        .chain(sections)
        .collect();
    columns(&rows)
}

/// Returns a setting's row, unless there is nothing to say of it: one that is known by its variable
/// alone, and is not set.
fn setting_row(setting: &Setting) -> Option<[String; 3]> {
    let Setting {
        name,
        value,
        secret,
        origin,
    } = setting;
    let value = match (origin, value, secret) {
        (Origin::Unset, ..) if !ALWAYS.contains(name) => return None,
        (Origin::Unset, ..) => "-",
        (_, Some(value), _) => value,
        (_, None, true) => "(set)",
        (_, None, false) => "(cannot be shown)",
    };
    Some(row(name, value, origin))
}

fn row(name: &str, value: &str, origin: &Origin) -> [String; 3] {
    [name, value, &origin.to_string()].map(|text| printable(text).into_owned())
}

/// Settings that are looked for even when nobody sets them.
const ALWAYS: &[&str] = &["secret", "ca", "pin"];
