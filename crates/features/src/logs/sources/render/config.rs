//! The section `[logs.render]`: what is written there, and what is made of it.

use std::time::Duration;

use axum::http::{HeaderValue, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use thiserror::Error;
use transport::reach::ProxySettings;

use crate::duration::parse_duration;
use crate::parts::Variables;

/// Returns the variable that holds the API key, where `[logs.render]` is there and names none.
pub(crate) fn usual_secret_variable(logs: &toml::Value) -> Option<&'static str> {
    let render = logs.get("render")?.as_table()?;
    (!render.contains_key("key-env")).then_some(API_KEY)
}

/// The section `[logs.render]`: Render's own API as a source.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RenderConfig {
    /// The workspace, `tea-…` or `usr-…`.
    pub owner: String,
    /// Services, databases and others, all in one region: `srv-…`, `dpg-…`, `red-…`.
    pub resources: Vec<String>,
    /// Which of their logs; those of the apps unless named.
    #[serde(default = "app_alone")]
    pub types: Vec<LogType>,
    /// The variable that holds the API key.
    #[serde(default = "api_key")]
    pub key_env: String,
    /// How much of what was before the start is fetched.
    #[serde(default = "five_minutes", deserialize_with = "duration")]
    pub back_fill: Duration,
    /// Where the API is.
    #[serde(default = "address")]
    pub url: String,
}

/// What a log of Render's is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogType {
    /// What the app writes.
    App,
    /// The requests that Render passes on to it.
    Request,
    /// How it is built.
    Build,
}

impl LogType {
    const fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Request => "request",
            Self::Build => "build",
        }
    }
}

/// What the section says, checked.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) scheme: Scheme,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) proxies: ProxySettings,
    pub(super) key: HeaderValue,
    /// What every question for logs begins with.
    pub(super) query: String,
    pub(super) resources: Vec<String>,
    pub(super) back_fill: Duration,
}

/// Whether TLS is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl RenderConfig {
    /// Checks what is written, and looks the key up.
    ///
    /// # Errors
    /// [`RenderConfigError`].
    pub(super) fn wanted(&self, variables: &Variables) -> Result<Wanted, RenderConfigError> {
        if self.resources.is_empty() || self.types.is_empty() {
            return Err(RenderConfigError::Nothing);
        }
        let (scheme, host, port) = self.place()?;
        Ok(Wanted {
            scheme,
            host,
            port,
            proxies: ProxySettings::from_lookup(|name| variables.get(name)),
            key: self.key(variables)?,
            query: self.query(),
            resources: self.resources.clone(),
            back_fill: self.back_fill,
        })
    }

    fn place(&self) -> Result<(Scheme, String, u16), RenderConfigError> {
        let uri: Uri = self.url.parse().map_err(|_| RenderConfigError::Address)?;
        let host = uri.host().ok_or(RenderConfigError::Address)?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let scheme = match uri.scheme_str() {
            Some("https") => Scheme::Https,
            // The key would lie open on its way.
            Some("http") if matches!(&*host, "127.0.0.1" | "::1" | "localhost") => Scheme::Http,
            _ => return Err(RenderConfigError::Address),
        };
        let port = uri.port_u16().unwrap_or(match scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        });
        Ok((scheme, host, port))
    }

    fn key(&self, variables: &Variables) -> Result<HeaderValue, RenderConfigError> {
        let name = || self.key_env.clone();
        let key = variables.get(&self.key_env);
        let key = key.ok_or_else(|| RenderConfigError::NoKey(name()))?;
        let header = HeaderValue::from_str(&format!("Bearer {}", key.trim()));
        let mut header = header.map_err(|_| RenderConfigError::Key(name()))?;
        header.set_sensitive(true);
        Ok(header)
    }

    fn query(&self) -> String {
        let encoded = |text| utf8_percent_encode(text, UNRESERVED);
        let mut query = format!("ownerId={}", encoded(&self.owner));
        for resource in &self.resources {
            query.push_str(&format!("&resource={}", encoded(resource)));
        }
        for kind in &self.types {
            query.push_str(&format!("&type={}", kind.name()));
        }
        query
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text)
        .map_err(|error| D::Error::custom(format!("back-fill = {text:?}: {error}")))
}

fn app_alone() -> Vec<LogType> {
    vec![LogType::App]
}

fn api_key() -> String {
    API_KEY.to_owned()
}

const fn five_minutes() -> Duration {
    // A deploy, and what was before it.
    Duration::from_secs(5 * 60)
}

fn address() -> String {
    "https://api.render.com".to_owned()
}

/// A section that makes no sense. The operator is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum RenderConfigError {
    #[error("resources and types name nothing to follow")]
    Nothing,
    #[error("url is no https address")]
    Address,
    #[error("{0} is not set: make an API key in Render's account settings, and put it there")]
    NoKey(String),
    #[error("{0} holds no API key")]
    Key(String),
}

/// What stands in a query as it is.
pub(super) const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What Render's own tools call it.
const API_KEY: &str = "RENDER_API_KEY";
