//! Whose webhooks come to a path.

use std::borrow::Cow;
use std::collections::BTreeMap;

use transport::carrier::websocket::PATH as TUNNEL;

use crate::parts::SectionError;
use crate::webhooks::{LONGEST_PROVIDER_NAME, WebhooksConfig, is_provider_name};

/// The paths that webhooks come to. Whatever is looked up here is taken as it came: nothing is decoded
/// and nothing is made shorter, so that what a provider has signed stays what it was.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    /// Those that the configuration names, and whose they are.
    named: BTreeMap<String, String>,
}

impl Paths {
    /// Takes what the configuration says.
    ///
    /// # Errors
    /// [`SectionError`] if a path is none, or the tunnel's own, or the name of a provider is none.
    pub(super) fn new(config: &WebhooksConfig) -> Result<Self, SectionError> {
        let wrong = |reason: String| SectionError {
            section: "webhooks".to_owned(),
            reason,
        };
        for path in config.paths.keys() {
            if let Some(fault) = fault_of(path) {
                return Err(wrong(format!("the path {path:?} {fault}")));
            }
        }
        for name in config.paths.values().chain(config.providers.keys()) {
            if !is_provider_name(name) || name.bytes().any(|it| it.is_ascii_uppercase()) {
                return Err(wrong(format!(
                    "{name:?} is no name of a provider: use small letters and digits, and `-`, `_` and \
                     `.` between them, at most {LONGEST_PROVIDER_NAME} in all"
                )));
            }
        }
        Ok(Self {
            named: config.paths.clone(),
        })
    }

    /// Returns whose webhooks come to a path.
    pub(super) fn provider<'a>(&'a self, path: &'a str) -> Option<Cow<'a, str>> {
        if let Some(rest) = path.strip_prefix(BELOW)
            && !self.named.contains_key(path)
        {
            let name = rest.split_once('/').map_or(rest, |(name, _)| name);
            return is_provider_name(name).then(|| in_small_letters(name));
        }
        self.named
            .get(path)
            .map(|name| Cow::Borrowed(name.as_str()))
    }

    /// Returns the paths as axum names them.
    pub(super) fn routes(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let named = self.named.keys().map(|path| Cow::Borrowed(path.as_str()));
        named.chain([Cow::Owned(format!("{BELOW}{{*rest}}"))])
    }
}

fn in_small_letters(name: &str) -> Cow<'_, str> {
    match name.bytes().any(|it| it.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    }
}

/// Says what is wrong with a path of the configuration.
fn fault_of(path: &str) -> Option<&'static str> {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"/-._~%!$&'()+,;=@".contains(&it);
    if !path.starts_with('/') {
        Some("does not begin with /")
    } else if path == TUNNEL || path.starts_with(OWN) || path == HEALTH {
        Some("is the tunnel's own")
    } else if path.len() > LONGEST_PATH || !path.bytes().all(is_plain) {
        Some("is no plain path: it stands for itself, as it is sent, without a pattern or a query")
    } else {
        None
    }
}

/// Below it each provider has its place.
const BELOW: &str = "/api/webhooks/";

const OWN: &str = "/_tunnel/";

const HEALTH: &str = "/health";

/// More than any provider lets one enter.
const LONGEST_PATH: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Result<Paths, String> {
        let config = toml::from_str(text).unwrap();
        Paths::new(&config).map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_segment_names_the_provider_whatever_follows() {
        let paths = paths("").unwrap();
        for (path, provider) in [
            ("/api/webhooks/stripe", Some("stripe")),
            ("/api/webhooks/stripe/", Some("stripe")),
            ("/api/webhooks/Stripe/a", Some("stripe")),
            ("/api/webhooks/stripe/../../admin", Some("stripe")),
            ("/api/webhooks/stripe/%2e%2e%2Fx//y", Some("stripe")),
            ("/api/webhooks/my-app_2.eu/x", Some("my-app_2.eu")),
            ("/api/webhooks/..", None),
            ("/api/webhooks/../stripe", None),
            ("/api/webhooks//stripe", None),
            ("/api/webhooks/str%69pe", None),
            ("/api/webhooks/", None),
            ("/api/webhooks", None),
            ("/API/webhooks/stripe", None),
            ("/", None),
        ] {
            assert_eq!(paths.provider(path).as_deref(), provider, "{path}");
        }
        let long = format!("/api/webhooks/{}", "a".repeat(65));
        assert_eq!(paths.provider(&long), None);
    }

    #[test]
    fn a_path_of_the_configuration_stands_for_itself() {
        let paths = paths(
            "[paths]\n\"/hooks/payments\" = \"stripe\"\n\"/api/webhooks/pay\" = \"paddle\"\n",
        )
        .unwrap();
        assert_eq!(paths.provider("/hooks/payments").as_deref(), Some("stripe"));
        assert_eq!(paths.provider("/hooks/payments/"), None);
        assert_eq!(paths.provider("/hooks/%70ayments"), None);
        assert_eq!(
            paths.provider("/api/webhooks/pay").as_deref(),
            Some("paddle")
        );
        assert_eq!(
            paths.provider("/api/webhooks/pay/2").as_deref(),
            Some("pay")
        );
    }

    #[test]
    fn what_is_no_path_or_no_name_is_refused_at_the_start() {
        for (path, wrong) in [
            ("hooks", "begin"),
            ("", "begin"),
            ("/render-tunnel", "own"),
            ("/_tunnel/logs", "own"),
            ("/health", "own"),
            ("/a/{b}", "plain"),
            ("/a/*", "plain"),
            ("/:a", "plain"),
            ("/a?b", "plain"),
            ("/a b", "plain"),
            ("/é", "plain"),
        ] {
            let error = paths(&format!("[paths]\n{path:?} = \"stripe\"")).unwrap_err();
            assert!(error.contains(wrong), "{path}: {error}");
        }
        for name in ["", "Stripe", "a/b", "a b", "..", "é"] {
            assert!(
                paths(&format!("[paths]\n\"/a\" = {name:?}")).is_err(),
                "{name}"
            );
            assert!(paths(&format!("[providers.{name:?}]")).is_err(), "{name}");
        }
    }
}
