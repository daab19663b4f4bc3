//! What a local app is sent: the bytes and headers that came, and what is said beside them.
//!
//! Headers that are between two neighbours stay between them. Nothing else is added or changed but what
//! this file names.

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::Full;
use thiserror::Error;

use super::target::Target;
use crate::webhooks::delivery::{DeliveryId, Header, Origin, Request, Verification};
use crate::webhooks::http::Between;

/// What is said of a request to the local app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label {
    /// Which delivery it is.
    pub delivery: DeliveryId,
    /// Which try, counted from 1.
    pub attempt: u32,
    /// Whether it is its provider's.
    pub verification: Verification,
    /// Whose signature it bears.
    pub signed: Signed,
}

/// Whose signature a request bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signed {
    /// The provider's, if any: it is as it came.
    AsItCame,
    /// Ours: it was signed anew with a secret of the developer's.
    Anew,
}

/// Makes the request that a local app gets.
pub(super) fn prepare(
    request: &Request,
    target: &Target,
    label: &Label,
) -> Result<http::Request<Full<Bytes>>, CarryError> {
    let path = target.path_for(&request.target).ok_or(CarryError::Path)?;
    let mut prepared = http::Request::new(Full::new(request.body.clone()));
    *prepared.method_mut() =
        Method::from_bytes(request.method.as_bytes()).map_err(|_| CarryError::Method)?;
    *prepared.uri_mut() = path.into();
    let headers = prepared.headers_mut();
    headers.reserve(request.headers.len() + ADDED);
    headers.insert(HOST, target.authority().clone());
    pass_on(&request.headers, request.body.len(), headers)?;
    introduce(headers, &request.origin, &request.target);
    mark(headers, label);
    Ok(prepared)
}

/// Adds the headers that came, in their order. The length is that of the body, whatever was said.
fn pass_on(came: &[Header], length: usize, headers: &mut HeaderMap) -> Result<(), CarryError> {
    let between = Between::of(came);
    for Header { name, value } in came {
        if name == "content-length" {
            headers.insert(CONTENT_LENGTH, length.into());
            continue;
        }
        if SAID_ANEW.contains(&name.as_str()) || between.has(name) {
            continue;
        }
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| CarryError::Header)?;
        let value = HeaderValue::from_bytes(value).map_err(|_| CarryError::Header)?;
        headers
            .try_append(name, value)
            .map_err(|_| CarryError::Header)?;
    }
    Ok(())
}

/// Says where the request was sent to, and from.
fn introduce(headers: &mut HeaderMap, origin: &Origin, target: &str) {
    let Origin {
        scheme,
        host,
        client,
    } = origin;
    let node = match client {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("\"[{address}]\""),
    };
    // A host with a quotation mark is none, and would forge the rest of the line.
    let quoted = host.replace(['"', '\\'], "");
    let forwarded = format!("for={node};host=\"{quoted}\";proto={scheme}");
    for (name, value) in [
        ("x-forwarded-for", client.to_string()),
        ("x-forwarded-proto", scheme.clone()),
        ("x-forwarded-host", host.clone()),
        ("x-forwarded-uri", target.to_owned()),
        ("forwarded", forwarded),
    ] {
        // What cannot be said in a header is not said.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Says which delivery this is.
fn mark(headers: &mut HeaderMap, label: &Label) {
    let id = HeaderValue::try_from(label.delivery.to_string());
    if let Ok(id) = id {
        headers.insert(DELIVERY, id);
    }
    headers.insert(ATTEMPT, label.attempt.into());
    headers.insert(
        VERIFICATION,
        HeaderValue::from_static(match label.verification {
            Verification::Verified => "verified",
            Verification::NoSecret => "none",
            Verification::Refused(_) => "refused",
        }),
    );
    if label.signed == Signed::Anew {
        headers.insert(SIGNED, HeaderValue::from_static("anew"));
    }
}

/// A request that cannot be made. Whoever edited it is at fault: what came over HTTP can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CarryError {
    /// Its method is none.
    #[error("its method is none")]
    Method,
    /// Its path is none.
    #[error("its path is none: it begins with /")]
    Path,
    /// One of its headers is none.
    #[error("one of its headers is none")]
    Header,
}

const DELIVERY: HeaderName = HeaderName::from_static("tunnel-delivery");
const ATTEMPT: HeaderName = HeaderName::from_static("tunnel-attempt");
const VERIFICATION: HeaderName = HeaderName::from_static("tunnel-verification");
const SIGNED: HeaderName = HeaderName::from_static("tunnel-signed");

/// What we say ourselves, so that nobody else can say it in our place.
const SAID_ANEW: [&str; 10] = [
    "host",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-uri",
    "tunnel-attempt",
    "tunnel-delivery",
    "tunnel-signed",
    "tunnel-verification",
];

/// How many headers are added at most.
const ADDED: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request {
        Request {
            method: "POST".into(),
            target: "/api/webhooks/stripe?a=b".into(),
            headers: headers
                .iter()
                .map(|(name, value)| Header::new(*name, *value))
                .collect(),
            body: Bytes::from_static(b"\0\xff"),
            origin: Origin {
                scheme: "https".into(),
                host: "app.example.com".into(),
                client: [192, 0, 2, 9].into(),
            },
        }
    }

    fn label() -> Label {
        Label {
            delivery: DeliveryId::from_bytes([0; 16]),
            attempt: 2,
            verification: Verification::NoSecret,
            signed: Signed::Anew,
        }
    }

    fn lines(request: &Request) -> Vec<String> {
        let prepared = prepare(request, &"3000/hooks".parse().unwrap(), &label()).unwrap();
        assert_eq!(prepared.uri().to_string(), "/hooks?a=b");
        let lines = prepared.headers().iter();
        lines
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect()
    }

    const ADDED_HERE: [&str; 9] = [
        "x-forwarded-for: 192.0.2.9",
        "x-forwarded-proto: https",
        "x-forwarded-host: app.example.com",
        "x-forwarded-uri: /api/webhooks/stripe?a=b",
        "forwarded: for=192.0.2.9;host=\"app.example.com\";proto=https",
        "tunnel-delivery: whd_00000000000000000000000000",
        "tunnel-attempt: 2",
        "tunnel-verification: none",
        "tunnel-signed: anew",
    ];

    #[test]
    fn headers_pass_in_their_order_and_ours_follow() {
        let request = request(&[
            ("host", "app.example.com"),
            ("stripe-signature", "t=1,v1=a"),
            ("accept", "*/*"),
            ("x-twice", "1"),
            ("x-twice", "2"),
            ("content-length", "7"),
            ("x-last", "3"),
        ]);
        let mut expected = vec![
            "host: localhost:3000",
            "stripe-signature: t=1,v1=a",
            "accept: */*",
            "x-twice: 1",
            "x-twice: 2",
            "content-length: 2",
            "x-last: 3",
        ];
        expected.extend(ADDED_HERE);
        assert_eq!(lines(&request), expected);
    }

    #[test]
    fn what_is_between_neighbours_stays_there_and_nobody_speaks_in_our_name() {
        let request = request(&[
            ("connection", "close, X-Mine,content-type"),
            ("x-mine", "1"),
            ("content-type", "application/json"),
            ("keep-alive", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("expect", "100-continue"),
            ("tunnel-delivery", "forged"),
            ("tunnel-signed", "forged"),
            ("x-forwarded-for", "198.51.100.1, 10.0.0.1"),
            ("forwarded", "for=forged"),
        ]);
        let mut expected = vec!["host: localhost:3000", "content-type: application/json"];
        expected.extend(ADDED_HERE);
        assert_eq!(lines(&request), expected);
    }

    #[test]
    fn values_that_are_no_text_pass_and_a_host_cannot_forge() {
        let mut request = request(&[]);
        request.headers.push(Header::new("x-binary", [0x80, 0xff]));
        request.origin.host = "a\";for=\"b".into();
        request.origin.client = "2001:db8::1".parse().unwrap();
        let prepared = prepare(&request, &"3000".parse().unwrap(), &label()).unwrap();
        let headers = prepared.headers();
        assert_eq!(headers["x-binary"].as_bytes(), [0x80, 0xff]);
        assert_eq!(
            headers["forwarded"],
            "for=\"[2001:db8::1]\";host=\"a;for=b\";proto=https"
        );
    }

    #[test]
    fn an_edit_that_is_no_http_is_refused() {
        let refused = |change: fn(&mut Request)| {
            let mut request = request(&[]);
            change(&mut request);
            prepare(&request, &"3000".parse().unwrap(), &label()).unwrap_err()
        };
        assert_eq!(refused(|it| it.method = "P T".into()), CarryError::Method);
        assert_eq!(refused(|it| it.target = "x".into()), CarryError::Path);
        let header = |it: &mut Request| it.headers.push(Header::new("a", "b\r\nc: d"));
        assert_eq!(refused(header), CarryError::Header);
    }
}
