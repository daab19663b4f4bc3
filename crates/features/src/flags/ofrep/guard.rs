//! Who may ask: programs of this machine, under a name of this machine's; and its own web pages.

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};

/// A request that is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Welcome {
    /// What the request calls this port: `localhost:8016`.
    pub(super) host: String,
    /// The web page that asks, if one does.
    pub(super) origin: Option<HeaderValue>,
}

/// Lets a request in, or not.
pub(super) fn check(headers: &HeaderMap, port: u16) -> Option<Welcome> {
    let host = only(headers, &HOST)?;
    let is_ours = match host.rsplit_once(':') {
        // A port has digits alone; the rest of an address in brackets does not end so.
        Some((name, written)) if written.parse() == Ok(port) && !written.starts_with('+') => {
            is_this_machine(name)
        }
        _ => port == 80 && is_this_machine(host),
    };
    let origin = headers.get_all(ORIGIN).iter().next();
    // Another site's page names no origin where it asks for a picture or a script. One of this machine does
    // where it fetches, and is another site already if it says `localhost` and this port is `127.0.0.1`.
    let is_foreign = headers
        .get_all(SEC_FETCH_SITE)
        .iter()
        .any(|site| site == "cross-site");
    let is_ours = is_ours && !(is_foreign && origin.is_none());
    let is_ours = is_ours && (origin.is_none() || only(headers, &ORIGIN).is_some_and(is_own_page));
    is_ours.then(|| Welcome {
        host: host.to_owned(),
        origin: origin.cloned(),
    })
}

/// Returns the value of a header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Whether a page is this machine's, on whichever port it is developed.
fn is_own_page(origin: &str) -> bool {
    let Ok(uri) = origin.parse::<Uri>() else {
        return false;
    };
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let bare = uri.authority().is_some_and(|it| !it.as_str().contains('@'));
    is_web && bare && uri.host().is_some_and(is_this_machine)
}

/// Names that no resolver is asked for. A prefix would not do: `127.0.0.1.example.com` is anybody's.
fn is_this_machine(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost") || matches!(name, "127.0.0.1" | "[::1]")
}

/// What a browser says of where a request comes from; no page can say otherwise.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[cfg(test)]
mod tests {
    use super::*;

    fn is_let_in(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        check(&headers, 8016).is_some()
    }

    #[test]
    fn only_names_of_this_machine_with_the_very_port_lead_in() {
        for host in [
            "localhost:8016",
            "LocalHost:8016",
            "127.0.0.1:8016",
            "[::1]:8016",
        ] {
            assert!(is_let_in(host, None), "{host}");
        }
        for host in [
            "",
            "localhost",
            "localhost:80",
            "localhost:80160",
            "localhost:+8016",
            "example.com:8016",
            "127.0.0.1.example.com:8016",
            "localhost.example.com:8016",
            "127.0.0.2:8016",
            "::1:8016",
            "a@localhost:8016",
            "localhost:8016:8016",
        ] {
            assert!(!is_let_in(host, None), "{host}");
        }
        assert!(check(&HeaderMap::new(), 8016).is_none());
        let mut twice = HeaderMap::new();
        twice.append(HOST, "localhost:8016".parse().unwrap());
        twice.append(HOST, "example.com:8016".parse().unwrap());
        assert!(check(&twice, 8016).is_none());
    }

    #[test]
    fn only_pages_of_this_machine_may_ask() {
        for origin in [
            "http://localhost:3000",
            "https://127.0.0.1",
            "http://[::1]:5173",
        ] {
            assert!(is_let_in("localhost:8016", Some(origin)), "{origin}");
        }
        for origin in [
            "null",
            "",
            "https://example.com",
            "http://localhost.example.com",
            "http://localhost@example.com",
            "file://localhost",
            "localhost:3000",
            "http://localhost:3000@example.com",
        ] {
            assert!(!is_let_in("localhost:8016", Some(origin)), "{origin}");
        }
    }

    #[test]
    fn another_sites_page_gets_nothing_even_where_it_names_no_origin() {
        let is_let_in = |site: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("127.0.0.1:8016"));
            headers.insert(SEC_FETCH_SITE, HeaderValue::from_static(site));
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            check(&headers, 8016).is_some()
        };
        assert!(!is_let_in("cross-site", None));
        assert!(!is_let_in("cross-site", Some("https://example.com")));
        assert!(is_let_in("cross-site", Some("http://localhost:3000")));
        for site in ["none", "same-origin", "same-site"] {
            assert!(is_let_in(site, None), "{site}");
        }
    }
}
