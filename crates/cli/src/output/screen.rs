//! The two streams, shared by everything that writes: a log line never tears a progress bar.

use std::io::{self, Write as _};

use indicatif::{MultiProgress, ProgressDrawTarget};
use serde::Serialize;

use super::style::{Ink, Style, Surface};
use super::text::json_in_sight;
use crate::environment::Environment;
use crate::exit::Failure;

/// The form of what goes to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Human,
    /// For programs: JSON documents, one a line where they stream.
    Json,
}

/// How much is said besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loudness {
    /// What goes on, and progress bars on a terminal.
    Normal,
    /// Warnings and errors only.
    Quiet,
}

/// Standard output and standard error.
#[derive(Clone, Debug)]
pub struct Screen {
    format: Format,
    loudness: Loudness,
    out: Style,
    err: Style,
    bars: MultiProgress,
}

impl Screen {
    /// Looks at the streams and at what the user wants of them.
    #[must_use]
    pub fn new(format: Format, loudness: Loudness, environment: &Environment) -> Self {
        let error_surface = Surface::of(&io::stderr());
        let with_bars = format == Format::Human
            && loudness == Loudness::Normal
            && error_surface == Surface::Terminal;
        let target = match with_bars {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        Self {
            format,
            loudness,
            out: Style::of(Surface::of(&io::stdout()), environment),
            err: Style::of(error_surface, environment),
            bars: MultiProgress::with_draw_target(target),
        }
    }

    /// Returns the form of what goes to standard output.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Returns the style of standard output.
    #[must_use]
    pub const fn out(&self) -> Style {
        self.out
    }

    /// Returns the style of standard error.
    #[must_use]
    pub const fn err(&self) -> Style {
        self.err
    }

    /// Returns what progress bars are added to; it draws nothing where none are wanted.
    #[must_use]
    pub const fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Writes data to standard output, above any progress bar. A line ends in a line feed.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be written; a silent one if nobody reads on.
    pub fn data(&self, text: &str) -> Result<(), Failure> {
        self.bytes(text.as_bytes())
    }

    /// Writes bytes to standard output, above any progress bar: whole lines.
    ///
    /// # Errors
    /// As [`Screen::data`].
    pub fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Ok(());
        }
        let written = self.bars.suspend(|| {
            let mut out = io::stdout().lock();
            out.write_all(bytes)?;
            out.flush()
        });
        Ok(written?)
    }

    /// Writes a value as a line of JSON.
    ///
    /// # Errors
    /// As [`Screen::data`].
    pub fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let line = serde_json::to_string(value).map_err(io::Error::from)?;
        self.data(&format!("{}\n", json_in_sight(&line)))
    }

    /// Says what goes on, unless the user wants it quiet.
    pub fn note(&self, text: &str) {
        if self.loudness == Loudness::Normal {
            self.warn(text);
        }
    }

    /// Whether a person sees both streams.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.format == Format::Human
            && Surface::of(&io::stdout()) == Surface::Terminal
            && Surface::of(&io::stderr()) == Surface::Terminal
    }

    /// Says how something is done, to whoever may not know.
    pub fn hint(&self, text: &str) {
        self.note(&self.err.paint(Ink::Faint, text));
    }

    /// Says what the user should know in any case.
    pub fn warn(&self, text: &str) {
        self.bars.suspend(|| {
            // Nothing can be said where standard error is gone.
            writeln!(io::stderr().lock(), "{text}").ok();
        });
    }
}
