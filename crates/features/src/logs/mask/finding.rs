//! What was found in a line, and what stands there instead.

use std::ops::Range;

use sanitize::Leak;

/// Something that a mask covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) kind: Kind,
    /// Where, in the bytes of the line.
    pub(super) range: Range<usize>,
    /// The quotes that the mask needs: what it covers had none, in a document where texts have.
    pub(super) quote: Option<Quote>,
}

/// What was found. The first is the gravest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A secret of the tunnel's own.
    Hidden,
    /// What lets somebody in.
    Token,
    /// A payment card's number.
    Card,
    /// An e-mail address.
    Email,
    /// What the operator's own pattern finds.
    Own,
}

/// A double quote, behind so many backslashes: JSON in JSON has one, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) backslashes: usize,
}

impl Finding {
    pub(super) const fn of(kind: Kind, range: Range<usize>) -> Self {
        Self {
            kind,
            range,
            quote: None,
        }
    }
}

impl Kind {
    /// Returns what stands in its place.
    pub(super) const fn mask(self) -> &'static str {
        match self {
            Self::Hidden => "<redacted>",
            Self::Token => "<token>",
            Self::Card => "<card>",
            Self::Email => "<email>",
            Self::Own => "<masked>",
        }
    }
}

impl From<Leak> for Kind {
    fn from(leak: Leak) -> Self {
        match leak {
            Leak::Token => Self::Token,
            Leak::Card => Self::Card,
            Leak::Email => Self::Email,
        }
    }
}

/// Returns the bytes with each finding masked; findings that meet are one, of the gravest kind.
pub(super) fn replaced(raw: &[u8], mut findings: Vec<Finding>) -> Vec<u8> {
    findings.sort_by_key(|finding| (finding.range.start, finding.kind));
    let mut masked = Vec::with_capacity(raw.len());
    let mut at = 0;
    let mut quotes = Quotes::of(raw);
    let mut findings = findings.into_iter().peekable();
    while let Some(mut finding) = findings.next() {
        while let Some(next) = findings.next_if(|next| next.range.start <= finding.range.end) {
            finding.kind = finding.kind.min(next.kind);
            finding.range.end = finding.range.end.max(next.range.end);
            finding.quote = finding.quote.or(next.quote);
        }
        masked.extend_from_slice(&raw[at..finding.range.start]);
        let quote = finding.quote.or_else(|| quotes.of_number(&finding.range));
        write(&mut masked, finding.kind, quote);
        at = finding.range.end;
    }
    masked.extend_from_slice(&raw[at..]);
    masked
}

fn write(masked: &mut Vec<u8>, kind: Kind, quote: Option<Quote>) {
    let quote = |masked: &mut Vec<u8>| {
        if let Some(Quote { backslashes }) = quote {
            masked.resize(masked.len() + backslashes, b'\\');
            masked.push(b'"');
        }
    };
    quote(masked);
    masked.extend_from_slice(kind.mask().as_bytes());
    quote(masked);
}

/// Where the texts in a line of JSON begin and end, up to where it was asked last: many numbers in
/// a line cost one pass together.
struct Quotes<'r> {
    raw: &'r [u8],
    at: usize,
    inside: bool,
    escaped: bool,
}

impl<'r> Quotes<'r> {
    const fn of(raw: &'r [u8]) -> Self {
        Self {
            raw,
            at: 0,
            inside: false,
            escaped: false,
        }
    }

    /// Returns the quotes that what stands there needs when it becomes a text, if it is a number
    /// in JSON. It stands behind whatever was asked for before.
    fn of_number(&mut self, range: &Range<usize>) -> Option<Quote> {
        let number = self.raw[range.clone()].iter().all(u8::is_ascii_digit);
        if !number || self.raw.first() != Some(&b'{') {
            return None;
        }
        self.go_on(range.start);
        (!self.inside).then_some(Quote { backslashes: 0 })
    }

    fn go_on(&mut self, to: usize) {
        for &byte in &self.raw[self.at..to] {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = self.inside,
                b'"' => self.inside = !self.inside,
                _ => {}
            }
        }
        self.at = to;
    }
}
