//! What is said of each provider when its deliveries begin to come.

use std::collections::BTreeMap;
use std::sync::Arc;

use features::webhooks::Mode;
use features::webhooks::client::{Signed, Signer, SigningPolicy, Target, Targets, WebhookEvent};
use features::webhooks::wire::{Head, ProviderState};
use features::webhooks::{Outcome, Receipt};

use crate::output::number;
use crate::output::text::printable;

/// Says what is to be known of each provider, once the server has said where it takes its webhooks.
#[derive(Debug)]
pub(super) struct Starting {
    signer: Arc<Signer>,
    targets: Targets,
    /// The server's address as it was given to this laptop: what stands before each provider's path, unless
    /// the server says it.
    front: Option<String>,
    /// What stands there as the server says it; `None` while it has not spoken.
    url: Option<Option<String>>,
    /// What waits for that.
    held: Vec<WebhookEvent>,
    /// Of whom the line was written, and where theirs go.
    said: BTreeMap<String, Target>,
}

impl Starting {
    pub(super) const fn new(signer: Arc<Signer>, targets: Targets, front: Option<String>) -> Self {
        Self {
            signer,
            targets,
            front,
            url: None,
            held: Vec::new(),
            said: BTreeMap::new(),
        }
    }

    /// Returns what is to be said of an event.
    pub(super) fn lines(&mut self, event: &WebhookEvent) -> Vec<String> {
        match event {
            WebhookEvent::Watching { url } => self.introduce(url.clone()),
            // Its line stands before those of its deliveries.
            WebhookEvent::Arrived(_) if !self.held.is_empty() => self.introduce(None),
            WebhookEvent::Opened { .. } if self.url.is_none() => {
                self.held.push(event.clone());
                Vec::new()
            }
            // The server names them in their order, and flows begin in any.
            WebhookEvent::Provider(provider) if !self.said.contains_key(&provider.name) => {
                let target = self.targets.named.get(&provider.name);
                let target = target.or(self.targets.rest.as_ref()).cloned();
                let line = target.map(|target| self.way(provider, &target));
                line.into_iter().collect()
            }
            WebhookEvent::Answered {
                head,
                receipt,
                signed,
            } => self.failed(head, receipt, *signed).into_iter().collect(),
            event => self.opened(event),
        }
    }

    /// Says what is known of the server, and what waited for that.
    fn introduce(&mut self, url: Option<String>) -> Vec<String> {
        self.url = Some(url);
        let mut lines = vec![self.entry()];
        lines.extend(self.signatures());
        for event in std::mem::take(&mut self.held) {
            lines.extend(self.opened(&event));
        }
        lines
    }

    /// Says where any provider's webhooks come to.
    fn entry(&self) -> String {
        format!(
            "production takes webhooks at {}/api/webhooks/PROVIDER",
            self.before()
        )
    }

    /// Returns what stands before each path, as far as it is known.
    fn before(&self) -> String {
        let url = self.url.iter().flatten().next();
        let url = url.or(self.front.as_ref());
        let url = url.map_or("", |url| url.trim_end_matches('/'));
        printable(url).into_owned()
    }

    fn opened(&mut self, event: &WebhookEvent) -> Vec<String> {
        let WebhookEvent::Opened {
            provider,
            target,
            waiting,
            before,
        } = event
        else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        if !self.said.contains_key(&provider.name) {
            lines.push(self.way(provider, target));
        }
        let name = printable(&provider.name);
        if *waiting > 0 {
            let waiting = number::count(*waiting);
            lines.push(format!("  {name}: {waiting} waiting, to come first"));
        }
        if *before > 0 {
            let before = number::count(*before);
            lines.push(format!(
                "  {name}: {before} came before this laptop followed: --since all brings them as well"
            ));
        }
        lines
    }

    /// Says where a provider's webhooks come to, and where they go.
    fn way(&mut self, provider: &ProviderState, target: &Target) -> String {
        self.said.insert(provider.name.clone(), target.clone());
        let name = printable(&provider.name);
        let from = format!("{}{}", self.before(), printable(&provider.path));
        let mode = match provider.mode {
            Mode::Tee => "tee: the laptop gets a copy",
            Mode::Proxy => "proxy: the app here answers",
        };
        let verified = if provider.verified {
            "verified"
        } else {
            "UNVERIFIED: the server has no secret for it"
        };
        let to = target.url(&provider.path);
        let signed = self.signature(provider);
        format!("{name}: {from} ({mode}; {verified}{signed}) → {to}")
    }

    /// Says which secret local apps need, as far as that is the same for all providers.
    fn signatures(&self) -> Option<String> {
        let with_own = "this laptop's own secret (`tunnel webhook secret PROVIDER` prints it)";
        match self.signer.policy {
            SigningPolicy::Never => None,
            SigningPolicy::Always => Some(format!("all are signed anew with {with_own}")),
            SigningPolicy::Auto | SigningPolicy::Late => Some(format!(
                "live ones keep the provider's signature, late ones are signed anew with {with_own}"
            )),
        }
    }

    /// Says what is different for a provider.
    fn signature(&self, provider: &ProviderState) -> &'static str {
        let Signer { policy, asked, .. } = &*self.signer;
        match policy {
            SigningPolicy::Never => "; signed as it came",
            _ if !self.has_own(provider) => "; signed as it came",
            SigningPolicy::Auto if asked.contains(&provider.name) => "; all signed anew",
            _ => "",
        }
    }

    fn has_own(&self, provider: &ProviderState) -> bool {
        let secrets = &self.signer.secrets;
        let own = secrets.of(&provider.name, provider.hmac.as_ref());
        own.is_ok()
    }

    /// Says of a last try that it was one, and what can be done.
    fn failed(&self, head: &Head, receipt: &Receipt, signed: Signed) -> Option<String> {
        if receipt.outcome.is_delivered() {
            return None;
        }
        let why = match &receipt.outcome {
            Outcome::Answered(answer) => self.why(head, answer.status, signed),
            Outcome::NotDelivered(_) => String::new(),
        };
        let id = receipt.delivery;
        Some(format!(
            "    failed{why}; `tunnel webhook replay {id}` tries again"
        ))
    }

    /// Says what a status may come from that is not the app's own failure.
    fn why(&self, head: &Head, status: u16, signed: Signed) -> String {
        let name = printable(&head.provider);
        match status {
            404 => {
                let target = self.said.get(&head.provider);
                let at = target.map_or_else(String::new, |it| it.url(&head.target));
                let at = printable(&at);
                format!(": the app has nothing at {at} (--path names another path)")
            }
            300..=399 => ": redirects are not followed".to_owned(),
            400 | 401 => match signed {
                Signed::Anew => format!(
                    ": if it is the signature, the app needs the secret that `tunnel webhook secret \
                     {name}` prints"
                ),
                Signed::AsItCame => format!(
                    ": if it is the signature, the app needs production's secret, or the one that \
                     `tunnel webhook secret {name}` prints"
                ),
            },
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use features::webhooks::providers::OwnSecrets;
    use features::webhooks::{Answer, DeliveryId, Origin, Verification};

    use super::*;

    fn starting(policy: SigningPolicy) -> Starting {
        let signer = Signer {
            policy,
            secrets: OwnSecrets::new(&[7; 32]),
            asked: BTreeSet::from(["github".to_owned()]),
        };
        let targets = Targets {
            named: BTreeMap::new(),
            rest: "3000/hooks".parse().ok(),
        };
        let front = Some("https://dialled.example.com".to_owned());
        Starting::new(Arc::new(signer), targets, front)
    }

    fn provider(name: &str, verified: bool) -> Arc<ProviderState> {
        Arc::new(ProviderState {
            name: name.to_owned(),
            path: format!("/api/webhooks/{name}"),
            mode: Mode::Tee,
            verified,
            hmac: None,
            kept: 7,
        })
    }

    fn opened(name: &str, verified: bool, waiting: u64) -> WebhookEvent {
        WebhookEvent::Opened {
            provider: provider(name, verified),
            target: "3000/hooks".parse().unwrap(),
            waiting,
            before: 0,
        }
    }

    fn watching(url: Option<&str>) -> WebhookEvent {
        let url = url.map(str::to_owned);
        WebhookEvent::Watching { url }
    }

    #[test]
    fn a_provider_is_introduced_once_the_address_is_known() {
        let mut starting = starting(SigningPolicy::Auto);
        let early = starting.lines(&opened("stripe", true, 1200));
        assert!(early.is_empty(), "its address is not known");
        assert_eq!(
            starting.lines(&watching(Some("https://app.example.com/"))),
            [
                "production takes webhooks at https://app.example.com/api/webhooks/PROVIDER",
                "live ones keep the provider's signature, late ones are signed anew with this laptop's own secret (`tunnel webhook secret PROVIDER` prints it)",
                "stripe: https://app.example.com/api/webhooks/stripe (tee: the laptop gets a copy; verified) → http://localhost:3000/hooks",
                "  stripe: 1,200 waiting, to come first",
            ]
        );
        let again = WebhookEvent::Provider(provider("stripe", true));
        assert!(starting.lines(&again).is_empty(), "it has its line");
    }

    #[test]
    fn providers_have_their_lines_as_the_server_names_them_and_deliveries_come_after() {
        let mut first = starting(SigningPolicy::Never);
        first.lines(&watching(None));
        let lines = first.lines(&WebhookEvent::Provider(provider("stripe", false)));
        assert_eq!(
            lines,
            [
                "stripe: https://dialled.example.com/api/webhooks/stripe (tee: the laptop gets a copy; UNVERIFIED: the server has no secret for it; signed as it came) → http://localhost:3000/hooks"
            ]
        );
        assert!(first.lines(&opened("stripe", false, 0)).is_empty());
        let mut hasty = starting(SigningPolicy::Never);
        hasty.lines(&opened("stripe", true, 0));
        let lines = hasty.lines(&WebhookEvent::Arrived(Arc::new(head())));
        assert!(
            lines.iter().any(|line| line.starts_with("stripe: ")),
            "{lines:?}"
        );
    }

    #[test]
    fn which_secret_the_app_needs_depends_on_who_signs() {
        let said = |policy, name| {
            let mut starting = starting(policy);
            let all = starting.lines(&watching(None)).get(1).cloned();
            let own = starting.lines(&WebhookEvent::Provider(provider(name, true)));
            (all.unwrap_or_default(), own.concat())
        };
        let (all, own) = said(SigningPolicy::Auto, "github");
        assert!(all.starts_with("live ones keep") && own.contains("all signed anew"));
        let (all, own) = said(SigningPolicy::Always, "paypal");
        assert!(all.starts_with("all are signed anew") && own.contains("signed as it came"));
        let (all, own) = said(SigningPolicy::Late, "github");
        assert!(
            all.starts_with("live ones keep")
                && own.contains("(tee: the laptop gets a copy; verified)")
        );
        assert!(said(SigningPolicy::Never, "github").0.is_empty());
    }

    fn head() -> Head {
        Head {
            id: DeliveryId::new(1_795_000_000_123, 7),
            sequence: 1,
            received: 0,
            provider: "stripe".to_owned(),
            event: None,
            event_id: None,
            verification: Verification::Verified,
            answered: None,
            repeats: 0,
            method: "POST".to_owned(),
            target: "/api/webhooks/stripe".to_owned(),
            headers: Vec::new(),
            origin: Origin {
                scheme: "https".to_owned(),
                host: "app.example.com".to_owned(),
                client: [192, 0, 2, 1].into(),
            },
            length: 2,
            attempt: 1,
            deadline: None,
        }
    }

    #[test]
    fn a_last_try_says_that_it_was_one_and_what_to_do() {
        let mut starting = starting(SigningPolicy::Auto);
        starting.lines(&watching(None));
        starting.lines(&opened("stripe", true, 0));
        let mut said = |status| {
            let receipt = Receipt {
                delivery: head().id,
                sequence: 1,
                attempt: 1,
                at: 0,
                took: Duration::ZERO,
                outcome: Outcome::Answered(Answer {
                    status,
                    headers: Vec::new(),
                    body: serde_bytes::ByteBuf::new(),
                    length: 0,
                    cut: false,
                }),
            };
            let answered = WebhookEvent::Answered {
                head: Arc::new(head()),
                receipt: Arc::new(receipt),
                signed: Signed::AsItCame,
            };
            starting.lines(&answered).concat()
        };
        assert_eq!(said(200), "");
        for (status, words) in [
            (404, "nothing at http://localhost:3000/hooks (--path"),
            (302, "redirects are not followed"),
            (401, "`tunnel webhook secret stripe`"),
            (500, "failed; `tunnel webhook replay whd_"),
        ] {
            let line = said(status);
            assert!(
                line.contains(words) && line.contains("tries again"),
                "{line}"
            );
        }
    }
}
