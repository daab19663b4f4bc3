//! A delivery: one HTTP request as it was received, what is known of it, and what became of it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use thiserror::Error;

/// Names a delivery on every laptop, for ever.
///
/// It is written as `whd_` and 26 letters and digits, of which the first ten are its time: ids sort as
/// deliveries came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeliveryId(u128);

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its name.
    pub id: DeliveryId,
    /// Its place in the inbox: the first is 1, and none is left out.
    pub sequence: u64,
    /// When it came, in milliseconds since 1970.
    pub received: u64,
    /// Who sent it, as the path or the configuration says: `stripe`.
    pub provider: String,
    /// What happened, in the provider's words: `payment_intent.succeeded`.
    pub event: Option<String>,
    /// The provider's own name for it, by which a second one is known.
    pub event_id: Option<String>,
    /// Whether it is the provider's.
    pub verification: Verification,
    /// What production's app answered, where it was asked first.
    pub answered: Option<u16>,
    /// How often the provider has sent it again.
    pub repeats: u32,
    /// The request.
    pub request: Request,
}

/// A request as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// For example `POST`.
    pub method: String,
    /// Path and query, exactly as they came.
    pub target: String,
    /// Every header, in the order in which they came.
    pub headers: Vec<Header>,
    /// The bytes of the body, as they came: compressed if they were.
    pub body: Bytes,
    /// Where it was sent to, and from.
    pub origin: Origin,
}

/// A header line. Its name is in lower case, its value as it came.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// For example `stripe-signature`.
    pub name: String,
    /// Not always text.
    pub value: ByteBuf,
}

/// Where a request was sent to, and from, before the proxies on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// `https` or `http`.
    pub scheme: String,
    /// The host, with its port if it was written.
    pub host: String,
    /// Who sent it.
    pub client: IpAddr,
}

/// Whether a delivery is its provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verification {
    /// It is: its signature is right.
    Verified,
    /// Nobody knows: the server has no secret for this provider.
    NoSecret,
    /// It is not, or cannot be shown to be. Only where production's app had taken it before it was
    /// looked at.
    Refused(Refusal),
}

/// Why a signature is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Error)]
pub enum Refusal {
    /// There is none.
    #[error("it is not signed")]
    Missing,
    /// It cannot be read.
    #[error("its signature cannot be read")]
    Malformed,
    /// It is another's, or of another body.
    #[error("its signature is wrong: another secret, or another body")]
    Wrong,
    /// It is too old, by so many seconds.
    #[error("it was signed {0} s ago, which is too long")]
    Stale(u64),
    /// It is from the future, by so many seconds.
    #[error("it was signed {0} s in the future: is the clock right?")]
    Future(u64),
    /// What it would be verified with could not be had, such as a certificate.
    #[error("it cannot be verified now")]
    Unavailable,
}

/// What became of one try to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// Its place in the inbox.
    pub sequence: u64,
    /// Which try, counted from 1 over all runs of the laptop's programs.
    pub attempt: u32,
    /// When the answer was there, in milliseconds since 1970 by the laptop's clock.
    pub at: u64,
    /// How long it took.
    pub took: Duration,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The local app answered.
    Answered(Answer),
    /// It did not.
    NotDelivered(NotDelivered),
}

/// What a local app answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers, hop-by-hop ones aside; at most 16 KiB of them.
    pub headers: Vec<Header>,
    /// The body, or its beginning: at most 64 KiB.
    pub body: ByteBuf,
    /// How long the body was, as far as it was read.
    pub length: u64,
    /// Whether `body` is not all of it.
    pub cut: bool,
}

/// Why a local app has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Error)]
pub enum NotDelivered {
    /// Nobody listens there.
    #[error("nobody listens there")]
    Refused,
    /// The host is not known, or cannot be reached.
    #[error("the host cannot be reached")]
    Unreachable,
    /// It closed the connection without an answer.
    #[error("it closed the connection without an answer")]
    Closed,
    /// It did not answer in time.
    #[error("it did not answer in time")]
    TooLate,
    /// It answers, and not in HTTP.
    #[error("what it answers is not HTTP")]
    NotHttp,
    /// Nobody has asked for it: no local app is named for its provider, or it was refused as not its
    /// provider's.
    #[error("it was left out")]
    LeftOut,
}

/// How far a delivery has come, for one laptop or for the furthest of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits in the inbox.
    Received,
    /// It was sent to a laptop, which has not said yet what became of it.
    Offered,
    /// A local app did not take it, and will not be asked again by itself.
    Failed,
    /// A local app took it: it answered 2xx.
    Delivered,
    /// It left the inbox, by age or size, before it was delivered.
    Gone,
}

impl DeliveryId {
    /// Makes an id of a time in milliseconds since 1970 and 80 random bits, of which more are ignored.
    #[must_use]
    pub const fn new(time: u64, random: u128) -> Self {
        Self((time as u128) << RANDOM_BITS | random & ((1 << RANDOM_BITS) - 1))
    }

    /// Returns its 16 bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// Makes an id of its 16 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        let digit = |place: u32| {
            let value = self.0 >> (5 * place) & 31;
            char::from(ALPHABET[value as usize])
        };
        (0..DIGITS).rev().try_for_each(|place| {
            use fmt::Write as _;
            f.write_char(digit(place))
        })
    }
}

impl fmt::Debug for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for DeliveryId {
    type Err = ParseIdError;

    /// Reads an id in either case, with or without its prefix.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let lower = text.trim().to_ascii_lowercase();
        let digits = lower.strip_prefix(PREFIX).unwrap_or(&lower);
        if digits.len() != DIGITS as usize {
            return Err(ParseIdError);
        }
        let value = digits.bytes().try_fold(0_u128, |value, digit| {
            let digit = ALPHABET.iter().position(|&it| it == digit);
            let digit = digit.ok_or(ParseIdError)? as u128;
            // The first of 26 digits has only three bits' room.
            let shifted = value.checked_mul(32).ok_or(ParseIdError)?;
            Ok(shifted | digit)
        })?;
        Ok(Self(value))
    }
}

/// A text that is no delivery's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a delivery's id: they look like whd_01jd0000000000000000000000")]
pub struct ParseIdError;

impl Header {
    /// Makes a header line.
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            value: ByteBuf::from(value.into()),
        }
    }
}

impl fmt::Debug for Header {
    /// Shows no value: they hold signatures and tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: <{} bytes>", self.name, self.value.len())
    }
}

impl Request {
    /// Returns the value of a header, if it is there exactly once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut found = self.headers.iter().filter(|header| header.name == name);
        let first = found.next()?;
        found.next().is_none().then_some(first.value.as_slice())
    }
}

impl Outcome {
    /// Whether the local app took the delivery.
    #[must_use]
    pub const fn is_delivered(&self) -> bool {
        matches!(self, Self::Answered(answer) if answer.status >= 200 && answer.status < 300)
    }
}

const PREFIX: &str = "whd_";

/// Crockford's base 32, which has no letter that is taken for a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 130 bits, of which the first two are none.
const DIGITS: u32 = 26;

/// As a ULID has.
const RANDOM_BITS: u32 = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written_and_sorts_by_time() {
        let id = DeliveryId::new(1_795_000_000_123, u128::MAX);
        let later = DeliveryId::new(1_795_000_000_124, 0);
        let text = id.to_string();
        assert_eq!((text.len(), text.parse()), (30, Ok(id)));
        assert_eq!(text.to_uppercase().parse(), Ok(id));
        assert_eq!(text[4..].parse(), Ok(id));
        assert!(later > id && later.to_string() > text);
        assert_eq!(DeliveryId::from_bytes(id.to_bytes()), id);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "whd_",
            "whd_01jd",
            "whd_01jd000000000000000000000u",
            "zz000000000000000000000000",
            "whd_é0000000000000000000000000",
        ] {
            assert_eq!(text.parse::<DeliveryId>(), Err(ParseIdError), "{text}");
        }
    }

    #[test]
    fn a_header_that_comes_twice_has_no_one_value() {
        let header = |name: &str, value: &str| Header::new(name, value);
        let request = Request {
            method: "POST".into(),
            target: "/".into(),
            headers: vec![header("a", "1"), header("b", "2"), header("a", "3")],
            body: Bytes::new(),
            origin: Origin {
                scheme: "https".into(),
                host: "app.example.com".into(),
                client: [192, 0, 2, 1].into(),
            },
        };
        assert_eq!(request.header("b"), Some(&b"2"[..]));
        assert_eq!((request.header("a"), request.header("c")), (None, None));
        assert!(!format!("{request:?}").contains('3'));
    }
}
