//! Semantic versions, as rules compare them: `v1.2`, `1.2.3-beta.1+build`.

use std::cmp::Ordering;

/// A version. What is behind a plus is no part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) major: u64,
    pub(super) minor: u64,
    patch: u64,
    /// What comes before the release, by its parts; none for the release.
    before: Vec<Part>,
}

/// A part of what comes before a release: numbers are before words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

impl Version {
    /// Reads one; numbers that are not there are 0. One that nobody would write is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let text = text.trim();
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let (numbers, before) = match text.split_once('-') {
            Some((numbers, before)) => (numbers, Some(before)),
            None => (text, None),
        };
        let mut numbers = numbers.split('.').map(natural);
        let mut next = || numbers.next().unwrap_or(Some(0));
        let version = Self {
            major: next()?,
            minor: next()?,
            patch: next()?,
            before: before.map_or(Some(Vec::new()), parts)?,
        };
        numbers.next().is_none().then_some(version)
    }
}

fn parts(text: &str) -> Option<Vec<Part>> {
    let part = |text: &str| match natural(text) {
        Some(number) => Some(Part::Number(number)),
        None if text.is_empty() => None,
        None => Some(Part::Word(text.to_owned())),
    };
    text.split('.').map(part).collect()
}

fn natural(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = |it: &Self| (it.major, it.minor, it.patch);
        // The release comes after all that is before it.
        let before = || match (self.before.is_empty(), other.before.is_empty()) {
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ => self.before.cmp(&other.before),
        };
        numbers(self).cmp(&numbers(other)).then_with(before)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A version with a branch's name and a commit in it has half of this.
const LONGEST: usize = 256;
