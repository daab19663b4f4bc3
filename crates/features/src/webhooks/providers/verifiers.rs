//! What the server verifies requests with: the secrets of its variables, for each provider.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use tracing::warn;

use super::built_in;
use super::challenge::{Challenge, Means};
use super::manner::{Manner, Terms};
use super::once::Tokens;
use super::paypal::Certificates;
use super::scheme::unix;
use super::secrets::{Secret, in_variable, spellings, variable};
use super::table::find;
use crate::parts::{SectionError, Variables};
use crate::webhooks::{HmacConfig, ProviderConfig, Refusal, Request, Verification, WebhooksConfig};

/// What the server verifies requests with.
#[derive(Debug)]
pub(crate) struct Verifiers {
    known: BTreeMap<String, Known>,
    certificates: Certificates,
    tokens: Tokens,
}

/// What is known of a provider.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) secrets: Vec<Secret>,
    /// What a provider shows that asks for the first time, where it shows anything.
    pub(super) verify_token: Vec<Secret>,
    hmac: Option<HmacConfig>,
    url: Option<String>,
    tolerance: Option<Duration>,
}

impl Verifiers {
    /// Takes what the configuration says, and the secrets of its variables.
    ///
    /// # Errors
    /// [`SectionError`] if a variable is named that is not set, if what is in one cannot be a secret of
    /// its provider, or if nobody knows how a provider signs that has one.
    pub(crate) fn new(
        config: &WebhooksConfig,
        variables: &Variables,
    ) -> Result<Self, SectionError> {
        let configured = config.providers.keys().map(String::as_str);
        let at_paths = config.paths.values().map(String::as_str);
        let mut names: BTreeSet<&str> = configured.chain(at_paths).collect();
        for name in built_in() {
            names.insert(name);
        }
        let known = names.into_iter().map(|name| {
            let known = Known::new(name, &config.providers, variables)?;
            Ok::<_, SectionError>((name.to_owned(), known))
        });
        Ok(Self {
            known: known.collect::<Result<_, _>>()?,
            certificates: Certificates::new(variables),
            tokens: Tokens::default(),
        })
    }

    /// Says whether a request is its provider's.
    pub(crate) async fn verify(
        &self,
        provider: &str,
        request: &Request,
        now: SystemTime,
    ) -> Verification {
        let Some(known) = self.known(provider) else {
            return Verification::NoSecret;
        };
        match self.check(provider, known, request, unix(now)).await {
            Ok(()) => Verification::Verified,
            Err(refusal) => Verification::Refused(refusal),
        }
    }

    /// Answers a provider that asks whether it may send; `None` if a request is something else, or
    /// asks without the right. What `verification` says of a GET does not matter.
    pub(crate) fn challenge(
        &self,
        provider: &str,
        request: &Request,
        verification: Verification,
    ) -> Option<Challenge> {
        // Built in only: their questions cannot be described.
        let answer = find(provider)?.challenge;
        let known = self.known.get(provider)?;
        let means = Means {
            secrets: &revealed(&known.secrets),
            tokens: &revealed(&known.verify_token),
            verification,
        };
        answer(request, means)
    }

    /// Takes out of a request what production's secret can be read from, so that it does not leave the
    /// server: a token that a provider shows as it is. Nothing is verified by it after that.
    pub(crate) fn conceal(&self, provider: &str, request: &mut Request) {
        let known = self.known.get(provider);
        let hmac = known.and_then(|known| known.hmac.as_ref());
        if let Some(manner) = Manner::of(provider, hmac) {
            manner.scheme().conceal(request);
        }
    }

    /// Whether there is a secret for a provider.
    pub(crate) fn has_secret(&self, provider: &str) -> bool {
        self.known(provider).is_some()
    }

    /// Returns all secrets, so that log lines hide them.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let all = self.known.values();
        all.flat_map(|known| known.secrets.iter().chain(&known.verify_token))
    }

    fn known(&self, provider: &str) -> Option<&Known> {
        let known = self.known.get(provider)?;
        (!known.secrets.is_empty()).then_some(known)
    }

    async fn check(
        &self,
        provider: &str,
        known: &Known,
        request: &Request,
        now: u64,
    ) -> Result<(), Refusal> {
        let manner = Manner::of(provider, known.hmac.as_ref()).ok_or(Refusal::Unavailable)?;
        let secrets = revealed(&known.secrets);
        let terms = Terms {
            secrets: &secrets,
            url: known.url.as_deref(),
            now,
            tolerance: known.tolerance,
        };
        manner
            .check_fetching(request, &terms, &self.certificates)
            .await?;
        match manner.scheme().token(request) {
            Some(token) => self.tokens.take(token, request),
            None => Ok(()),
        }
    }
}

impl Known {
    fn new(
        name: &str,
        configs: &BTreeMap<String, ProviderConfig>,
        variables: &Variables,
    ) -> Result<Self, SectionError> {
        let wrong = |reason: String| SectionError {
            section: format!("webhooks.providers.{name}"),
            reason,
        };
        let secrets = secrets_of(name, configs, variables).map_err(wrong)?;
        let written = || spellings(name).filter_map(|it| configs.get(it));
        let url = written().find_map(|config| config.url.clone());
        let whole = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        if !url.as_ref().is_none_or(whole) {
            return Err(wrong("url begins with https://".to_owned()));
        }
        let hmac = configs.get(name).and_then(|config| config.hmac.clone());
        let manner = Manner::configured(name, hmac.as_ref()).map_err(|it| wrong(it.to_owned()))?;
        let fault = match manner {
            None if !secrets.is_empty() => Some(NO_MANNER),
            Some(ref manner) if !manner.takes(&revealed(&secrets)) => Some(NO_SECRET),
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(wrong(fault.to_owned()));
        }
        let signs_url = manner.is_some_and(|manner| manner.scheme().signs_url());
        let url = match url {
            None if signs_url && !secrets.is_empty() => own_url(name, variables),
            url => url,
        };
        Ok(Self {
            verify_token: in_variables(name, "VERIFY_TOKEN", variables).map_err(wrong)?,
            secrets,
            hmac,
            url,
            tolerance: written().find_map(|config| config.tolerance),
        })
    }
}

/// Reads the secrets of a provider, or says what is wrong with them.
fn secrets_of(
    name: &str,
    configs: &BTreeMap<String, ProviderConfig>,
    variables: &Variables,
) -> Result<Vec<Secret>, String> {
    for spelling in spellings(name) {
        let named = configs.get(spelling).and_then(|it| it.secret_env.as_ref());
        let secrets = match named {
            Some(named) => in_variable(named, variables)?,
            None => in_variable(&variable(spelling, "WEBHOOK_SECRET"), variables)?,
        };
        match (named, secrets.len()) {
            (Some(named), 0) => return Err(format!("there is nothing in the variable {named}")),
            (None, 0) => {}
            (_, count) if count > MOST_SECRETS => {
                return Err(format!("at most {MOST_SECRETS} secrets are good at once"));
            }
            _ => return Ok(secrets),
        }
    }
    Ok(Vec::new())
}

/// Reads the first variable of a kind that one of a provider's spellings has.
fn in_variables(name: &str, what: &str, variables: &Variables) -> Result<Vec<Secret>, String> {
    for spelling in spellings(name) {
        let found = in_variable(&variable(spelling, what), variables)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// Returns the address that a provider has signed, where only the platform says which it is.
///
/// What a request says of its own host anybody may have written, and who has a signature for another
/// address that the same secret is for would get by with it.
fn own_url(name: &str, variables: &Variables) -> Option<String> {
    let url = variables.get("RENDER_EXTERNAL_URL");
    let url = url.filter(|it| it.starts_with("https://") || it.starts_with("http://"));
    if url.is_none() {
        warn!(
            provider = name,
            "it signs the address, which is taken from each request: set url in \
             [webhooks.providers.{name}]"
        );
    }
    url
}

fn revealed(secrets: &[Secret]) -> Vec<&str> {
    secrets.iter().map(Secret::reveal).collect()
}

const NO_MANNER: &str = "it has a secret, and no hmac that says how it signs";
const NO_SECRET: &str = "what its variable holds is not of the form of its secrets";

/// The old and the new while one is rotated, for some services that share a path. Each of them costs
/// another hash of the body.
const MOST_SECRETS: usize = 8;
