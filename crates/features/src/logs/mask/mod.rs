//! Keeps secrets and personal data out of the log: in the bytes, before anybody reads them.
//!
//! ```text
//! bytes ── view ──▶ text ── values | leaks | own ──▶ findings ──▶ bytes with masks
//!          codes and escapes seen through              <token>, <card>, <email>
//! ```
//! A mask replaces what it covers and nothing else: the line stays readable, and JSON stays JSON.

mod armour;
mod config;
mod finding;
mod names;
mod nested;
mod shapes;
mod values;
mod view;

use sanitize::{Leak, find_leaks};

use self::finding::{Finding, Kind};
use self::view::View;
use super::config::LogsConfig;
use super::entry::Line;
use super::hidden::Hidden;

pub(super) use self::armour::Armour;
pub use self::config::{Mask, OwnMask, Pattern};

/// What is kept out of a log.
#[derive(Debug, Default)]
pub(super) struct Masks {
    hidden: Hidden,
    leaks: Vec<Leak>,
    own: Vec<Pattern>,
}

impl Masks {
    /// Makes the masks that the configuration asks for.
    pub(super) fn new(config: &LogsConfig) -> Self {
        Self {
            hidden: Hidden::default(),
            leaks: config.mask.iter().map(|mask| mask.leak()).collect(),
            own: config.masks.iter().map(|own| own.pattern.clone()).collect(),
        }
    }

    /// Keeps a text out of the log that is a secret of the tunnel itself, whatever else is masked.
    pub(super) fn hide(&self, secret: &str) {
        self.hidden.add(secret);
    }

    /// Masks a line of a stream, of which `armour` knows whether a private key has begun before.
    pub(super) fn cover(&self, raw: &mut Vec<u8>, armour: &mut Armour) {
        let mut findings = Vec::new();
        if self.leaks.contains(&Leak::Token) {
            armour.find(raw, &mut findings);
        }
        self.find(raw, &mut findings);
        if !findings.is_empty() {
            *raw = finding::replaced(raw, findings);
        }
    }

    /// Masks every part of a line that somebody made.
    pub(super) fn cover_line(&self, line: &mut Line) {
        if let Some(raw) = &mut line.raw {
            self.cover(raw, &mut Armour::default());
        }
        self.cover_text(&mut line.message);
        for (name, value) in line.fields.iter_mut() {
            let is_secret =
                names::is_secret(name) || names::is_group(name) && value.starts_with(['{', '[']);
            if self.leaks.contains(&Leak::Token) && is_secret && !value.is_empty() {
                Kind::Token.mask().clone_into(value);
            } else {
                self.cover_text(value);
            }
        }
    }

    /// Takes off the end of a line that was cut what may be a part of something that is masked.
    pub(super) fn trim(&self, raw: &mut Vec<u8>) {
        raw.truncate(raw.len() - self.hidden.begun(raw));
        if self.leaks.is_empty() && self.own.is_empty() {
            return;
        }
        let tail = raw.len().saturating_sub(LONGEST_CUT);
        let word = raw[tail..].iter().rposition(u8::is_ascii_whitespace);
        raw.truncate(tail + word.unwrap_or(0));
        // The groups of a card's number have spaces between them.
        let of_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'-');
        let number = raw.iter().rev().take_while(|byte| of_number(byte)).count();
        raw.truncate(raw.len() - number.min(LONGEST_NUMBER));
    }

    fn cover_text(&self, text: &mut String) {
        let mut findings = Vec::new();
        self.find(text.as_bytes(), &mut findings);
        if !findings.is_empty() {
            let covered = finding::replaced(text.as_bytes(), findings);
            *text = String::from_utf8_lossy(&covered).into_owned();
        }
    }

    fn find(&self, raw: &[u8], findings: &mut Vec<Finding>) {
        self.hidden
            .find(raw, |range| findings.push(Finding::of(Kind::Hidden, range)));
        if self.leaks.is_empty() && self.own.is_empty() && self.hidden.is_empty() {
            return;
        }
        let view = View::of(raw);
        if self.leaks.contains(&Leak::Token) {
            values::find(&view, findings);
        }
        for pattern in &self.own {
            for range in pattern.find_iter(view.text()) {
                findings.push(Finding::of(Kind::Own, view.place(range)));
            }
        }
        self.find_leaks(&view.unescaped(), findings);
    }

    fn find_leaks(&self, view: &View<'_>, findings: &mut Vec<Finding>) {
        if view.is_changed() {
            let text = view.text().as_bytes();
            self.hidden.find(text, |range| {
                findings.push(Finding::of(Kind::Hidden, view.place(range)));
            });
        }
        for (leak, range) in find_leaks(view.text(), &self.leaks) {
            findings.push(Finding::of(leak.into(), view.place(range)));
        }
        shapes::find(view.text(), &self.leaks, |leak, range| {
            findings.push(Finding::of(leak.into(), view.place(range)));
        });
    }
}

/// How much of a line that was cut may be one word with a secret in it: twice the longest key.
const LONGEST_CUT: usize = 4096;

/// A card's number with its spaces, and more.
const LONGEST_NUMBER: usize = 32;

#[cfg(test)]
mod tests;
