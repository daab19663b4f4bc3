//! What the configuration says of providers, as followers are told it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tracing::info;

use crate::webhooks::config::{Mode, WebhooksConfig};
use crate::webhooks::providers::{self, Verifiers};
use crate::webhooks::wire::ProviderState;

/// What the server knows of providers before they send anything.
#[derive(Debug)]
pub(super) struct About {
    pub(super) config: WebhooksConfig,
    pub(super) verifiers: Arc<Verifiers>,
    /// What others put before a path, if the server knows it.
    pub(super) url: Option<String>,
}

impl About {
    /// Returns the providers that the configuration names.
    pub(super) fn named(&self) -> BTreeSet<&str> {
        let names = self.config.providers.keys();
        let names = names.chain(self.config.paths.values());
        names.map(String::as_str).collect()
    }

    /// Says whose webhooks are verified: a misspelt variable shows in what is missing there.
    pub(super) fn say_verified(&self) {
        let mut names = self.named();
        for name in providers::built_in() {
            names.insert(name);
        }
        let names = names.into_iter().filter(|it| self.verifiers.has_secret(it));
        let names = names.collect::<Vec<_>>().join(", ");
        if names.is_empty() {
            info!("no webhooks are verified: no provider has a secret here");
        } else {
            info!("webhooks are verified for: {names}");
        }
    }

    /// Says how a provider is treated.
    pub(super) fn state(&self, provider: &str, kept: Option<u64>) -> ProviderState {
        let mut paths = self.config.paths.iter();
        let own = paths.find(|(_, name)| *name == provider);
        let path = own.map(|(path, _)| path.clone());
        let config = self.config.providers.get(provider);
        ProviderState {
            name: provider.to_owned(),
            path: path.unwrap_or_else(|| format!("/api/webhooks/{provider}")),
            mode: config.map(|config| config.mode).unwrap_or_default(),
            verified: self.verifiers.has_secret(provider),
            hmac: config.and_then(|config| config.hmac.clone()),
            kept: kept.unwrap_or_default(),
        }
    }

    /// Whether a provider waits for what local apps answer.
    pub(super) fn waits(&self, provider: &str) -> bool {
        let config = self.config.providers.get(provider);
        config.is_some_and(|config| config.mode == Mode::Proxy)
    }
}

/// Which providers a follower was told of.
#[derive(Debug, Default)]
pub(super) struct Told(BTreeSet<String>);

impl Told {
    /// Returns those of which it was not, and notes that it is.
    pub(super) fn news(
        &mut self,
        about: &About,
        known: BTreeMap<String, u64>,
    ) -> Vec<ProviderState> {
        let mut kept = known;
        for name in about.named() {
            kept.entry(name.to_owned()).or_default();
        }
        let new = kept
            .into_iter()
            .filter(|(name, _)| self.0.insert(name.clone()));
        new.map(|(name, kept)| about.state(&name, Some(kept)))
            .collect()
    }
}
