//! How a request is held against what is known of its provider.

use std::time::Duration;

use super::paypal::{Certificates, Chain};
use super::recipe::Recipe;
use super::scheme::{Material, Scheme, in_time};
use super::table::{self, Provider, TOLERANCE};
use super::{aside, url};
use crate::webhooks::{HmacConfig, Refusal, Request};

/// What a request is held against.
pub(super) struct Terms<'a> {
    pub(super) secrets: &'a [&'a str],
    /// As in [`Signing`](super::Signing).
    pub(super) url: Option<&'a str>,
    /// In seconds since 1970.
    pub(super) now: u64,
    /// The provider's own, unless given.
    pub(super) tolerance: Option<Duration>,
}

/// How a provider signs: as it is built in, or as the configuration says.
pub(super) enum Manner<'a> {
    BuiltIn(&'static Provider),
    Described(Recipe<'a>),
}

impl<'a> Manner<'a> {
    pub(super) fn of(provider: &str, hmac: Option<&'a HmacConfig>) -> Option<Self> {
        match hmac {
            Some(hmac) => Some(Self::Described(Recipe::of(hmac))),
            None => table::find(provider).map(Self::BuiltIn),
        }
    }

    /// The same of what the operator has written, or what is wrong with that.
    pub(super) fn configured(
        provider: &str,
        hmac: Option<&'a HmacConfig>,
    ) -> Result<Option<Self>, &'static str> {
        let manner = Self::of(provider, hmac);
        match &manner {
            Some(Self::Described(_)) if table::find(provider).is_some() => {
                Err("it is built in: give what you describe as hmac another name")
            }
            Some(Self::Described(recipe)) => recipe.fault().map_or(Ok(()), Err),
            _ => Ok(()),
        }?;
        Ok(manner)
    }

    pub(super) fn scheme(&self) -> &dyn Scheme {
        match self {
            Self::BuiltIn(known) => known.scheme,
            Self::Described(recipe) => recipe,
        }
    }

    /// Whether texts can be secrets of the provider.
    pub(super) fn takes(&self, secrets: &[&str]) -> bool {
        secrets.iter().all(|secret| self.scheme().takes(secret))
    }

    /// How old a signature may be for the provider's own SDK.
    pub(super) fn fresh(&self) -> Option<Duration> {
        match self {
            Self::BuiltIn(known) => known.fresh,
            Self::Described(recipe) => recipe.timestamp.map(|_| TOLERANCE),
        }
    }

    /// How far the time of a signature may be from ours.
    fn tolerance(&self) -> Option<Duration> {
        match self {
            Self::BuiltIn(known) => known.tolerance,
            Self::Described(_) => self.fresh(),
        }
    }

    pub(super) fn check(
        &self,
        request: &Request,
        terms: &Terms<'_>,
        chain: Option<&Chain>,
    ) -> Result<(), Refusal> {
        let scheme = self.scheme();
        let url = url::whole(terms.url, request);
        let with = Material {
            secrets: terms.secrets,
            url: url.as_deref(),
            chain,
        };
        aside(request, || scheme.check(request, &with))?;
        let Some(tolerance) = terms.tolerance.or_else(|| self.tolerance()) else {
            return Ok(());
        };
        match scheme.signed_at(request)? {
            Some(signed) => in_time(signed, terms.now, tolerance),
            None => Ok(()),
        }
    }

    /// Looks at all that can be told without a certificate: nothing is fetched for less.
    fn is_worth_fetching(&self, request: &Request, terms: &Terms<'_>) -> Result<(), Refusal> {
        match self.check(request, terms, None) {
            Ok(()) | Err(Refusal::Unavailable) => {}
            Err(refusal) => return Err(refusal),
        }
        let tolerance = terms.tolerance.or_else(|| self.tolerance());
        match (self.scheme().signed_at(request)?, tolerance) {
            (Some(signed), Some(tolerance)) => in_time(signed, terms.now, tolerance),
            _ => Ok(()),
        }
    }

    pub(super) async fn check_fetching(
        &self,
        request: &Request,
        terms: &Terms<'_>,
        certificates: &Certificates,
    ) -> Result<(), Refusal> {
        let chain = match self.scheme().certificate(request)? {
            Some(named) => {
                self.is_worth_fetching(request, terms)?;
                Some(certificates.get(named, terms.now).await?)
            }
            None => None,
        };
        self.check(request, terms, chain.as_deref())
    }
}
