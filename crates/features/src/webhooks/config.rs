//! The section `[webhooks]` of `tunnel.toml`.
//!
//! ```toml
//! [webhooks]
//! inbox = "/var/data/inbox.db"          # a SQLite file on a disk that lasts; or
//! inbox-env = "INBOX_DATABASE_URL"      # the variable that holds the address of a PostgreSQL database
//! retention = "7d"
//! max-bytes = 268435456                 # of the inbox
//! max-body = 26214400                   # of a delivery
//! require-verification = false          # true: what has no secret is refused
//! paths = { "/hooks/payments" = "stripe" }
//!
//! [webhooks.providers.slack]
//! mode = "proxy"                        # or "tee"
//! deadline = "2s"
//! late = 202                            # what is answered when the laptop is late
//! away = 202                            # when there is none
//! secret-env = "SLACK_SIGNING_SECRET"   # SLACK_WEBHOOK_SECRET unless named
//!
//! [webhooks.providers.billing.hmac]     # a provider that is not built in
//! header = "x-billing-signature"
//! prefix = "sha256="
//! algorithm = "sha256"                  # or sha1, sha512
//! encoding = "hex"                      # or base64
//! signed = "{timestamp}.{body}"         # what is signed; also {method}, {url} and {id}
//! timestamp-header = "x-billing-time"   # seconds since 1970
//! id-header = "x-billing-id"            # by which a second one is known
//! event-header = "x-billing-event"
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderName;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::duration::parse_duration;

/// The section `[webhooks]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct WebhooksConfig {
    /// The SQLite file that is the inbox. Like every path of the file, a relative one goes by the
    /// file's folder.
    pub inbox: Option<PathBuf>,
    /// The variable that holds the address of the PostgreSQL database that the inbox is in, in a schema
    /// of its own.
    pub inbox_env: Option<String>,
    /// How long deliveries are kept; written as in `7d`.
    #[serde(deserialize_with = "duration")]
    pub retention: Duration,
    /// How many bytes they may take.
    pub max_bytes: u64,
    /// How long a body may be, in bytes.
    pub max_body: usize,
    /// Whether a delivery is refused for whose provider there is no secret.
    pub require_verification: bool,
    /// Paths beside `/api/webhooks/…`, and whose webhooks come there.
    pub paths: BTreeMap<String, String>,
    /// What is to be different for one provider.
    pub providers: BTreeMap<String, ProviderConfig>,
}

/// What is to be different for a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ProviderConfig {
    /// Who answers.
    pub mode: Mode,
    /// How long its sender waits for the laptop's answer; the provider's own time unless written.
    #[serde(deserialize_with = "optional_duration")]
    pub deadline: Option<Duration>,
    /// What is answered when the laptop is late; 202 unless written.
    pub late: Option<u16>,
    /// What is answered when no laptop is there; 202 unless written.
    pub away: Option<u16>,
    /// The variable that holds its secrets; `STRIPE_WEBHOOK_SECRET` and the like unless named.
    pub secret_env: Option<String>,
    /// How old a signature may be; the provider's own time unless written.
    #[serde(deserialize_with = "optional_duration")]
    pub tolerance: Option<Duration>,
    /// The address that it was given, where it signs that and the server cannot know it.
    pub url: Option<String>,
    /// How many deliveries a minute are taken from it; 0 for any number.
    pub per_minute: Option<u32>,
    /// How it signs, if it is not built in.
    pub hmac: Option<HmacConfig>,
}

/// Who answers a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Production: its app if there is one, else the inbox. The laptop gets a copy.
    #[default]
    Tee,
    /// The laptop, in time; else what is configured.
    Proxy,
}

/// How a provider signs that is not built in: an HMAC, and what it is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HmacConfig {
    /// The header that the signature is in.
    #[serde(deserialize_with = "header_name")]
    pub header: String,
    /// What stands before it there.
    #[serde(default)]
    pub prefix: String,
    /// The hash under it.
    #[serde(default)]
    pub algorithm: HmacAlgorithm,
    /// How it is written.
    #[serde(default)]
    pub encoding: SignatureEncoding,
    /// What is signed: text, `{body}`, `{timestamp}`, `{id}`, `{method}` and `{url}`.
    #[serde(default = "body_alone")]
    pub signed: String,
    /// The header that the timestamp is in, in seconds since 1970.
    #[serde(default, deserialize_with = "optional_header_name")]
    pub timestamp_header: Option<String>,
    /// The header that holds the provider's own name for a delivery.
    #[serde(default, deserialize_with = "optional_header_name")]
    pub id_header: Option<String>,
    /// The header that says what happened.
    #[serde(default, deserialize_with = "optional_header_name")]
    pub event_header: Option<String>,
}

/// The hash under an HMAC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HmacAlgorithm {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-512.
    Sha512,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignatureEncoding {
    /// In hexadecimal digits, of either case.
    #[default]
    Hex,
    /// In base64.
    Base64,
}

fn body_alone() -> String {
    "{body}".to_owned()
}

/// Reads a header's name, and writes it small, as they are compared.
fn header_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let name = HeaderName::try_from(&text);
    name.map(|name| name.as_str().to_owned())
        .map_err(|_| D::Error::custom(format!("{text:?} is no name of a header")))
}

/// Reads the same from a file, where it may be left out, and from the wire, where it says so.
fn optional_header_name<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Name(#[serde(deserialize_with = "header_name")] String);
    let name = Option::<Name>::deserialize(deserializer)?;
    Ok(name.map(|Name(name)| name))
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text).map_err(|error| D::Error::custom(format!("{text:?}: {error}")))
}

fn optional_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

impl Default for WebhooksConfig {
    fn default() -> Self {
        Self {
            inbox: None,
            inbox_env: None,
            // A long weekend, and the days around it.
            retention: Duration::from_secs(7 * 24 * 60 * 60),
            // Some 100,000 deliveries of an ordinary size, on the smallest disk that is sold.
            max_bytes: 256 * 1024 * 1024,
            // What GitHub sends at most.
            max_body: 25 * 1024 * 1024,
            require_verification: false,
            paths: BTreeMap::new(),
            providers: BTreeMap::new(),
        }
    }
}
