//! Every setting of the commands, with its value and its origin. The order of the places is that of
//! `settings` and `connection`: the first that says something is taken.

use std::path::Path;

use serde::Serialize;
use transport::address::ServerAddress;

use super::origin::Origin;
use crate::connection::{CA, CARRIER, ConnectionOptions, Given, PIN};
use crate::context::Context;
use crate::settings::SECRET;

/// A setting.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    /// What it is; nothing of a secret, and nothing if it is not set.
    pub(super) value: Option<String>,
    /// Whether its value is never shown.
    pub(super) secret: bool,
    pub(super) origin: Origin,
}

/// What the places say of one setting.
struct Places<'a> {
    name: &'static str,
    flag: Option<(&'static str, String)>,
    variable: Option<&'static str>,
    /// Of the section `[client]`.
    file: Option<String>,
    default: Option<&'a str>,
}

/// What may be shown of a value.
#[derive(Clone, Copy)]
enum Sight {
    All,
    /// Only if it is a server's address: what somebody has put there by mistake may hold a password.
    Address,
    /// That there is one.
    Nothing,
}

/// Collects the settings. `file` is `tunnel.toml`, if there is one.
pub(super) fn collect(
    context: &Context,
    options: &ConnectionOptions,
    file: Option<&Path>,
) -> Vec<Setting> {
    let given = options.given();
    let ends = of_ends(context, given).into_iter();
    let shown = ends
        .chain(of_way(context, given))
        .map(|(places, sight)| places.setting(context, file, sight));
    let variables = VARIABLES.iter().map(|&(name, variable, default, sight)| {
        let places = Places {
            default,
            ..Places::of_variable(name, variable)
        };
        places.setting(context, file, sight)
    });
    shown.chain(variables).collect()
}

/// Who is connected to, and as whom.
fn of_ends<'a>(context: &Context, given: Given<'_>) -> [(Places<'a>, Sight); 3] {
    let section = &context.section;
    let server = Places {
        flag: given.server.map(|it| ("--server", it.to_owned())),
        file: section.server.clone(),
        default: Some("the built-in demo production"),
        ..Places::of_variable("server", "RENDER_EXTERNAL_URL")
    };
    let secret = Places {
        flag: given.secret_file.map(|it| ("--secret-file", shown(it))),
        ..Places::of_variable("secret", SECRET)
    };
    let environment = Places {
        name: "environment",
        flag: given.environment.map(|it| ("--environment", it.to_owned())),
        variable: None,
        file: section.environment.clone(),
        default: Some("development"),
    };
    [
        (server, Sight::Address),
        (secret, Sight::Nothing),
        (environment, Sight::All),
    ]
}

/// Which way is taken there, and what the server is known by.
fn of_way<'a>(context: &Context, given: Given<'_>) -> [(Places<'a>, Sight); 3] {
    let section = &context.section;
    let carrier = Places {
        flag: given.carrier.map(|it| ("--carrier", it.to_string())),
        file: section.carrier.map(|it| it.to_string()),
        default: Some("auto"),
        ..Places::of_variable("carrier", CARRIER)
    };
    let ca = Places {
        flag: given.ca.map(|it| ("--ca", shown(it))),
        file: section.ca.as_deref().map(shown),
        ..Places::of_variable("ca", CA)
    };
    let pin = Places {
        flag: given.pin.map(|it| ("--pin", it.to_string())),
        file: section.pin.clone(),
        ..Places::of_variable("pin", PIN)
    };
    [carrier, ca, pin].map(|places| (places, Sight::All))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

impl Places<'_> {
    const fn of_variable(name: &'static str, variable: &'static str) -> Self {
        Self {
            name,
            flag: None,
            variable: Some(variable),
            file: None,
            default: None,
        }
    }

    fn setting(self, context: &Context, path: Option<&Path>, sight: Sight) -> Setting {
        let name = self.name;
        let (value, origin) = self.first(context, path);
        Setting {
            name,
            value: match (&origin, sight) {
                (Origin::Default, _) | (_, Sight::All) => value,
                (_, Sight::Address) => value.and_then(|text| address(&text)),
                (_, Sight::Nothing) => None,
            },
            secret: matches!(sight, Sight::Nothing),
            origin,
        }
    }

    /// Returns what the first place says that says something.
    fn first(self, context: &Context, path: Option<&Path>) -> (Option<String>, Origin) {
        let environment = &context.environment;
        if let Some((name, value)) = self.flag {
            return (Some(value), Origin::Flag { name });
        }
        if let Some(variable) = self.variable
            && let Some(origin) = Origin::of_variable(variable, environment)
        {
            let value = environment.as_written(variable).map(str::to_owned);
            return (value, origin);
        }
        if let (Some(value), Some(path)) = (self.file, path) {
            let origin = Origin::TunnelToml {
                key: format!("client.{}", self.name),
                path: path.to_owned(),
            };
            return (Some(value), origin);
        }
        match self.default {
            Some(default) => (Some(default.to_owned()), Origin::Default),
            None => (None, Origin::Unset),
        }
    }
}

fn address(text: &str) -> Option<String> {
    let address: ServerAddress = text.trim().parse().ok()?;
    Some(address.to_string())
}

/// Settings that only a variable has: name, variable, default, and what may be shown. A proxy's
/// address, as a database's, may hold a password.
const VARIABLES: &[(&str, &str, Option<&str>, Sight)] = &[
    (
        "local database",
        "DATABASE_URL",
        Some(".tunnel/local.db"),
        Sight::Nothing,
    ),
    ("port", "PORT", Some("3001"), Sight::All),
    ("HTTPS_PROXY", "HTTPS_PROXY", None, Sight::Nothing),
    ("https_proxy", "https_proxy", None, Sight::Nothing),
    ("HTTP_PROXY", "HTTP_PROXY", None, Sight::Nothing),
    ("http_proxy", "http_proxy", None, Sight::Nothing),
    ("ALL_PROXY", "ALL_PROXY", None, Sight::Nothing),
    ("all_proxy", "all_proxy", None, Sight::Nothing),
    ("NO_PROXY", "NO_PROXY", None, Sight::All),
    ("no_proxy", "no_proxy", None, Sight::All),
    ("SSL_CERT_FILE", "SSL_CERT_FILE", None, Sight::All),
    ("SSL_CERT_DIR", "SSL_CERT_DIR", None, Sight::All),
];
