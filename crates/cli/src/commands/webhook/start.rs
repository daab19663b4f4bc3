//! What is said of each provider when its deliveries begin to come.

use std::sync::Arc;

use features::webhooks::Mode;
use features::webhooks::client::{Signer, SigningPolicy, Target, WebhookEvent};
use features::webhooks::wire::ProviderState;

use crate::output::number;
use crate::output::text::printable;

/// Says what is to be known of each provider, once the server has said where it takes its webhooks.
#[derive(Debug)]
pub(super) struct Starting {
    signer: Arc<Signer>,
    /// What stands before each provider's path; the outer `None` while the server has not said.
    url: Option<Option<String>>,
    /// What waits for that.
    held: Vec<WebhookEvent>,
}

impl Starting {
    pub(super) const fn new(signer: Arc<Signer>) -> Self {
        Self {
            signer,
            url: None,
            held: Vec::new(),
        }
    }

    /// Returns what is to be said of an event.
    pub(super) fn lines(&mut self, event: &WebhookEvent) -> Vec<String> {
        match event {
            WebhookEvent::Watching { url } => {
                self.url = Some(url.clone());
                let held = std::mem::take(&mut self.held);
                let lines = held.iter().flat_map(|event| self.opened(event));
                std::iter::once(self.entry()).chain(lines).collect()
            }
            WebhookEvent::Opened { .. } if self.url.is_none() => {
                self.held.push(event.clone());
                Vec::new()
            }
            event => self.opened(event),
        }
    }

    /// Says where any provider's webhooks come to.
    fn entry(&self) -> String {
        format!(
            "production takes webhooks at {}/api/webhooks/PROVIDER",
            self.before()
        )
    }

    /// Returns what stands before each path, as far as the server knows it.
    fn before(&self) -> String {
        let url = self.url.iter().flatten().next();
        let url = url.map_or("", |url| url.trim_end_matches('/'));
        printable(url).into_owned()
    }

    fn opened(&self, event: &WebhookEvent) -> Vec<String> {
        let WebhookEvent::Opened {
            provider,
            target,
            waiting,
            before,
        } = event
        else {
            return Vec::new();
        };
        let mut lines = vec![self.way(provider, target), self.secret(provider)];
        if *waiting > 0 {
            let waiting = number::count(*waiting);
            lines.push(format!("  waiting: {waiting}, which come first"));
        }
        if *before > 0 {
            let before = number::count(*before);
            lines.push(format!(
                "  {before} came before this laptop followed: --since all brings them as well"
            ));
        }
        lines
    }

    /// Says where a provider's webhooks come to, and where they go.
    fn way(&self, provider: &ProviderState, target: &Target) -> String {
        let name = printable(&provider.name);
        let from = format!("{}{}", self.before(), printable(&provider.path));
        let mode = match provider.mode {
            Mode::Tee => "tee: production answers",
            Mode::Proxy => "proxy: the app here answers",
        };
        let verified = if provider.verified {
            "verified"
        } else {
            "UNVERIFIED: the server has no secret for it"
        };
        let to = target.url(&provider.path);
        format!("{name}: {from} ({mode}; {verified}) → {to}")
    }

    /// Says which secret the local app needs.
    fn secret(&self, provider: &ProviderState) -> String {
        let name = printable(&provider.name);
        let Signer {
            policy,
            secrets,
            asked,
        } = &*self.signer;
        let own = secrets.of(&provider.name, provider.hmac.as_ref());
        let with_own =
            format!("this laptop's own secret (`tunnel webhook secret {name}` prints it)");
        match (policy, own) {
            (SigningPolicy::Never, _) | (_, Err(_)) => {
                "  each reaches the app with the signature that it came with".to_owned()
            }
            (SigningPolicy::Always, Ok(_)) => format!("  all are signed anew with {with_own}"),
            (SigningPolicy::Auto, Ok(_)) if asked.contains(&provider.name) => {
                format!("  all are signed anew with {with_own}")
            }
            (SigningPolicy::Auto | SigningPolicy::Late, Ok(_)) => {
                format!(
                    "  live ones keep {name}'s signature, late ones are signed anew with {with_own}"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use features::webhooks::providers::OwnSecrets;

    use super::*;

    fn said(policy: SigningPolicy, name: &str, verified: bool, waiting: u64) -> Vec<String> {
        let signer = Signer {
            policy,
            secrets: OwnSecrets::new(&[7; 32]),
            asked: BTreeSet::from(["github".to_owned()]),
        };
        let mut starting = Starting::new(Arc::new(signer));
        let opened = WebhookEvent::Opened {
            provider: Arc::new(ProviderState {
                name: name.to_owned(),
                path: format!("/api/webhooks/{name}"),
                mode: Mode::Tee,
                verified,
                hmac: None,
                kept: 7,
            }),
            target: "3000/hooks".parse().unwrap(),
            waiting,
            before: 0,
        };
        assert!(
            starting.lines(&opened).is_empty(),
            "its address is not known"
        );
        let url = Some("https://app.example.com/".to_owned());
        starting.lines(&WebhookEvent::Watching { url })
    }

    #[test]
    fn a_provider_is_introduced_once_the_address_is_known() {
        assert_eq!(
            said(SigningPolicy::Auto, "stripe", true, 1200),
            [
                "production takes webhooks at https://app.example.com/api/webhooks/PROVIDER",
                "stripe: https://app.example.com/api/webhooks/stripe (tee: production answers; verified) → http://localhost:3000/hooks",
                "  live ones keep stripe's signature, late ones are signed anew with this laptop's own secret (`tunnel webhook secret stripe` prints it)",
                "  waiting: 1,200, which come first",
            ]
        );
    }

    #[test]
    fn which_secret_the_app_needs_depends_on_who_signs() {
        let secret = |policy, name| said(policy, name, false, 0)[2].clone();
        let as_it_came = "  each reaches the app with the signature that it came with";
        assert!(secret(SigningPolicy::Auto, "github").starts_with("  all are signed anew"));
        assert!(secret(SigningPolicy::Late, "github").starts_with("  live ones keep"));
        assert!(secret(SigningPolicy::Always, "stripe").starts_with("  all are signed anew"));
        assert_eq!(secret(SigningPolicy::Never, "stripe"), as_it_came);
        assert_eq!(secret(SigningPolicy::Always, "paypal"), as_it_came);
        let lines = said(SigningPolicy::Auto, "stripe", false, 0);
        assert!(
            lines[1].contains("UNVERIFIED: the server has no secret for it"),
            "{lines:?}"
        );
    }
}
