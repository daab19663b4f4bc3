//! The watch: hears which providers there are, and what is said of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::{Instant, sleep_until};
use transport::channel::ChannelError;
use transport::flow::Drain;
use transport::keeper::Keeper;
use transport::session::Session;

use super::error::WebhooksError;
use super::event::WebhookEvent;
use super::flow::is_passing;
use super::forwarding::{PAUSE, Starter, Teller};
use crate::webhooks::PROTOCOL;
use crate::webhooks::name::is_provider_name;
use crate::webhooks::wire::{Open, Point, ProviderState, Watched};

/// Watches over session after session.
pub(super) struct Watch {
    pub(super) keeper: Keeper,
    pub(super) teller: Teller,
    /// Starts to follow a provider that is wanted.
    pub(super) starter: Starter,
    pub(super) known: BTreeMap<String, Arc<ProviderState>>,
    /// Where the inbox was when the first watch stood. Flows that are found later begin there, so that
    /// none misses what has made it known.
    pub(super) began: Option<Point>,
}

impl Watch {
    /// Watches until there will be no more, and says why.
    pub(super) async fn run(mut self) -> WebhooksError {
        loop {
            let session = match self.keeper.session().await {
                Ok(session) => session,
                Err(why) => return why.into(),
            };
            match self.over(&session).await {
                Some(ChannelError::Lost(_)) | None => {}
                Some(error) if error.is_lost() || is_passing(&error) => {
                    sleep_until(Instant::now() + PAUSE).await;
                }
                Some(error) => return error.into(),
            }
        }
    }

    /// Watches over one session until that ends or is superseded; `None` in the latter case.
    async fn over(&mut self, session: &Session) -> Option<ChannelError> {
        let channel = match session.open(&PROTOCOL, &Open::Watch).await {
            Ok(channel) => channel,
            Err(error) => return Some(error),
        };
        let mut drain = Drain::new(channel);
        loop {
            let watched = tokio::select! {
                watched = drain.next() => watched,
                () = session.superseded() => return None,
            };
            match watched {
                Ok(Some(watched)) => {
                    if let Err(error) = self.take(watched).await {
                        return Some(error);
                    }
                }
                // A server ends no watch: it is cut, and taken up elsewhere.
                Ok(None) => return Some(ChannelError::Cut),
                Err(error) => return Some(error),
            }
        }
    }

    async fn take(&mut self, watched: Watched) -> Result<(), ChannelError> {
        match watched {
            Watched::Opened { url, last } => {
                if self.began.is_none() {
                    self.began = Some(last);
                    self.teller.tell(WebhookEvent::Watching { url }).await;
                    self.starter.follow_named(last).await;
                }
            }
            Watched::Provider(state) => {
                check(&state.name)?;
                self.take_provider(state).await;
            }
            Watched::Repeated { delivery, provider } => {
                check(&provider)?;
                if self.starter.wants(&provider) {
                    let event = WebhookEvent::Repeated { provider, delivery };
                    self.teller.tell(event).await;
                }
            }
        }
        Ok(())
    }

    /// Tells of a provider that is new, or is treated otherwise.
    async fn take_provider(&mut self, state: ProviderState) {
        let same = |known: &Arc<ProviderState>| {
            let kept = state.kept;
            ProviderState {
                kept,
                ..(**known).clone()
            } == state
        };
        let is_old = self.known.get(&state.name).is_some_and(same);
        // A server says where its inbox is before anything else.
        let Some(began) = self
            .began
            .filter(|_| !is_old && self.known.len() < MOST_KNOWN)
        else {
            return;
        };
        let state = Arc::new(state);
        self.known.insert(state.name.clone(), Arc::clone(&state));
        let event = WebhookEvent::Provider(Arc::clone(&state));
        self.teller.tell(event).await;
        self.starter.follow(&state.name, began).await;
    }
}

/// Refuses what is no name: whoever hears of a provider may keep a file of its name.
fn check(name: &str) -> Result<(), ChannelError> {
    let is_name = is_provider_name(name);
    is_name
        .then_some(())
        .ok_or(ChannelError::Missing("a provider's name"))
}

/// A server tells of those that are configured, and of those that something has come from.
const MOST_KNOWN: usize = 1024;
