//! How lines are shown.

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use thiserror::Error;

use super::range::Range;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::line::{Layout, Look, Shape, Shown, Template};
use crate::output::{Format, Style};

/// The options that say how lines are shown.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "How lines are shown")]
pub(super) struct LookOptions {
    /// Writes the bytes that were written, with secrets masked, and nothing else; what is between
    /// lines goes to standard error
    #[arg(long, conflicts_with_all = ["template", "fields", "hide"])]
    raw: bool,

    /// Writes each line as this text says: '{time} {level} {service} {message} {field.http.path}'
    ///
    /// There are {time}, {date}, {timestamp} (RFC 3339, in UTC), {level} (five characters wide),
    /// {service}, {instance}, {message}, {fields} (all that are shown), {field.NAME}, {raw} and
    /// {sequence}; {{ and }} are braces, \t is a tab and \n a new line. What a line itself says stays
    /// on one line. What is between lines goes to standard error.
    #[arg(long, value_name = "TEXT")]
    template: Option<Template>,

    /// Which fields are shown: all, none or names; a name shows what is nested in it as well
    #[arg(long, value_name = "NAMES", default_value = "all")]
    fields: Shown,

    /// Names of fields that are not shown; hides what is nested in them as well
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    hide: Vec<String>,

    /// The zone of times: UTC, local or a name such as Europe/Berlin
    ///
    /// UTC by default, here as on servers: a line that is shown to others then says the same to
    /// all of them. Times in JSON are always in UTC.
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    timezone: TimeZone,

    /// When to colour: on a terminal, always or never; NO_COLOR speaks for `auto`
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Colouring,
}

/// When lines are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Colouring {
    Auto,
    Always,
    Never,
}

impl LookOptions {
    /// Returns the moment, in the zone of the user's times.
    pub(super) fn now(&self) -> ZonedDateTime {
        Timestamp::now().to_zoned_datetime(self.timezone.clone())
    }

    /// Returns how lines look.
    ///
    /// # Errors
    /// [`Failure`] if they are to look in two ways at once.
    pub(super) fn look(&self, context: &Context, range: &Range) -> Result<Look, Failure> {
        let is_json = context.screen.format() == Format::Json;
        if is_json && self.timezone != TimeZone::UTC && !range.has_time() {
            return Err(Failure::usage(
                "--json has its times in UTC: beside it --timezone is for --since and --until",
            ));
        }
        Ok(Look {
            shape: self.shape(context.screen.format())?,
            style: match self.color {
                Colouring::Auto => context.screen.out(),
                Colouring::Always => Style::Coloured,
                Colouring::Never => Style::Plain,
            },
            zone: self.timezone.clone(),
            fields: Layout {
                shown: self.fields.clone(),
                hidden: self.hide.clone(),
            },
            today: Some(self.now().date()),
        })
    }

    fn shape(&self, format: Format) -> Result<Shape, Failure> {
        let shape = match (&self.template, self.raw) {
            (Some(template), _) => Shape::Template(template.clone()),
            (None, true) => Shape::Raw,
            (None, false) => Shape::Pretty,
        };
        match (format, shape) {
            (Format::Human, shape) => Ok(shape),
            (Format::Json, Shape::Pretty) => Ok(Shape::Json),
            (Format::Json, _) => Err(Failure::usage(
                "--json cannot be used with --raw or --template",
            )),
        }
    }
}

/// Finds a zone.
fn zone(name: &str) -> Result<TimeZone, ZoneError> {
    if name.eq_ignore_ascii_case("utc") {
        Ok(TimeZone::UTC)
    } else if name.eq_ignore_ascii_case("local") {
        TimeZone::try_system().map_err(|_| ZoneError::NotLocal)
    } else {
        TimeZone::get(name).map_err(|_| ZoneError::Unknown)
    }
}

/// A zone that cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum ZoneError {
    #[error("this machine knows no such zone: use UTC, local or a name such as Europe/Berlin")]
    Unknown,
    #[error("this machine does not say which zone it is in: name one, such as Europe/Berlin")]
    NotLocal,
}
