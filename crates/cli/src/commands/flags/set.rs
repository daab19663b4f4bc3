//! `tunnel flags set` and `unset`: a value of one's own in place of production's.

use clap::Args;
use features::flags::{OverrideError, OverridesError};
use serde::Serialize;
use serde_json::Value;

use super::live;
use super::names::text;
use super::project::{Project, overrides, unusable};
use crate::connection::ConnectionOptions;
use crate::context::Context;
use crate::exit::Failure;
use crate::folder::TunnelFolder;
use crate::output::Format;
use crate::output::text::printable;

/// Overrides a flag in this project, for whatever runs and whatever will
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel flags set ENABLE_STRIPE false
  tunnel flags set upload-limits '{\"megabytes\": 5}'

The value has to be of the flag's kind: boolean (true, false, on, off, yes, no, 1, 0), string, number or
object (JSON).")]
pub(super) struct SetArguments {
    /// The flag
    key: String,

    /// What it is to be here
    #[arg(allow_hyphen_values = true)]
    value: String,

    #[command(flatten)]
    connection: ConnectionOptions,
}

/// Lets a flag be production's again
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tunnel flags unset ENABLE_STRIPE")]
pub(super) struct UnsetArguments {
    /// The flag
    key: String,
}

/// What was done.
#[derive(Debug, Serialize)]
struct Done<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    overridden: bool,
}

/// Overrides a flag.
pub(super) async fn set(context: &Context, arguments: &SetArguments) -> Result<(), Failure> {
    let SetArguments {
        key,
        value,
        connection,
    } = arguments;
    let project = Project::of(context, connection)?;
    let mirrored = live::now(context, connection, &project).await?;
    let set = project.overrides.change(|overrides| {
        let set = overrides.set(key, value, &mirrored);
        set.map_err(Refused::Value)
    });
    let value = set.map_err(|refused| match refused {
        Refused::Value(error) => wrong(&error),
        Refused::File(error) => unusable(&project.overrides, &error),
    })?;
    let said = format!(
        "{} is {} here now",
        printable(key),
        printable(&text(&value))
    );
    let value = Some(value);
    done(
        context,
        &Done {
            key,
            value,
            overridden: true,
        },
        &said,
    )
}

/// Lets a flag be production's again.
pub(super) fn unset(
    context: &Context,
    UnsetArguments { key }: &UnsetArguments,
) -> Result<(), Failure> {
    let file = overrides(&TunnelFolder::make()?);
    let before = file.change(|overrides| Ok::<_, OverridesError>(overrides.unset(key)));
    let before = before.map_err(|error| unusable(&file, &error))?;
    let said = match before {
        Some(_) => format!("{} is production's again", printable(key)),
        None => format!("{} was not overridden", printable(key)),
    };
    let value = None;
    done(
        context,
        &Done {
            key,
            value,
            overridden: false,
        },
        &said,
    )
}

fn done(context: &Context, done: &Done<'_>, said: &str) -> Result<(), Failure> {
    match context.screen.format() {
        Format::Json => context.screen.json(done),
        Format::Human => {
            context.screen.note(said);
            Ok(())
        }
    }
}

/// Why nothing was set.
enum Refused {
    Value(OverrideError),
    File(OverridesError),
}

impl From<OverridesError> for Refused {
    fn from(error: OverridesError) -> Self {
        Self::File(error)
    }
}

fn wrong(error: &OverrideError) -> Failure {
    let failure = Failure::usage(printable(&error.to_string()));
    match error {
        OverrideError::Unknown { near, .. } if !near.is_empty() => {
            let near: Vec<_> = near.iter().map(|key| printable(key).into_owned()).collect();
            failure.hint(format!("perhaps {}", near.join(", or ")))
        }
        OverrideError::Unknown { .. } => failure.hint("`tunnel flags` shows those that there are"),
        _ => failure.hint("`tunnel flags set --help` says how each kind is written"),
    }
}
