//! What a request says of the client before its sender: whose word it is, and what we say instead.
//!
//! An app that is wrapped is asked by its own machine, and many an app believes its own machine
//! whatever it says. So whoever is not believed loses every such header, in each spelling that an
//! app may take for it. A believed proxy keeps its own; what it does not say, we do.

use hyper::http::uri::Authority;
use hyper::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Whether a header tells of a client, as proxies write it and apps read it.
pub(super) fn is_hearsay(name: &HeaderName) -> bool {
    let name = name.as_str();
    let begins = name.get(..FAMILY.len());
    begins.is_some_and(|it| is_spelled(it, FAMILY)) || SINGLE.iter().any(|it| is_spelled(name, it))
}

/// Says of a client what the headers do not say of it yet, each where it fits what they say.
pub(super) fn introduce(headers: &mut HeaderMap, address: &HeaderValue) {
    let has_scheme = says(headers, &SCHEME) || forwards(headers, "proto=");
    let has_host = says(headers, &[FORWARDED_HOST]) || forwards(headers, "host=");
    let has_port = says(headers, &[FORWARDED_PORT]);
    if !says(headers, &[FORWARDED_FOR]) {
        headers.insert(FORWARDED_FOR, address.clone());
    }
    if !has_scheme {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
    let Some(host) = headers.get(header::HOST).filter(|_| !has_host).cloned() else {
        return;
    };
    // Behind TLS on port 443, a port of ours beside the proxy's scheme would make wrong links.
    if !has_scheme && !has_port {
        headers.insert(FORWARDED_PORT, port(&host));
    }
    headers.insert(FORWARDED_HOST, host);
}

/// Whether one of the headers is there, and is not blank.
fn says(headers: &HeaderMap, names: &[HeaderName]) -> bool {
    let mut values = names.iter().flat_map(|name| headers.get_all(name));
    values.any(|value| !value.as_bytes().trim_ascii().is_empty())
}

/// Whether a `Forwarded` has a part of this kind.
fn forwards(headers: &HeaderMap, part: &str) -> bool {
    let mut values = headers.get_all(header::FORWARDED).iter();
    values.any(|value| {
        let mut places = value.as_bytes().windows(part.len());
        places.any(|it| it.eq_ignore_ascii_case(part.as_bytes()))
    })
}

/// Whether a header's name is another's to an app: CGI and WSGI hand `-` on as `_`.
fn is_spelled(name: &str, wanted: &str) -> bool {
    let same = |(a, b): (u8, u8)| a == b || (a == b'_' && b == b'-');
    name.len() == wanted.len() && name.bytes().zip(wanted.bytes()).all(same)
}

/// Returns the port that a `Host` names; it names none for HTTP's own.
fn port(host: &HeaderValue) -> HeaderValue {
    let authority = Authority::try_from(host.as_bytes()).ok();
    let port = authority.and_then(|it| it.port_u16()).unwrap_or(80);
    HeaderValue::from(port)
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");

/// Where a proxy writes the scheme. gunicorn refuses a request in which two of them differ.
const SCHEME: [HeaderName; 6] = [
    FORWARDED_PROTO,
    HeaderName::from_static("x-forwarded-protocol"),
    HeaderName::from_static("x-forwarded-scheme"),
    HeaderName::from_static("x-forwarded-ssl"),
    HeaderName::from_static("x-url-scheme"),
    HeaderName::from_static("front-end-https"),
];

/// How the names of most of them begin: `-For`, `-Proto`, `-Ssl`, `-Prefix`, `-User` and more.
const FAMILY: &str = "x-forwarded";

/// The others: the address by the names that proxies and their makers gave it, the scheme, and what
/// gunicorn takes from its own machine as the app's place and path.
const SINGLE: [&str; 18] = [
    "forwarded",
    "forwarded-for",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "x-envoy-external-address",
    "x-azure-clientip",
    "client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "fly-client-ip",
    "fastly-client-ip",
    "x-url-scheme",
    "front-end-https",
    "script-name",
    "path-info",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is added to the headers of a request.
    fn added(said: &[(&'static str, &str)]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in said {
            headers.append(*name, value.parse().unwrap());
        }
        introduce(&mut headers, &HeaderValue::from_static("10.0.0.4"));
        let new = headers.iter().filter(|(name, value)| {
            let is_old = |it: &&(&str, &str)| it.0 == name.as_str() && it.1 == *value;
            !said.iter().any(|it| is_old(&it))
        });
        new.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect()
    }

    const ALL: [&str; 4] = [
        "x-forwarded-for: 10.0.0.4",
        "x-forwarded-proto: http",
        "x-forwarded-port: 8080",
        "x-forwarded-host: a:8080",
    ];

    #[test]
    fn one_stray_header_does_not_take_the_other_facts_away() {
        let host = ("host", "a:8080");
        assert_eq!(added(&[host]), ALL);
        assert_eq!(added(&[host, ("forwarded", "x")]), ALL);
        assert_eq!(added(&[host, ("x-forwarded-for", " ")]), ALL);
        assert_eq!(
            added(&[host, ("x-forwarded-port", "1")]),
            [ALL[0], ALL[1], ALL[3]]
        );
    }

    #[test]
    fn what_is_added_does_not_contradict_a_proxy() {
        let host = ("host", "a:8080");
        for scheme in [
            ("x-forwarded-ssl", "on"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=b;Proto=https"),
        ] {
            assert_eq!(added(&[host, scheme]), [ALL[0], ALL[3]], "{scheme:?}");
        }
        for other in [("x-forwarded-host", "b"), ("forwarded", "host=b")] {
            assert_eq!(added(&[host, other]), [ALL[0], ALL[1]], "{other:?}");
        }
    }

    #[test]
    fn the_port_is_that_of_the_host() {
        for (host, port) in [
            ("a", "80"),
            ("a:8080", "8080"),
            ("[::1]:90", "90"),
            ("[::1]", "80"),
        ] {
            let lines = added(&[("host", host)]);
            assert!(
                lines.contains(&format!("x-forwarded-port: {port}")),
                "{lines:?}"
            );
        }
    }
}
