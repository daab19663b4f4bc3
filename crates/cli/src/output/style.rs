//! Colour, where it is wanted.

use std::io::IsTerminal;

use crate::environment::Environment;

/// Whether a stream is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// It is not: it is no terminal, or the user wants none.
    Plain,
    /// It is.
    Coloured,
}

/// What a piece of text means to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Less than the rest.
    Faint,
    /// As it should be.
    Good,
    /// To be looked at.
    Warning,
    /// Wrong.
    Bad,
}

/// What a stream ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// A terminal, with a person before it.
    Terminal,
    /// A pipe, a file, nothing.
    Other,
}

impl Surface {
    /// Looks at a stream.
    #[must_use]
    pub fn of(stream: &impl IsTerminal) -> Self {
        if stream.is_terminal() {
            Self::Terminal
        } else {
            Self::Other
        }
    }
}

impl Style {
    /// Decides for a stream by the customs of `NO_COLOR` and `CLICOLOR_FORCE`.
    #[must_use]
    pub fn of(surface: Surface, environment: &Environment) -> Self {
        let dumb = matches!(environment.text("TERM"), Ok(Some("dumb")));
        let forced = !matches!(
            environment.text("CLICOLOR_FORCE"),
            Ok(None | Some("0")) | Err(_)
        );
        if environment.has("NO_COLOR") {
            Self::Plain
        } else if forced || (surface == Surface::Terminal && !dumb) {
            Self::Coloured
        } else {
            Self::Plain
        }
    }

    /// Paints a piece of text.
    #[must_use]
    pub fn paint(self, ink: Ink, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("\x1b[{}m{text}\x1b[0m", ink.code()),
        }
    }
}

impl Ink {
    /// Returns the number by which terminals know it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Faint => "2",
            Self::Good => "32",
            Self::Warning => "33",
            Self::Bad => "31",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_is_coloured_and_only_if_that_is_wanted() {
        let style = |surface, variables: &[(&str, &str)]| {
            Style::of(surface, &Environment::of(variables, &[]))
        };
        assert_eq!(style(Surface::Terminal, &[]), Style::Coloured);
        assert_eq!(style(Surface::Other, &[]), Style::Plain);
        assert_eq!(style(Surface::Terminal, &[("NO_COLOR", "1")]), Style::Plain);
        assert_eq!(style(Surface::Terminal, &[("TERM", "dumb")]), Style::Plain);
        assert_eq!(
            style(Surface::Other, &[("CLICOLOR_FORCE", "1")]),
            Style::Coloured
        );
        assert_eq!(
            style(Surface::Other, &[("CLICOLOR_FORCE", "0")]),
            Style::Plain
        );
    }

    #[test]
    fn plain_text_has_no_codes() {
        assert_eq!(Style::Plain.paint(Ink::Bad, "x"), "x");
        assert_eq!(Style::Coloured.paint(Ink::Bad, "x"), "\x1b[31mx\x1b[0m");
    }
}
