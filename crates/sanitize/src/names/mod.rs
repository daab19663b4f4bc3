//! What the name of a column or of a JSON member says about the values under it.

mod lexicon;
mod words;

use self::lexicon::{Concept, look_up};
use self::words::{NoName, Words, pieces};
use crate::Persona;

/// What a name says about the values under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// They are personal data of this kind.
    Personal(Persona),
    /// They let somebody in.
    Secret,
    /// They are nobody's business.
    Sensitive,
    /// They may be names of people or of things, and what stands around does not say which.
    Ambiguous,
    /// They are people in a part, such as `instructor`: a text is what the person is called.
    Part,
    /// They are versions, which look like addresses.
    Version,
    /// They say something about what stands around them: `country`, `type`.
    Plain,
}

/// What stands around a name: its table, or the JSON object it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surroundings {
    /// It is about people.
    People,
    /// It says nothing about people.
    Other,
}

/// Returns what `name` says about the values under it, if it says anything.
pub(crate) fn meaning(name: &str, around: Surroundings) -> Option<Meaning> {
    match Words::of(name) {
        Ok(words) => meaning_of(&words, around),
        Err(NoName::Value) => None,
        Err(NoName::TooLong) => meaning_of_pieces(name, around),
    }
}

/// Returns the strongest that any piece of a name says which is too long for one. What it says of
/// things that are nobody's is not believed.
fn meaning_of_pieces(name: &str, around: Surroundings) -> Option<Meaning> {
    pieces(name)
        .filter_map(|piece| meaning_of(&Words::of(piece).ok()?, around))
        .filter(|meaning| !matches!(meaning, Meaning::Version | Meaning::Plain))
        .fold(None, |best, meaning| stronger(best, Some(meaning)))
}

fn meaning_of(words: &Words, around: Surroundings) -> Option<Meaning> {
    let mut best: Option<Meaning> = None;
    let mut free = words.count();
    // Longer phrases first, later ones first, and no word twice: `ip_address` is not an address.
    let mut taken = [false; words::MAX_WORDS];
    for length in (1..=free.min(LONGEST_PHRASE)).rev() {
        for start in (0..=words.count() - length).rev() {
            if free < length || taken[start..start + length].contains(&true) {
                continue;
            }
            let Some((concept, reach)) = words.find(start, length, look_up) else {
                continue;
            };
            if !words.reaches(start, length, reach) {
                continue;
            }
            taken[start..start + length].fill(true);
            free -= length;
            let here = Place {
                words,
                start,
                length,
                around,
            };
            best = stronger(best, here.meaning(concept));
        }
    }
    best
}

/// Says whether a table or a JSON member of this name is about people.
pub(crate) fn surroundings(name: &str) -> Surroundings {
    // A schema in front says nothing: `people.orders`.
    let name = name.rsplit('.').next().unwrap_or(name);
    let words = match Words::of(name) {
        Ok(words) => words,
        Err(NoName::Value) => return Surroundings::Other,
        Err(NoName::TooLong) => {
            let people = |piece| surroundings(piece) == Surroundings::People;
            return if pieces(name).any(people) {
                Surroundings::People
            } else {
                Surroundings::Other
            };
        }
    };
    let person = |at: usize| {
        matches!(
            words.find(at, 1, look_up),
            Some((Concept::Person | Concept::Role, _))
        )
    };
    let last = words.count() - 1;
    let companion = matches!(words.find(last, 1, look_up), Some((Concept::Companion, _)));
    if person(last) || (companion && last > 0 && person(last - 1)) {
        Surroundings::People
    } else {
        Surroundings::Other
    }
}

/// The most words that a phrase is made of: `date_de_naissance`, `name_on_card`.
const LONGEST_PHRASE: usize = 4;

/// A phrase where it was found.
struct Place<'a> {
    words: &'a Words,
    start: usize,
    length: usize,
    around: Surroundings,
}

impl Place<'_> {
    fn meaning(&self, concept: Concept) -> Option<Meaning> {
        match concept {
            Concept::Is(_) | Concept::Secret | Concept::Sensitive if self.is_spoken_about() => None,
            Concept::Is(persona) => Some(Meaning::Personal(persona)),
            Concept::Secret => Some(Meaning::Secret),
            Concept::Sensitive => Some(Meaning::Sensitive),
            Concept::Version => Some(Meaning::Version),
            Concept::Name => self.name(),
            Concept::Picture if self.around == Surroundings::People || self.beside_person() => {
                Some(Meaning::Personal(Persona::Url))
            }
            Concept::Role if self.is_whole() => Some(Meaning::Part),
            Concept::About if self.is_whole() => Some(Meaning::Plain),
            Concept::Picture
            | Concept::Role
            | Concept::Person
            | Concept::Companion
            | Concept::About
            | Concept::Harmless => None,
        }
    }

    /// `name` is a person's after or before a person's word, or alone where all is about people.
    fn name(&self) -> Option<Meaning> {
        let personal = Some(Meaning::Personal(Persona::FullName));
        if self.beside_person() {
            return personal;
        }
        match (self.is_whole(), self.around) {
            (true, Surroundings::People) => personal,
            (true, Surroundings::Other) => Some(Meaning::Ambiguous),
            (false, _) => None,
        }
    }

    fn is_whole(&self) -> bool {
        self.length == self.words.count()
    }

    /// `email_template` is not an e-mail address: its last word speaks about one.
    fn is_spoken_about(&self) -> bool {
        let last = self.words.count() - 1;
        self.start + self.length <= last
            && matches!(self.words.find(last, 1, look_up), Some((Concept::About, _)))
    }

    fn beside_person(&self) -> bool {
        let person = |at: usize| {
            matches!(
                self.words.find(at, 1, look_up),
                Some((Concept::Person | Concept::Role, _))
            )
        };
        let end = self.start + self.length;
        (self.start > 0 && person(self.start - 1)) || (end < self.words.count() && person(end))
    }
}

/// What lets somebody in comes before what is private, and that before a kind that can be shown
/// as a pseudonym; of two of one sort the first found stays, which is the longer or later.
fn stronger(one: Option<Meaning>, two: Option<Meaning>) -> Option<Meaning> {
    let strength = |meaning: Option<Meaning>| match meaning {
        Some(Meaning::Secret) => 4,
        Some(Meaning::Sensitive) => 3,
        Some(Meaning::Personal(_)) => 2,
        Some(Meaning::Ambiguous | Meaning::Part | Meaning::Version | Meaning::Plain) => 1,
        None => 0,
    };
    if strength(two) > strength(one) {
        two
    } else {
        one
    }
}

#[cfg(test)]
mod tests;
