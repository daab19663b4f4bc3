//! How the server is to be reached, from all the places that may say so: flags first, then the
//! environment and `.env`, then `tunnel.toml`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use client::CarrierChoice;
use serde::Deserialize;
use transport::reach::{Pin, ProxySettings, TlsTrust};

use crate::environment::Environment;
use crate::exit::Failure;
use crate::explain::ways;
use crate::settings::ClientSection;

/// The options about the way to the server.
#[derive(Clone, Debug, Default, Args)]
pub struct WayOptions {
    /// Which way to take: the best that works, or one alone [env: RENDER_TUNNEL_CARRIER] [default: auto]
    #[arg(long, value_enum, value_name = "CARRIER")]
    pub(super) carrier: Option<CarrierName>,

    /// Checks an https server's certificate by the authorities in a PEM file [env: RENDER_TUNNEL_CA]
    #[arg(long, value_name = "PATH", conflicts_with = "pin")]
    pub(super) ca: Option<PathBuf>,

    /// Trusts the https server that has this public key: sha256/ and its hash [env: RENDER_TUNNEL_PIN]
    #[arg(long, value_name = "HASH")]
    pub(super) pin: Option<Pin>,
}

/// Which carriers may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CarrierName {
    /// UDP where the server offers it and the network lets it through, else WebSocket
    Auto,
    /// UDP alone
    Udp,
    /// WebSocket alone
    Websocket,
}

/// How the server is to be reached.
#[derive(Debug)]
pub struct Way {
    /// Over which carriers.
    pub carrier: CarrierChoice,
    /// What an https server is known by; the system's authorities unless said.
    pub trust: Option<TlsTrust>,
    /// Through which proxies.
    pub proxies: ProxySettings,
}

/// What an https server is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mark {
    /// Authorities in a file.
    Authorities(PathBuf),
    /// Its key.
    Key(Pin),
}

impl WayOptions {
    /// Whether the command itself says which way to take, or what the server is known by.
    #[must_use]
    pub const fn is_insisted(&self) -> bool {
        let Self { carrier, ca, pin } = self;
        carrier.is_some() || ca.is_some() || pin.is_some()
    }

    /// Puts together what all places say.
    ///
    /// # Errors
    /// [`Failure`] if one of them makes no sense.
    pub fn resolve(
        &self,
        environment: &Environment,
        section: &ClientSection,
    ) -> Result<Way, Failure> {
        let carrier = match (self.carrier, environment.text(CARRIER)?) {
            (Some(carrier), _) => Some(carrier),
            (None, Some(text)) => Some(carrier_of(text)?),
            (None, None) => section.carrier,
        };
        let mark = self.mark(environment, section)?;
        Ok(Way {
            carrier: carrier.unwrap_or(CarrierName::Auto).into(),
            trust: mark.map(Mark::trust).transpose()?,
            proxies: ProxySettings::from_lookup(|name| {
                // An empty one means no proxy.
                environment.as_written(name).map(str::to_owned)
            }),
        })
    }

    /// Returns the mark from the first place that names one.
    fn mark(
        &self,
        environment: &Environment,
        section: &ClientSection,
    ) -> Result<Option<Mark>, Failure> {
        let of_flags = mark("the flags", self.ca.as_deref(), self.pin)?;
        if of_flags.is_some() {
            return Ok(of_flags);
        }
        let ca = environment.text(CA)?.map(Path::new);
        let pin = environment.text(PIN)?.map(|text| pin_of(PIN, text));
        let of_environment = mark("the environment", ca, pin.transpose()?)?;
        if of_environment.is_some() {
            return Ok(of_environment);
        }
        let pin = section.pin.as_deref();
        let pin = pin.map(|text| pin_of("pin in tunnel.toml", text));
        mark("tunnel.toml", section.ca.as_deref(), pin.transpose()?)
    }
}

impl Mark {
    fn trust(self) -> Result<TlsTrust, Failure> {
        match self {
            Self::Key(pin) => {
                TlsTrust::pin(pin).map_err(|error| Failure::failed(error.to_string()))
            }
            Self::Authorities(path) => {
                let unusable = |why: String| {
                    Failure::usage(format!(
                        "cannot use the authorities in {}: {why}",
                        path.display()
                    ))
                };
                let pem = fs::read(&path).map_err(|error| unusable(error.to_string()))?;
                TlsTrust::authorities(&pem)
                    .map_err(|error| unusable(error.to_string()).hint(ways::trust(&error)))
            }
        }
    }
}

/// Returns what one place names.
fn mark(place: &str, ca: Option<&Path>, pin: Option<Pin>) -> Result<Option<Mark>, Failure> {
    match (ca, pin) {
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "{place} has both authorities and a pin for the server"
        ))
        .hint("keep one: a pin says all that authorities could")),
        (Some(path), None) => Ok(Some(Mark::Authorities(path.to_owned()))),
        (None, Some(pin)) => Ok(Some(Mark::Key(pin))),
        (None, None) => Ok(None),
    }
}

fn carrier_of(text: &str) -> Result<CarrierName, Failure> {
    CarrierName::from_str(text.trim(), true).map_err(|_| {
        Failure::usage(format!("{CARRIER} is {text:?}, which is no carrier"))
            .hint("use auto, udp or websocket")
    })
}

fn pin_of(place: &str, text: &str) -> Result<Pin, Failure> {
    text.parse().map_err(|error| {
        Failure::usage(format!("{place}: {error}"))
            .hint("`tunnel doctor` shows the pin of the server that answers")
    })
}

impl fmt::Display for CarrierName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Udp => "udp",
            Self::Websocket => "websocket",
        })
    }
}

impl From<CarrierName> for CarrierChoice {
    fn from(carrier: CarrierName) -> Self {
        match carrier {
            CarrierName::Auto => Self::Auto,
            CarrierName::Udp => Self::Udp,
            CarrierName::Websocket => Self::WebSocket,
        }
    }
}

/// The variable that names the carrier.
pub const CARRIER: &str = "RENDER_TUNNEL_CARRIER";

/// The variable that names a file of authorities.
pub const CA: &str = "RENDER_TUNNEL_CA";

/// The variable that holds a pin.
pub const PIN: &str = "RENDER_TUNNEL_PIN";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn options() -> WayOptions {
        WayOptions {
            carrier: None,
            ca: None,
            pin: None,
        }
    }

    fn section(text: &str) -> ClientSection {
        toml::from_str(text).unwrap()
    }

    fn pin(digit: &str) -> Pin {
        digit.repeat(64).parse().unwrap()
    }

    #[test]
    fn a_carrier_is_the_flags_then_the_environments_then_the_files() {
        let section = section("carrier = 'udp'");
        let environment = Environment::of(&[(CARRIER, "WebSocket")], &[]);
        let flag = WayOptions {
            carrier: Some(CarrierName::Auto),
            ..options()
        };
        let resolved = |options: &WayOptions, environment| {
            options.resolve(environment, &section).unwrap().carrier
        };
        assert_eq!(resolved(&flag, &environment), CarrierChoice::Auto);
        assert_eq!(resolved(&options(), &environment), CarrierChoice::WebSocket);
        let nothing = Environment::default();
        assert_eq!(resolved(&options(), &nothing), CarrierChoice::Udp);
        let default = options().resolve(&nothing, &ClientSection::default());
        assert_eq!(default.unwrap().carrier, CarrierChoice::Auto);
    }

    #[test]
    fn the_first_place_that_names_a_mark_is_taken_whole() {
        let file = section(&format!("pin = '{}'", "a".repeat(64)));
        let variable = Environment::of(&[(CA, "ca.pem")], &[]);
        let flag = WayOptions {
            pin: Some(pin("b")),
            ..options()
        };
        let mark = |options: &WayOptions, environment| options.mark(environment, &file).unwrap();
        assert_eq!(mark(&flag, &variable), Some(Mark::Key(pin("b"))));
        let authorities = Mark::Authorities("ca.pem".into());
        assert_eq!(mark(&options(), &variable), Some(authorities));
        let nothing = Environment::default();
        assert_eq!(mark(&options(), &nothing), Some(Mark::Key(pin("a"))));
    }

    #[test]
    fn what_makes_no_sense_is_named_by_its_place() {
        let (good, hash) = (Environment::default(), "a".repeat(64));
        let both = format!("ca = 'ca.pem'\npin = '{hash}'");
        for (variables, file, why) in [
            (&[(CARRIER, "pigeon")][..], "", "RENDER_TUNNEL_CARRIER"),
            (&[(PIN, "123")][..], "", "RENDER_TUNNEL_PIN"),
            (&[(CA, "/nowhere.pem")][..], "", "/nowhere.pem"),
            (&[], "pin = '123'", "tunnel.toml"),
            (&[], &both, "tunnel.toml has both"),
        ] {
            let environment = Environment::of(variables, &[]);
            let failure = options().resolve(&environment, &section(file)).unwrap_err();
            assert_eq!(failure.exit(), Exit::Usage);
            assert!(failure.to_string().contains(why), "{failure}");
        }
        assert!(options().resolve(&good, &section("")).is_ok());
    }
}
