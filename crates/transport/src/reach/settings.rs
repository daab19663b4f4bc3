//! Which proxy a server is reached through, by the variables that every HTTP client knows.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use super::Security;
use super::exception::{Exception, Target};
use super::proxy::{Proxy, ProxyError};

/// What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
#[derive(Clone, Default)]
pub struct ProxySettings {
    https: Option<Variable>,
    http: Option<Variable>,
    except: Vec<Exception>,
}

/// A proxy's address as it was found. It is read only when it is needed: a SOCKS proxy in
/// `ALL_PROXY` harms nobody who does not go through it.
#[derive(Clone)]
struct Variable {
    name: &'static str,
    value: Zeroizing<String>,
}

impl ProxySettings {
    /// Reads the variables with `lookup`; the environment itself is the caller's.
    ///
    /// As in curl, lower case goes before upper case, `ALL_PROXY` stands for what is not there, and
    /// an empty variable means no proxy. `HTTP_PROXY` in upper case is what a web server makes
    /// of a stranger's header `Proxy` for its CGI programs, so it is not read where
    /// `REQUEST_METHOD` shows that this is one (as Go does it).
    #[must_use]
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let first_of = |names: &[&'static str]| {
            names.iter().find_map(|&name| {
                let value = lookup(name).map(Zeroizing::new)?;
                Some(Variable { name, value })
            })
        };
        let chosen = |names| {
            first_of(names)
                .or_else(|| first_of(&["all_proxy", "ALL_PROXY"]))
                .filter(|variable| !variable.value.trim().is_empty())
        };
        let http: &[_] = match lookup("REQUEST_METHOD") {
            Some(_) => &["http_proxy"],
            None => &["http_proxy", "HTTP_PROXY"],
        };
        let except = first_of(&["no_proxy", "NO_PROXY"]);
        Self {
            https: chosen(&["https_proxy", "HTTPS_PROXY"]),
            http: chosen(http),
            except: except.map_or_else(Vec::new, |variable| Exception::all_in(&variable.value)),
        }
    }

    /// Returns the proxy for a server, if there is one for it. This machine is never reached
    /// through a proxy.
    ///
    /// # Errors
    /// [`ProxySettingsError`] if what stands for it in the variable is no proxy.
    pub fn for_server(
        &self,
        security: &Security,
        host: &str,
        port: u16,
    ) -> Result<Option<Proxy>, ProxySettingsError> {
        let variable = match security {
            Security::Tls(_) => &self.https,
            Security::Plain => &self.http,
        };
        let Some(Variable { name, value }) = variable else {
            return Ok(None);
        };
        let target = Target::new(host, port);
        if target.is_loopback() || self.except.iter().any(|except| except.holds_for(&target)) {
            return Ok(None);
        }
        let refused = |source| ProxySettingsError {
            variable: name,
            source,
        };
        value.parse().map(Some).map_err(refused)
    }
}

/// A variable that holds no proxy's address. The user is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{variable} names no proxy that can be used")]
pub struct ProxySettingsError {
    /// Its name, as it was found.
    pub variable: &'static str,
    /// What is wrong with it.
    #[source]
    pub source: ProxyError,
}

impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            https,
            http,
            except,
        } = self;
        let name = |variable: &Option<Variable>| variable.as_ref().map(|variable| variable.name);
        f.debug_struct("ProxySettings")
            .field("https", &name(https))
            .field("http", &name(http))
            .field("except", except)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::reach::TlsTrust;

    fn settings(variables: &[(&str, &str)]) -> ProxySettings {
        ProxySettings::from_lookup(|name| {
            let mut found = variables.iter().filter(|(variable, _)| *variable == name);
            found.next().map(|(_, value)| (*value).to_owned())
        })
    }

    fn chosen(variables: &[(&str, &str)], security: &Security) -> Option<String> {
        let proxy = settings(variables).for_server(security, "app.example.com", 443);
        proxy.unwrap().map(|proxy| proxy.peer().host.clone())
    }

    fn tls() -> Security {
        let pin = "00".repeat(32).parse().unwrap();
        Security::Tls(Arc::new(TlsTrust::pin(pin).unwrap()))
    }

    #[test]
    fn the_scheme_chooses_the_variable_and_lower_case_goes_first() {
        let (https, http) = (tls(), Security::Plain);
        for (variables, for_https, for_http) in [
            (&[][..], None, None),
            (&[("HTTPS_PROXY", "a:1")][..], Some("a"), None),
            (
                &[("HTTPS_PROXY", "a:1"), ("https_proxy", "b:1")],
                Some("b"),
                None,
            ),
            (&[("http_proxy", "a:1")], None, Some("a")),
            (&[("HTTP_PROXY", "a:1")], None, Some("a")),
            (
                &[("HTTP_PROXY", "a:1"), ("REQUEST_METHOD", "GET")],
                None,
                None,
            ),
            (&[("ALL_PROXY", "a:1")], Some("a"), Some("a")),
            (
                &[("all_proxy", "a:1"), ("https_proxy", "b:1")],
                Some("b"),
                Some("a"),
            ),
            // Empty is an answer: no proxy.
            (
                &[("all_proxy", "a:1"), ("https_proxy", "")],
                None,
                Some("a"),
            ),
            (&[("https_proxy", "a:1"), ("NO_PROXY", "*")], None, None),
            (
                &[
                    ("https_proxy", "a:1"),
                    ("no_proxy", "example.org"),
                    ("NO_PROXY", "*"),
                ],
                Some("a"),
                None,
            ),
        ] {
            let found = [chosen(variables, &https), chosen(variables, &http)];
            let expected = [for_https, for_http].map(|host| host.map(String::from));
            assert_eq!(found, expected, "{variables:?}");
        }
    }

    #[test]
    fn this_machine_is_never_reached_through_a_proxy() {
        let settings = settings(&[("ALL_PROXY", "a:1")]);
        for host in [
            "localhost",
            "LOCALHOST.",
            "x.localhost",
            "127.8.0.1",
            "::1",
            "::ffff:127.0.0.1",
        ] {
            let proxy = settings.for_server(&Security::Plain, host, 80).unwrap();
            assert!(proxy.is_none(), "{host}");
        }
        for host in ["localhost.example.com", "notlocalhost", "128.0.0.1"] {
            let proxy = settings.for_server(&Security::Plain, host, 80).unwrap();
            assert!(proxy.is_some(), "{host}");
        }
    }

    #[test]
    fn a_proxy_of_no_use_harms_only_those_who_would_go_through_it() {
        let settings = settings(&[
            ("ALL_PROXY", "socks5://me:secret@h:1"),
            ("HTTPS_PROXY", "a:1"),
            ("NO_PROXY", "near.example.com"),
        ]);
        assert!(settings.for_server(&tls(), "x.example.com", 443).is_ok());
        let near = settings.for_server(&Security::Plain, "near.example.com", 80);
        assert!(near.unwrap().is_none());
        let error = settings
            .for_server(&Security::Plain, "x.example.com", 80)
            .unwrap_err();
        assert_eq!(error.variable, "ALL_PROXY");
        assert_eq!(error.source, ProxyError::Scheme("socks5".into()));
        assert!(!format!("{error:?} {settings:?}").contains("secret"));
    }
}
