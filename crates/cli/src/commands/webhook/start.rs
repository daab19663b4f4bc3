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
                held.iter().flat_map(|event| self.opened(event)).collect()
            }
            WebhookEvent::Opened { .. } if self.url.is_none() => {
                self.held.push(event.clone());
                Vec::new()
            }
            event => self.opened(event),
        }
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
        let url = self.url.iter().flatten().next();
        let url = url.map_or("", |url| url.trim_end_matches('/'));
        let from = format!("{url}{}", provider.path);
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
        format!("{name}: {} ({mode}; {verified}) → {to}", printable(&from))
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
