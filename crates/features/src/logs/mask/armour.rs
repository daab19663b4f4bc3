//! Private keys over several lines: from `-----BEGIN … PRIVATE KEY-----` to its end.

use std::sync::LazyLock;

use memchr::memmem::{self, Finder};

use super::finding::{Finding, Kind};

/// Whether a private key has begun in a stream of lines and not ended yet.
#[derive(Debug, Default)]
pub(in crate::logs) struct Armour {
    /// How many more lines may belong to it; none if no key has begun.
    left: usize,
}

impl Armour {
    /// Finds what belongs to a private key that began in an earlier line, and sees whether one
    /// begins here that does not end here. One that does both is found as any other token.
    pub(super) fn find(&mut self, raw: &[u8], findings: &mut Vec<Finding>) {
        if self.left > 0 {
            self.left -= 1;
            match body(raw) {
                Body::Part(range) => findings.push(Finding::of(Kind::Token, range)),
                Body::End(range) => {
                    self.left = 0;
                    findings.push(Finding::of(Kind::Token, range));
                }
                Body::Other => self.left = 0,
            }
        }
        if let Some(begin) = BEGIN.find(raw)
            && memmem::find(&raw[begin..], b"PRIVATE KEY").is_some()
            && memmem::find(&raw[begin..], END).is_none()
        {
            self.left = MOST_LINES;
        }
    }
}

/// What a line is within a private key.
enum Body {
    /// Some of the key.
    Part(std::ops::Range<usize>),
    /// The key's last line.
    End(std::ops::Range<usize>),
    /// Something else: the key is over, or the line that began it only spoke of one.
    Other,
}

fn body(raw: &[u8]) -> Body {
    if let Some(end) = memmem::find(raw, END) {
        let behind = end + END.len();
        let dashes = memmem::find(&raw[behind..], b"-----");
        return Body::End(0..dashes.map_or(raw.len(), |dashes| behind + dashes + 5));
    }
    let start = raw.len() - raw.trim_ascii_start().len();
    let trimmed = raw.trim_ascii();
    let whole = start..start + trimmed.len();
    let header = trimmed.starts_with(b"Proc-Type:") || trimmed.starts_with(b"DEK-Info:");
    if header || trimmed.iter().all(of_base64) {
        return Body::Part(whole);
    }
    // A logger may put its own words before each line.
    let word = trimmed
        .iter()
        .rev()
        .take_while(|byte| of_base64(byte))
        .count();
    match word {
        SHORTEST_WORD.. => Body::Part(whole.end - word..whole.end),
        _ => Body::Other,
    }
}

const fn of_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

static BEGIN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"-----BEGIN"));

const END: &[u8] = b"-----END";

/// A key of RSA with 16,384 bits has 200 lines.
const MOST_LINES: usize = 256;

/// Longer than a word of a sentence; a line of a key has 64.
const SHORTEST_WORD: usize = 40;
