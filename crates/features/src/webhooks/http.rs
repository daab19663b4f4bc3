//! Which headers of a message are between two neighbours, and go no further (RFC 9110, section 7.6.1).

use ::http::header::CONNECTION;
use ::http::{HeaderMap, HeaderValue};

use super::delivery::Header;

/// What is between a message's sender and its neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Between {
    /// What `Connection` names, in lower case.
    named: Vec<String>,
}

impl Between {
    /// Looks at the headers of a message, whose names are in lower case.
    pub(super) fn of(headers: &[Header]) -> Self {
        let lines = headers.iter().filter(|header| header.name == "connection");
        Self::naming(lines.map(|header| &header.value[..]))
    }

    /// Looks at headers as hyper has them.
    pub(super) fn of_map(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(CONNECTION).into_iter();
        Self::naming(lines.map(HeaderValue::as_bytes))
    }

    fn naming<'l>(lines: impl Iterator<Item = &'l [u8]>) -> Self {
        let named = lines
            .flat_map(|line| line.split(|&byte| byte == b','))
            .filter_map(|item| std::str::from_utf8(item.trim_ascii()).ok())
            .map(str::to_ascii_lowercase)
            .filter(|name| !NEVER_NAMED.contains(&name.as_str()));
        Self {
            named: named.collect(),
        }
    }

    /// Whether a header goes no further than to the neighbour.
    pub(super) fn has(&self, name: &str) -> bool {
        ALWAYS.contains(&name) || self.named.iter().any(|it| it == name)
    }
}

/// What is between neighbours whether `Connection` names it or not. `Expect` is among them: the entry
/// has answered it, and the local app gets the body at once.
const ALWAYS: [&str; 10] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// To leave these out because a sender names them would change what the message says.
const NEVER_NAMED: [&str; 5] = [
    "authorization",
    "content-encoding",
    "content-type",
    "cookie",
    "set-cookie",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_connection_names_goes_no_further_but_for_what_the_message_needs() {
        let between = Between::of(&[
            Header::new("connection", "close, X-Mine ,content-type"),
            Header::new("accept", "x-other"),
            Header::new("connection", [0xff, b',', b'x', b'-', b'2']),
        ]);
        for name in ["connection", "te", "upgrade", "expect", "x-mine", "x-2"] {
            assert!(between.has(name), "{name}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION, HeaderValue::from_static("X-Mine"));
        assert!(Between::of_map(&headers).has("x-mine"));
        for name in ["content-type", "x-other", "close-not", "content-length"] {
            assert!(!between.has(name), "{name}");
        }
    }
}
