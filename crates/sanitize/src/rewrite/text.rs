//! Searches text: as the document that it is, or as prose.

use super::Rewriter;
use crate::Outcome;
use crate::json::{self, Rule, Scope, Unreadable};
use crate::persona::Room;
use crate::scan::{self, Context, Finding, Signs, What};

/// What text is searched in.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) room: Room,
    pub(crate) context: Context,
    /// How many documents the text is in.
    pub(crate) nesting: usize,
}

impl Rewriter<'_> {
    /// Replaces in place what looks personal in text. Text that is JSON is read as JSON, in which
    /// names of members say more and escapes hide nothing.
    pub(crate) fn text(&self, value: &str, setting: Setting, out: &mut String) -> Outcome {
        self.document(value, setting, out)
            .unwrap_or_else(|| self.prose(value, setting, out))
    }

    /// Rewrites text that is a document, and returns `None` if it is none. What was written is
    /// not searched again: each of its strings was, and names say of others what they are.
    fn document(&self, value: &str, setting: Setting, out: &mut String) -> Option<Outcome> {
        let document = value.trim_start_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER);
        if !document.starts_with(['{', '[', '"']) {
            return None;
        }
        let scope = Scope {
            rule: Rule::Scan,
            around: self.column.around,
            context: setting.context,
        };
        let start = out.len();
        out.push_str(&value[..value.len() - document.len()]);
        let read = json::rewrite(self, scope, document, setting.nesting, out);
        match read {
            Ok(Outcome::Replaced) if setting.room.fits(&out[start..]) => Some(Outcome::Replaced),
            Ok(Outcome::Kept) => {
                out.truncate(start);
                Some(Outcome::Kept)
            }
            Ok(Outcome::Replaced | Outcome::Null) | Err(Unreadable::TooDeep) => {
                Some(self.replace_all(value, setting, out, start))
            }
            Err(Unreadable::Malformed) => {
                out.truncate(start);
                None
            }
        }
    }

    /// What was replaced is searched again: where values stand close, a change can bring out
    /// another that its neighbour hid.
    fn prose(&self, value: &str, setting: Setting, out: &mut String) -> Outcome {
        let start = out.len();
        let mut outcome = Outcome::Kept;
        let mut signs = Signs::of(value);
        for _ in 0..MOST_SEARCHES {
            let written = out.split_off(start);
            let text = match outcome {
                Outcome::Kept => value,
                Outcome::Replaced | Outcome::Null => written.as_str(),
            };
            let found = self.search(text, signs, setting, out);
            // A cut replacement may be found again, and is replaced by itself.
            if found == Outcome::Kept || &out[start..] == text {
                if self.hides(text, signs, setting, MOST_MASKS) {
                    return self.replace_all(value, setting, out, start);
                }
                out.truncate(start);
                out.push_str(&written);
                return outcome;
            }
            outcome = Outcome::Replaced;
            signs = Signs::of(&out[start..]);
        }
        self.replace_all(value, setting, out, start)
    }

    fn search(&self, text: &str, signs: Signs, setting: Setting, out: &mut String) -> Outcome {
        if !signs.are_any() {
            return Outcome::Kept;
        }
        let findings = scan::find(text, signs, setting.context);
        if findings.is_empty() {
            return Outcome::Kept;
        }
        self.replace(text, &findings, setting.room, out);
        Outcome::Replaced
    }

    /// Says whether something is in text, in which a search finds nothing, that a reader would
    /// find: behind escapes or characters that nobody sees, or under a name in a part of a
    /// document. Where it begins and ends is not told, so that all of the text has to go.
    fn hides(&self, text: &str, signs: Signs, setting: Setting, masks: usize) -> bool {
        if signs.has(Signs::MEMBERS) && json::names_someone(text, self.column.around) {
            return true;
        }
        if !signs.may_mask() {
            return false;
        }
        let Some(bare) = scan::unmasked(text) else {
            return false;
        };
        let signs = Signs::of(&bare);
        masks == 0
            || (signs.are_any() && !scan::find(&bare, signs, setting.context).is_empty())
            || self.hides(&bare, signs, setting, masks - 1)
    }

    fn replace_all(
        &self,
        value: &str,
        setting: Setting,
        out: &mut String,
        start: usize,
    ) -> Outcome {
        out.truncate(start);
        self.pseudonyms.write_secret(value, setting.room, out);
        Outcome::Replaced
    }

    /// Appends `value` with its findings replaced. Each has as much room as it had and what the
    /// value leaves free, so that the whole never outgrows its column.
    fn replace(&self, value: &str, findings: &[Finding], room: Room, out: &mut String) {
        let mut free = room.left_by(value);
        let mut from = 0;
        for Finding { what, range } in findings {
            out.push_str(&value[from..range.start]);
            from = range.end;
            let found = &value[range.clone()];
            let room = room.within(found.chars().count().saturating_add(free));
            let start = out.len();
            match what {
                What::Personal(persona) => self.pseudonyms.write(*persona, found, room, out),
                What::Secret => self.pseudonyms.write_secret(found, room, out),
                What::Nobody => out.push_str(found),
            }
            free = room.left_by(&out[start..]);
        }
        out.push_str(&value[from..]);
    }
}

/// Two searches are enough but for values made to need more; those are replaced as a whole.
const MOST_SEARCHES: usize = 5;

/// An escape may be of an escape; who hides anything deeper than this has something to hide.
const MOST_MASKS: usize = 4;

/// The mark that some systems set in front of text, and no reader of JSON takes.
const BYTE_ORDER: char = '\u{feff}';
