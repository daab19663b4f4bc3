//! Signs deliveries anew, so that the local app takes those that are late or replayed.

use std::collections::BTreeSet;
use std::time::SystemTime;

use super::carry::Signed;
use super::target::Target;
use crate::webhooks::config::HmacConfig;
use crate::webhooks::delivery::Request;
use crate::webhooks::providers::{OwnSecrets, Signing, is_fresh, sign};

/// When deliveries are signed anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SigningPolicy {
    /// All of a provider whose secret of this laptop's own somebody has asked for; of the others
    /// those that are late.
    #[default]
    Auto,
    /// All.
    Always,
    /// Those that the provider's SDK would call too old, and those that are replayed.
    Late,
    /// None.
    Never,
}

/// Signs requests with the secrets of a laptop's own.
#[derive(Debug)]
pub struct Signer {
    /// When.
    pub policy: SigningPolicy,
    /// With what.
    pub secrets: OwnSecrets,
    /// The providers whose own secret was asked for: their apps know it.
    pub asked: BTreeSet<String>,
}

/// Why a request is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// It came.
    Live,
    /// Somebody wants it again, or has made it up.
    Replay,
}

/// Whose request it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whose<'a> {
    pub(super) provider: &'a str,
    pub(super) hmac: Option<&'a HmacConfig>,
    pub(super) occasion: Occasion,
}

impl Signer {
    /// Signs a request anew for a local app if it should be and can be.
    pub(super) fn apply(
        &self,
        whose: &Whose<'_>,
        request: &mut Request,
        target: &Target,
        now: SystemTime,
    ) -> Signed {
        let url = target.url_to_sign(&request.target);
        let signing = Signing {
            provider: whose.provider,
            hmac: whose.hmac,
            url: Some(&url),
            now,
        };
        if !self.should(whose, &signing, request) {
            return Signed::AsItCame;
        }
        let signed = self
            .secrets
            .of(whose.provider, whose.hmac)
            .and_then(|secret| sign(&signing, request, &secret));
        match signed {
            Ok(()) => Signed::Anew,
            // Only its provider can: it goes as it is, and its provider's SDK does not look at its age.
            Err(_) => Signed::AsItCame,
        }
    }

    fn should(&self, whose: &Whose<'_>, signing: &Signing<'_>, request: &Request) -> bool {
        let is_late = || whose.occasion == Occasion::Replay || !is_fresh(signing, request);
        match self.policy {
            SigningPolicy::Never => false,
            SigningPolicy::Always => true,
            SigningPolicy::Auto if self.asked.contains(whose.provider) => true,
            SigningPolicy::Auto | SigningPolicy::Late => is_late(),
        }
    }
}
