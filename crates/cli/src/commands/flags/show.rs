//! Flags as people read them.

use std::time::Duration;

use features::flags::{Evaluator, Misfit, State, View, Viewed, read_value};
use features::secret::is_secret_name;
use features::wall_clock;
use serde_json::Value;

use super::json::Shown;
use super::names;
use crate::context::Context;
use crate::environment::LayeredEnvironment;
use crate::exit::Failure;
use crate::output::text::{columns, printable};
use crate::output::{Format, Ink, Style, number};

/// Shows all flags.
pub(super) fn all(context: &Context, view: &View) -> Result<(), Failure> {
    match context.screen.format() {
        Format::Json => {
            let evaluator = Evaluator::now();
            let flags = view.flags.values();
            let all: Vec<_> = flags.map(|it| Shown::of(it, &evaluator)).collect();
            context.screen.json(&all)
        }
        Format::Human => context.screen.data(&lines(context, view.flags.values())),
    }
}

/// Says what is wrong with production's sources and with the overrides.
pub(super) fn troubles(context: &Context, view: &View) {
    for source in &view.sources {
        if let Some(trouble) = &source.trouble {
            let (source, trouble) = (printable(&source.source), printable(trouble));
            let said = format!("production's {source} of flags is not well: {trouble}");
            context.screen.warn(&said);
        }
    }
    for misfit in &view.misfits {
        context.screen.warn(&match misfit {
            Misfit::Unknown(key) => {
                let key = printable(key);
                format!(
                    "{key} is overridden, and production has no such flag: tunnel flags unset {key}"
                )
            }
            Misfit::Kind(key, kind) => {
                let (key, kind) = (printable(key), kind.name());
                format!("{key} is not overridden: it is a {kind} in production now")
            }
        });
    }
}

/// Returns a line for each flag.
pub(super) fn lines<'a>(context: &Context, flags: impl Iterator<Item = &'a Viewed>) -> String {
    let (style, now) = (context.screen.out(), wall_clock::millis());
    let evaluator = Evaluator::at(now);
    // What an app here would find. Where its files make no sense, that is another command's to say.
    let local = LayeredEnvironment::read(&context.folder).ok();
    let local = |key: &str| match &local {
        Some(local) => local.value(key).ok().flatten(),
        None => context.environment.as_written(key),
    };
    let row = |viewed: &Viewed| {
        let flag = &viewed.entry.flag;
        let evaluated = evaluator.evaluate(viewed);
        let value = evaluated.ok().flatten();
        let age = Duration::from_millis(now.saturating_sub(flag.updated));
        let shown = value.map_or_else(|| "-".to_owned(), short);
        [
            format!("{}{}", mark(value), printable(&flag.key)),
            viewed.entry.definition.kind().name().to_owned(),
            shown,
            printable(&flag.source).into_owned(),
            number::time(age),
            match evaluated {
                Ok(value) => note(viewed, value, local(&flag.key), &evaluator),
                Err(error) => format!("the default in the app's code: {error}"),
            },
        ]
    };
    let rows: Vec<_> = flags.map(row).collect();
    painted(&columns(&rows), style)
}

/// What a line begins with.
const fn mark(value: Option<&Value>) -> &'static str {
    match value {
        Some(Value::Bool(true)) => ON,
        Some(Value::Bool(false)) => OFF,
        Some(_) => "= VAL  ",
        None => "- DEF  ",
    }
}

/// Colours lines whose columns are set: a colour has no width.
fn painted(lines: &str, style: Style) -> String {
    let paint = |line: &str| {
        let painted = [(ON, Ink::Good), (OFF, Ink::Bad)]
            .iter()
            .find_map(|(mark, ink)| {
                let rest = line.strip_prefix(mark)?;
                Some(format!("{}{rest}", style.paint(*ink, mark)))
            });
        format!("{}\n", painted.unwrap_or_else(|| line.to_owned()))
    };
    lines.lines().map(paint).collect()
}

/// What else is to be said of a flag.
fn note(
    viewed: &Viewed,
    value: Option<&Value>,
    local: Option<&str>,
    evaluator: &Evaluator,
) -> String {
    let definition = &viewed.entry.definition;
    if viewed.overridden.is_some() {
        let production = Viewed {
            overridden: None,
            ..viewed.clone()
        };
        let value = evaluator.value(&production).map(short);
        return format!(
            "overridden (production: {})",
            value.as_deref().unwrap_or("-")
        );
    }
    if definition.state == State::Disabled {
        return "disabled: the default in the app's code".to_owned();
    }
    let key = &viewed.entry.flag.key;
    match (local.map(read_value), value) {
        // The server chooses the name: what is here may be anything.
        (Some(local), value)
            if value.is_none_or(|value| names::text(value) != names::text(&local)) =>
        {
            match local {
                Value::Bool(_) | Value::Number(_) if !is_secret_name(key) => {
                    format!("differs here: {}", short(&local))
                }
                _ => "differs here".to_owned(),
            }
        }
        _ if definition.rule().is_some() => "by its rule".to_owned(),
        _ => String::new(),
    }
}

/// Shortens a value to what a line has room for.
fn short(value: &Value) -> String {
    let text = printable(&names::text(value)).into_owned();
    match text.chars().count() > LONGEST_VALUE {
        true => text.chars().take(LONGEST_VALUE - 1).chain(['…']).collect(),
        false => text,
    }
}

/// Writes milliseconds since 1970 as RFC 3339 has them.
pub(super) fn time(millis: u64) -> String {
    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    format!("{time:.3}")
}

/// Scripts look for these.
const ON: &str = "✓ ON  ";
const OFF: &str = "✗ OFF  ";

/// A sentence; the whole of it is in --json.
const LONGEST_VALUE: usize = 40;
