//! Which headers pass, and what the app learns of who asks.
//!
//! Headers that are between two neighbours stay between them (RFC 9110, section 7.6.1). Whom the app
//! is asked by, it reads in `X-Forwarded-*`: what a proxy before us has written there, if it can be
//! believed, and what we see where nothing is written. We do not add ourselves to a believed list: an
//! app counts the proxies before it, and must not count one more because it is wrapped.

use std::net::SocketAddr;

use hyper::http::request::Parts as RequestParts;
use hyper::http::response::Parts as ResponseParts;
use hyper::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};

use super::hearsay::{introduce, is_hearsay};
use crate::front::forwarded::is_private;

/// What is noted of a client in the headers of its requests.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    believed: Believed,
    address: HeaderValue,
}

/// Whether what the peer writes of others is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Believed {
    Yes,
    No,
}

/// Whether a message ends HTTP on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upgrading {
    Yes,
    No,
}

impl Caller {
    pub(crate) fn new(peer: SocketAddr) -> Self {
        let address = peer.ip().to_canonical();
        let text = address.to_string();
        Self {
            believed: if is_private(address) {
                Believed::Yes
            } else {
                Believed::No
            },
            // An address is always a header's value.
            address: HeaderValue::try_from(text)
                .unwrap_or_else(|_| HeaderValue::from_static("unknown")),
        }
    }

    /// Makes the headers of a request those that the app is to get.
    pub(super) fn prepare(&self, request: &mut RequestParts, app: &HeaderValue) {
        let headers = &mut request.headers;
        let upgrading = match headers.contains_key(header::UPGRADE) {
            true if lists(headers, &header::CONNECTION, "upgrade") => Upgrading::Yes,
            _ => Upgrading::No,
        };
        let takes_trailers = lists(headers, &header::TE, "trailers");
        keep(headers, self.believed, upgrading);
        if takes_trailers && upgrading == Upgrading::No {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
        }
        if request.version == Version::HTTP_10 && !headers.contains_key(header::HOST) {
            // HTTP/1.1, which the app is asked in, does not go without.
            headers.insert(header::HOST, app.clone());
        }
        introduce(headers, &self.address);
        request.version = Version::HTTP_11;
    }
}

/// Makes the headers of an answer those that the client is to get.
pub(super) fn prepare_response(response: &mut ResponseParts) {
    let upgrading = match response.status {
        // Both name a protocol that is between neighbours: it is for the client to know.
        StatusCode::SWITCHING_PROTOCOLS | StatusCode::UPGRADE_REQUIRED => Upgrading::Yes,
        _ => Upgrading::No,
    };
    keep(&mut response.headers, Believed::Yes, upgrading);
    response.version = Version::HTTP_11;
}

/// Removes the headers between neighbours, and what is not believed; the rest keeps its order.
///
/// `Transfer-Encoding` stays: hyper reads it, and sends the body in the same way.
fn keep(headers: &mut HeaderMap, sender: Believed, upgrading: Upgrading) {
    let is_disbelieved = |name: &HeaderName| sender == Believed::No && is_hearsay(name);
    let has_between = BETWEEN_NEIGHBOURS.iter().any(|it| headers.contains_key(it));
    if !has_between && !headers.keys().any(is_disbelieved) {
        return;
    }
    let mut named = named(headers);
    if upgrading == Upgrading::Yes {
        named.retain(|name| name != header::UPGRADE);
    } else {
        named.push(header::UPGRADE);
    }
    let goes = |name: &HeaderName| {
        let is_between = BETWEEN_NEIGHBOURS.contains(name)
            && !(upgrading == Upgrading::Yes && name == header::CONNECTION);
        is_between || is_disbelieved(name) || named.contains(name)
    };
    // `HeaderMap::remove` would put the last header into the gap.
    let mut kept = HeaderMap::with_capacity(headers.keys_len() + ADDED);
    let mut last = None;
    for (name, value) in headers.drain() {
        last = name.or(last);
        if let Some(name) = last.as_ref().filter(|name| !goes(name)) {
            kept.append(name, value);
        }
    }
    *headers = kept;
}

/// Returns the headers that `Connection` names, but for those without which a message has no meaning.
fn named(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .filter(|name| !NEVER_NAMED.contains(name) && !is_hearsay(name))
        .collect()
}

/// Whether a header's list has an item.
pub(crate) fn lists(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    let values = headers.get_all(name).iter();
    let mut items = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    items.any(|item| item.trim().eq_ignore_ascii_case(wanted))
}

/// What is between two neighbours whether `Connection` names it or not.
const BETWEEN_NEIGHBOURS: [HeaderName; 4] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
];

/// To name these, or what is said of a client, would be to forge a message or to hide who sent it.
const NEVER_NAMED: [HeaderName; 5] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::AUTHORIZATION,
    header::COOKIE,
];

/// How many headers a request gets at most.
const ADDED: usize = 7;

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    /// Returns the headers that the app gets, as `name: value`.
    fn passed(peer: &str, headers: &[(&str, &str)]) -> Vec<String> {
        let mut request = Request::new(());
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        let (mut head, ()) = request.into_parts();
        let caller = Caller::new(peer.parse().unwrap());
        caller.prepare(&mut head, &HeaderValue::from_static("127.0.0.1:3000"));
        let lines = head.headers.iter();
        lines
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect()
    }

    const HEARSAY: [(&str, &str); 6] = [
        ("host", "example.com"),
        ("x-forwarded-for", "198.51.100.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "for=198.51.100.7"),
        ("accept", "*/*"),
    ];

    #[test]
    fn a_stranger_s_word_is_replaced_by_what_we_see() {
        let expected = [
            "host: example.com",
            "accept: */*",
            "x-forwarded-for: 203.0.113.5",
            "x-forwarded-proto: http",
            "x-forwarded-port: 80",
            "x-forwarded-host: example.com",
        ];
        assert_eq!(passed("203.0.113.5:9", &HEARSAY), expected);
        assert_eq!(passed("[::ffff:203.0.113.5]:9", &HEARSAY), expected);
    }

    #[test]
    fn a_proxy_s_word_is_taken_and_what_it_does_not_say_is_added() {
        let lines: Vec<_> = HEARSAY
            .map(|(name, value)| format!("{name}: {value}"))
            .into();
        assert_eq!(passed("10.0.0.4:9", &HEARSAY), lines);
        let one = [("host", "a"), ("x-forwarded-proto", "https")];
        let expected = [
            "host: a",
            "x-forwarded-proto: https",
            "x-forwarded-for: 10.0.0.4",
            "x-forwarded-host: a",
        ];
        assert_eq!(passed("10.0.0.4:9", &one), expected);
    }

    #[test]
    fn a_stranger_cannot_write_an_address_in_another_spelling_or_name() {
        let lines = passed(
            "203.0.113.5:9",
            &[
                ("X_Forwarded_For", "127.0.0.1"),
                ("x-forwarded_for", "127.0.0.1"),
                ("x-forwarded-ssl", "on"),
                ("True-Client-IP", "127.0.0.1"),
                ("x_real_ip", "127.0.0.1"),
                ("X-Real-IP", "127.0.0.1"),
                ("CF-Connecting-IP", "127.0.0.1"),
                ("script_name", "/admin"),
                ("x-real", "1"),
                ("my_key", "2"),
            ],
        );
        let expected = [
            "x-real: 1",
            "my_key: 2",
            "x-forwarded-for: 203.0.113.5",
            "x-forwarded-proto: http",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn nobody_can_have_a_header_removed_that_says_who_asks() {
        let named = "x-real-ip, CF-Connecting-IP, true-client-ip, fly-client-ip, cookie, \
                     authorization, x-forwarded-for, x_forwarded_proto, x-mine";
        let kept = [
            ("x-real-ip", "198.51.100.7"),
            ("cf-connecting-ip", "198.51.100.7"),
            ("true-client-ip", "198.51.100.7"),
            ("fly-client-ip", "198.51.100.7"),
            ("cookie", "a=b"),
            ("authorization", "Basic eA=="),
            ("x-forwarded-for", "198.51.100.7"),
            ("x_forwarded_proto", "https"),
            ("x-forwarded-proto", "https"),
        ];
        let mut sent = vec![("connection", named), ("x-mine", "1")];
        sent.extend(kept);
        let lines: Vec<_> = kept.map(|(name, value)| format!("{name}: {value}")).into();
        assert_eq!(passed("10.0.0.4:9", &sent), lines);
    }

    #[test]
    fn nobody_can_have_a_header_removed_that_gives_the_message_its_meaning() {
        let lines = passed(
            "10.0.0.4:9",
            &[
                ("x-forwarded-for", "198.51.100.7"),
                (
                    "connection",
                    "close, host, content-length, x-forwarded-for, x-mine",
                ),
                ("host", "a"),
                ("content-length", "4"),
                ("x-mine", "1"),
            ],
        );
        assert_eq!(
            lines,
            [
                "x-forwarded-for: 198.51.100.7",
                "host: a",
                "content-length: 4",
                "x-forwarded-proto: http",
                "x-forwarded-port: 80",
                "x-forwarded-host: a",
            ]
        );
    }
}
