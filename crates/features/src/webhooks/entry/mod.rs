//! The front's door for webhooks.
//!
//! ```text
//!                    paths.rs   read.rs    providers            rates.rs   inbox       answer.rs
//! no app, or proxy ─▶ whose? ─▶ whole? ─▶ a challenge? whose? ─▶ 429? ──▶ take ──▶ 200, or the laptop's
//!                     404       408 413    answered   401       503
//! an app (tee)     ─▶ the app answers ─ ─ copied ─ ─▶ copies.rs ─▶ the same, marked ─▶ take, or a gap
//! ```
//! A provider hears 2xx when its delivery is in the inbox, and not before. Where production's app has
//! answered it, nothing that goes wrong here is heard by anybody but the laptop.

mod answer;
mod copies;
mod paths;
mod places;
mod proxy;
mod rates;
mod read;
mod refused;
mod room;
#[cfg(test)]
mod tests;
mod warned;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::{Request as Asked, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use tokio::time::Instant;

use self::answer::{challenged, kept};
use self::copies::{Copies, Queue};
use self::paths::Paths;
use self::places::{Place, Places, Whose};
use self::rates::{Kind, Rates};
use self::refused::NotTaken;
use self::room::Room;
use self::warned::Warned;
use super::desk::Desk;
use super::inbox::{Inbox, NewDelivery, Taken, draw};
use super::providers::{self, Verifiers};
use super::{Mode, ProviderConfig, Request, Verification, WebhooksConfig};
use crate::parts::SectionError;
use crate::wall_clock;
use crate::{Callers, Claim, Client, Copied, Entry, Served};

/// What the entry brings deliveries to.
#[derive(Clone, Debug)]
pub(super) struct Inside {
    pub(super) inbox: Arc<Inbox>,
    pub(super) verifiers: Arc<Verifiers>,
    pub(super) desk: Arc<Desk>,
}

/// Makes what the front serves, and what takes the copies of what an app behind it answers: that is to
/// run as long as the server does.
///
/// # Errors
/// [`SectionError`] if a path, a provider's name or a status of the configuration makes no sense.
pub(super) fn serve(
    config: &WebhooksConfig,
    inside: Inside,
) -> Result<(Served, Copies), SectionError> {
    let (queue, copies) = copies::queue();
    let door = Arc::new(Door::new(config, inside, queue)?);
    let served = Served {
        routes: Router::new(),
        callers: Callers::new(|_| None),
        entry: Some(Arc::clone(&door) as Arc<dyn Entry>),
    };
    Ok((served, copies.of(door)))
}

/// Takes webhooks.
#[derive(Debug)]
struct Door {
    paths: Paths,
    providers: BTreeMap<String, ProviderConfig>,
    unverified: Unverified,
    most_body: usize,
    inside: Inside,
    rates: Rates,
    room: Room,
    /// How many may be under way at once.
    places: Places,
    warned: Warned,
    queue: Queue,
}

/// What is done with deliveries for whose provider there is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unverified {
    Marked,
    Refused,
}

impl Door {
    fn new(config: &WebhooksConfig, inside: Inside, queue: Queue) -> Result<Self, SectionError> {
        for (name, provider) in &config.providers {
            for status in [provider.late, provider.away].into_iter().flatten() {
                if !(200..=599).contains(&status) {
                    return Err(SectionError {
                        section: format!("webhooks.providers.{name}"),
                        reason: format!("{status} is no status that ends a request"),
                    });
                }
            }
        }
        Ok(Self {
            paths: Paths::new(config)?,
            providers: config.providers.clone(),
            unverified: match config.require_verification {
                true => Unverified::Refused,
                false => Unverified::Marked,
            },
            most_body: config.max_body,
            inside,
            rates: Rates::new(config),
            room: Room::of(MOST_HELD.max(2 * config.max_body)),
            places: Places::default(),
            warned: Warned::default(),
            queue,
        })
    }

    /// Takes a request that is for nobody else.
    async fn take_in(&self, asked: Asked) -> Result<Response, NotTaken> {
        let came = Instant::now();
        let (mut head, body) = asked.into_parts();
        let path = head.uri.path();
        let provider = self.paths.provider(path).ok_or(NotTaken::NotFound)?;
        let provider = provider.into_owned();
        let _place = self.place(&provider)?;
        if !is_delivered(&head.method) && !is_asked(&head.method) {
            return Err(NotTaken::Method);
        }
        let (body, held) = read::whole(&head.headers, body, &self.room, self.most_body).await?;
        let client = client(&mut head);
        let mut request = read::record(&head, client, body);
        let verification = self.look_at(&provider, &request).await?;
        let verifiers = &self.inside.verifiers;
        if let Some(challenge) = verifiers.challenge(&provider, &request, verification) {
            return Ok(challenged(challenge));
        }
        if !is_delivered(&head.method) {
            return Err(NotTaken::Method);
        }
        self.admit(verification)?;
        verifiers.conceal(&provider, &mut request);
        let new = self.delivery(&provider, wall_clock::millis(), request, verification);
        let waits = self.waits(&provider, new.id(), came);
        let taken = self.inside.inbox.take(new).await?;
        drop(held);
        self.note_if_repeated(&taken);
        Ok(match waits {
            Some(waits) => self.laptop_s(waits, taken).await,
            None => kept(StatusCode::OK, taken.id()),
        })
    }

    /// Takes a place among those who are under way.
    fn place(&self, provider: &str) -> Result<Place, NotTaken> {
        let place = self.places.take(self.whose(provider));
        place.ok_or(NotTaken::Busy)
    }

    fn whose<'n>(&self, provider: &'n str) -> Whose<'n> {
        match self.inside.verifiers.has_secret(provider) {
            true => Whose::Provider(provider),
            false => Whose::Anybody,
        }
    }

    /// Verifies a request, and counts it by what comes of that.
    async fn look_at(&self, provider: &str, request: &Request) -> Result<Verification, NotTaken> {
        let now = SystemTime::now();
        let verification = self.inside.verifiers.verify(provider, request, now).await;
        let counted = self.rates.check(provider, Kind::of(verification));
        counted.map_err(NotTaken::TooOften)?;
        Ok(verification)
    }

    /// Refuses what is not its provider's, or cannot be shown to be where that is asked for.
    fn admit(&self, verification: Verification) -> Result<(), NotTaken> {
        let refused = match (verification, self.unverified) {
            (Verification::NoSecret, Unverified::Refused) => Some(NotTaken::NoSecret),
            _ => NotTaken::by(verification),
        };
        refused.map_or(Ok(()), Err)
    }

    fn delivery(
        &self,
        provider: &str,
        received: u64,
        request: Request,
        verification: Verification,
    ) -> NewDelivery {
        let hmac = self.providers.get(provider);
        let hmac = hmac.and_then(|config| config.hmac.as_ref());
        let described = providers::describe(provider, &request, hmac);
        NewDelivery {
            random: draw(),
            received,
            provider: provider.to_owned(),
            event: described.event,
            event_id: described.event_id,
            verification,
            answered: None,
            request,
        }
    }

    fn note_if_repeated(&self, taken: &Taken) {
        if let Taken::Repeated(before) = taken {
            let desk = &self.inside.desk;
            desk.note_repeat(&before.provider, before.id);
        }
    }
}

impl Entry for Door {
    fn routes(self: Arc<Self>) -> Router {
        let paths: Vec<_> = self
            .paths
            .routes()
            .map(std::borrow::Cow::into_owned)
            .collect();
        let routes = Router::new();
        paths
            .iter()
            .fold(routes, |routes, path| routes.route(path, any(answer)))
            .with_state(self)
    }

    fn claim(&self, method: &Method, path: &str) -> Claim {
        let Some(provider) = self.paths.provider(path) else {
            return Claim::App;
        };
        let mode = self.providers.get(&*provider).map(|config| config.mode);
        match mode.unwrap_or_default() {
            Mode::Tee if is_delivered(method) => Claim::Copy,
            Mode::Proxy if is_delivered(method) || is_asked(method) => Claim::Feature,
            Mode::Tee | Mode::Proxy => Claim::App,
        }
    }

    fn most_copied(&self) -> usize {
        self.most_body
    }

    fn copied(&self, copied: Copied) {
        if let Some(provider) = self.paths.provider(copied.head.uri.path()) {
            let provider = provider.into_owned();
            let put = self
                .queue
                .put(provider.clone(), self.whose(&provider), copied);
            if let Err(missed) = put {
                self.miss(&missed);
            }
        }
    }
}

async fn answer(State(door): State<Arc<Door>>, asked: Asked) -> Response {
    let provider = door.paths.provider(asked.uri().path());
    let provider = provider.map(std::borrow::Cow::into_owned);
    match door.take_in(asked).await {
        Ok(response) => response,
        Err(refused) => {
            door.warned
                .refused(provider.as_deref().unwrap_or("-"), refused);
            refused.into_response()
        }
    }
}

/// Whether a request is one that providers deliver with.
fn is_delivered(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method)
}

/// Whether it is one that some ask with, before they deliver anything.
fn is_asked(method: &Method) -> bool {
    [Method::GET, Method::HEAD].contains(method)
}

/// Returns who asks, as the front has found out.
fn client(head: &mut Parts) -> Client {
    head.extensions.remove().unwrap_or_else(|| {
        let host = head.headers.get(header::HOST);
        let host = host.and_then(|it| it.to_str().ok()).unwrap_or_default();
        Client {
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            scheme: "http",
            host: host.to_owned(),
        }
    })
}

/// Two of the longest bodies that are taken unless the configuration says otherwise, and some thousands
/// of ordinary ones beside them.
const MOST_HELD: usize = 64 * 1024 * 1024;
