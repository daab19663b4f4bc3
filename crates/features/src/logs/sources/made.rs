//! Lines that are made of values, where no bytes of a line were written.

use crate::logs::entry::{Line, MAX_FIELDS, MAX_LINE, MAX_NAME, MAX_VALUE, Origin, cut};
use crate::logs::fields::Fields;
use crate::logs::level::Level;
use crate::logs::parse;

/// Collects the values of a line.
#[derive(Debug)]
pub(super) struct Made {
    fields: Fields,
    fits: Fits,
}

/// Whether all values of a line are in its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fits {
    /// They are.
    All,
    /// Some are too many or too long for fields.
    Some,
}

impl Made {
    pub(super) fn new() -> Self {
        Self {
            fields: Fields::default(),
            fits: Fits::All,
        }
    }

    /// Takes a value, if it is short enough for a field; an empty one says nothing.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        let short = name.len() <= MAX_NAME && value.len() <= MAX_VALUE;
        if short && self.fields.len() < MAX_FIELDS {
            self.fields.set(shown(name), shown(value));
        } else {
            self.fits = Fits::Some;
        }
    }

    /// Returns the fields so far.
    pub(super) const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Whether all values so far are in the fields.
    pub(super) const fn fits(&self) -> Fits {
        self.fits
    }

    /// Makes the line. `raw` is what it was made of, where the fields do not hold all of it.
    pub(super) fn line(
        self,
        at: (u64, Level),
        origin: Origin,
        message: &str,
        raw: Option<Vec<u8>>,
    ) -> Line {
        let (time, level) = at;
        let mut message = shown(message);
        cut(&mut message, MAX_LINE);
        Line {
            time,
            level,
            origin,
            message,
            fields: self.fields,
            raw,
        }
    }
}

/// Names who writes, by what a sender says; what it does not say is as in `otherwise`.
pub(super) fn origin(service: &str, instance: &str, otherwise: &Origin) -> Origin {
    let or = |name: &str, otherwise: &str| match shown(name) {
        name if name.is_empty() => otherwise.to_owned(),
        name => name,
    };
    Origin::new(
        &or(service, &otherwise.service),
        &or(instance, &otherwise.instance),
    )
}

/// Returns a text without what would steer the terminal that shows it.
fn shown(text: &str) -> String {
    parse::clean(text).into_owned()
}
