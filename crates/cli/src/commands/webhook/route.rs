//! Which provider's deliveries go to which local app, as the options say.

use std::collections::BTreeMap;
use std::str::FromStr;

use clap::Args;
use features::webhooks::client::{Target, TargetError, Targets};
use thiserror::Error;

use super::provider::{ProviderName, ProviderNameError};
use crate::exit::Failure;

/// The options that say what goes where.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What goes where")]
pub(super) struct RouteOptions {
    /// The provider whose deliveries are wanted; can be given several times; all unless given
    #[arg(long = "type", value_name = "PROVIDER", value_delimiter = ',')]
    providers: Vec<ProviderName>,

    /// The port of the local app that they go to
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,

    /// The path there; that at which each came, unless given
    #[arg(long, value_name = "PATH", requires = "port")]
    path: Option<String>,

    /// Sends one provider's to an app: PROVIDER=PORT, PROVIDER=PORT/PATH or PROVIDER=http://HOST:PORT/PATH;
    /// `*` stands for all others; can be given several times
    #[arg(long, value_name = "PROVIDER=APP")]
    forward: Vec<Forward>,
}

/// A provider, and the local app that its deliveries go to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Forward {
    /// `None` for all others.
    provider: Option<ProviderName>,
    target: Target,
}

impl RouteOptions {
    /// Returns what goes where.
    ///
    /// # Errors
    /// [`Failure`] if that is not said, or said twice.
    pub(super) fn targets(&self) -> Result<Targets, Failure> {
        self.check_spelling()?;
        let mut routes: BTreeMap<Option<ProviderName>, Target> = BTreeMap::new();
        for Forward { provider, target } in self.said()? {
            let whose = provider
                .as_ref()
                .map_or_else(|| "`*`".to_owned(), ToString::to_string);
            if routes.insert(provider, target).is_some() {
                return Err(Failure::usage(format!(
                    "it is said twice where {whose} goes"
                )));
            }
        }
        if routes.is_empty() {
            return Err(Failure::usage("it is not said where deliveries go").hint(
                "name the local app's port with --port 3000, or --forward stripe=3000 for one provider",
            ));
        }
        let rest = routes.remove(&None);
        let named = routes
            .into_iter()
            .filter_map(|(provider, target)| Some((provider?.as_str().to_owned(), target)));
        Ok(Targets {
            named: named.collect(),
            rest,
        })
    }

    /// Returns every route, in the one form or the other.
    fn said(&self) -> Result<Vec<Forward>, Failure> {
        let forward = |provider: Option<&ProviderName>, target: &Target| Forward {
            provider: provider.cloned(),
            target: target.clone(),
        };
        let by_port = match (self.port_target()?, &*self.providers) {
            (Some(target), []) => vec![forward(None, &target)],
            (Some(target), providers) => providers
                .iter()
                .map(|provider| forward(Some(provider), &target))
                .collect(),
            (None, [provider, ..]) => {
                return Err(
                    Failure::usage(format!("it is not said where {provider} goes"))
                        .hint("name the local app's port with --port"),
                );
            }
            (None, []) => Vec::new(),
        };
        Ok(by_port
            .into_iter()
            .chain(self.forward.iter().cloned())
            .collect())
    }

    /// Refuses a name that is nearly that of a built-in provider: whoever follows it waits for nothing.
    fn check_spelling(&self) -> Result<(), Failure> {
        let misspelt = self.providers.iter();
        let misspelt = misspelt.filter_map(|name| Some((name, name.meant()?)));
        misspelt.take(1).try_for_each(|(name, meant)| {
            let failure = Failure::usage(format!("{name} is no provider that is built in"));
            Err(failure.hint(format!(
                "did you mean {meant}? A provider of your own with this name is followed with \
                 --forward {name}=3000"
            )))
        })
    }

    /// Returns a warning for each provider whose name is perhaps misspelt.
    pub(super) fn doubts(&self) -> Vec<String> {
        self.forward
            .iter()
            .filter_map(|it| it.provider.as_ref())
            .filter_map(|name| {
                let meant = name.meant()?;
                Some(format!(
                    "{name} is no provider that is built in: is {meant} meant?"
                ))
            })
            .collect()
    }

    fn port_target(&self) -> Result<Option<Target>, Failure> {
        let Some(port) = self.port else {
            return Ok(None);
        };
        let wrong = |error: TargetError| Failure::usage(format!("--path: {error}"));
        let target: Target = port.to_string().parse().map_err(wrong)?;
        Ok(Some(match &self.path {
            Some(path) => target.with_path(path).map_err(wrong)?,
            None => target,
        }))
    }
}

impl FromStr for Forward {
    type Err = ForwardError;

    fn from_str(text: &str) -> Result<Self, ForwardError> {
        let (provider, target) = text.split_once('=').ok_or(ForwardError::Form)?;
        Ok(Self {
            provider: match provider.trim() {
                "*" => None,
                name => Some(name.parse()?),
            },
            target: target.parse()?,
        })
    }
}

/// What is no provider and app. The user is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum ForwardError {
    #[error("use PROVIDER=PORT/PATH, such as stripe=3000/api/webhooks/stripe")]
    Form,
    #[error(transparent)]
    Provider(#[from] ProviderNameError),
    #[error(transparent)]
    Target(#[from] TargetError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Command, FromArgMatches as _};

    fn options(arguments: &str) -> Result<RouteOptions, clap::Error> {
        let command = RouteOptions::augment_args(Command::new("webhook").no_binary_name(true));
        let matches = command.try_get_matches_from(arguments.split_whitespace())?;
        RouteOptions::from_arg_matches(&matches)
    }

    fn shown(arguments: &str) -> String {
        let targets = options(arguments).unwrap().targets().unwrap();
        let named = targets
            .named
            .iter()
            .map(|(name, target)| format!("{name}={target}"));
        let rest = targets.rest.iter().map(|target| format!("*={target}"));
        named.chain(rest).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_way_to_say_where_deliveries_go_is_understood() {
        for (arguments, expected) in [
            ("--port 3000", "*=http://localhost:3000"),
            ("--type stripe --port 3000", "stripe=http://localhost:3000"),
            (
                "--type Stripe,github --port 3000 --path /hooks",
                "github=http://localhost:3000/hooks stripe=http://localhost:3000/hooks",
            ),
            (
                "--forward stripe=3000/api/webhooks/stripe --forward *=http://127.0.0.1:4000/x",
                "stripe=http://localhost:3000/api/webhooks/stripe *=http://127.0.0.1:4000/x",
            ),
            (
                "--type stripe --port 3000 --forward github=4000",
                "github=http://localhost:4000 stripe=http://localhost:3000",
            ),
        ] {
            assert_eq!(shown(arguments), expected, "{arguments}");
        }
    }

    #[test]
    fn what_is_not_said_or_said_twice_is_refused() {
        for (arguments, message) in [
            ("", "not said where deliveries go"),
            ("--type stripe", "not said where stripe goes"),
            ("--port 1 --path hooks", "--path: "),
            ("--port 1 --forward *=2", "said twice where `*` goes"),
            (
                "--type stripe --port 1 --forward stripe=2",
                "said twice where stripe goes",
            ),
        ] {
            let failure = options(arguments).unwrap().targets().unwrap_err();
            assert!(
                failure.to_string().contains(message),
                "{arguments}: {failure}"
            );
        }
        for arguments in [
            "--forward stripe",
            "--forward str/ipe=3000",
            "--forward stripe=https://localhost",
            "--port 0",
            "--path /x",
        ] {
            assert!(options(arguments).is_err(), "{arguments}");
        }
    }

    #[test]
    fn a_misspelt_provider_is_asked_about() {
        let refused = options("--type strpie --port 1").unwrap().targets();
        let refused = refused.unwrap_err();
        assert_eq!(refused.exit(), crate::exit::Exit::Usage);
        assert!(refused.to_string().contains("did you mean stripe?"));
        let doubts = options("--forward strpie=1 --forward billing=2");
        let doubts = doubts.unwrap().doubts();
        assert_eq!(
            doubts,
            ["strpie is no provider that is built in: is stripe meant?"]
        );
    }
}
