//! Signs deliveries anew, so that the local app takes those that are late or replayed.

use std::collections::BTreeSet;
use std::time::SystemTime;

use super::carry::Signed;
use super::target::Target;
use crate::webhooks::config::HmacConfig;
use crate::webhooks::delivery::{Request, Verification};
use crate::webhooks::providers::{OwnSecrets, Signing, is_concealed, is_fresh, sign};

/// When deliveries are signed anew. What has been refused as not its provider's is not, whenever it
/// comes: a forgery would become what the local app believes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SigningPolicy {
    /// All of a provider whose secret of this laptop's own somebody has asked for; of the others
    /// those that are late.
    #[default]
    Auto,
    /// All, and of those that are replayed by hand also what was refused.
    Always,
    /// Those that the provider's SDK would call too old, those that are replayed, and those whose token
    /// has stayed on the server.
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
    pub(super) verification: Verification,
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
        let is_refused = matches!(whose.verification, Verification::Refused(_));
        if is_refused && !self.is_asked_for_by_hand(whose) {
            return false;
        }
        let is_late = || {
            whose.occasion == Occasion::Replay
                || !is_fresh(signing, request)
                || is_concealed(signing, request)
        };
        match self.policy {
            SigningPolicy::Never => false,
            SigningPolicy::Always => true,
            SigningPolicy::Auto if self.asked.contains(whose.provider) => true,
            SigningPolicy::Auto | SigningPolicy::Late => is_late(),
        }
    }
    /// Whether somebody has said twice that a request is wanted: this one, and signed whatever it is.
    fn is_asked_for_by_hand(&self, whose: &Whose<'_>) -> bool {
        whose.occasion == Occasion::Replay && self.policy == SigningPolicy::Always
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhooks::delivery::{Header, Origin, Refusal};
    use crate::webhooks::providers::check;

    fn stripe() -> Request {
        Request {
            method: "POST".into(),
            target: "/api/webhooks/stripe".into(),
            headers: vec![Header::new("stripe-signature", "t=1,v1=00")],
            body: b"{}".to_vec().into(),
            origin: Origin {
                scheme: "https".into(),
                host: "app.example.com".into(),
                client: [192, 0, 2, 1].into(),
            },
        }
    }

    fn signed(policy: SigningPolicy, occasion: Occasion, verification: Verification) -> Signed {
        let signer = Signer {
            policy,
            secrets: OwnSecrets::new(&[7; 32]),
            asked: BTreeSet::from(["stripe".to_owned()]),
        };
        let whose = Whose {
            provider: "stripe",
            hmac: None,
            occasion,
            verification,
        };
        let (mut request, now) = (stripe(), SystemTime::now());
        let signed = signer.apply(&whose, &mut request, &"3000".parse().unwrap(), now);
        let signing = Signing {
            provider: "stripe",
            hmac: None,
            url: None,
            now,
        };
        let own = signer.secrets.of("stripe", None).unwrap();
        let is_good = check(&signing, &request, &[&own], None).is_ok();
        assert_eq!(is_good, signed == Signed::Anew);
        signed
    }

    #[test]
    fn no_policy_signs_what_was_refused_as_it_comes() {
        use SigningPolicy::{Always, Auto, Late, Never};
        for refusal in [Refusal::Missing, Refusal::Wrong, Refusal::Stale(400)] {
            let refused = Verification::Refused(refusal);
            for policy in [Auto, Always, Late, Never] {
                assert_eq!(signed(policy, Occasion::Live, refused), Signed::AsItCame);
            }
            for policy in [Auto, Late, Never] {
                assert_eq!(signed(policy, Occasion::Replay, refused), Signed::AsItCame);
            }
            assert_eq!(signed(Always, Occasion::Replay, refused), Signed::Anew);
        }
        for verification in [Verification::Verified, Verification::NoSecret] {
            for occasion in [Occasion::Live, Occasion::Replay] {
                assert_eq!(signed(Auto, occasion, verification), Signed::Anew);
            }
        }
    }
}
