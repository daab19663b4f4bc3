//! The client's side: the upgrade, and the next link when one is lost.

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use quinn::Connection;
use thiserror::Error;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::Error as WebSocketError;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tracing::debug;
use wire::{Act, CloseCode, Pass, Refused, Status, Versions, WelcomeBody};

use super::link::{self, LinkEnd};
use super::queues::Queues;
use super::socket::{PacketSocket, SERVER};
use super::{Carrying, LinkCount, PATH, Role, TIME_HEADER};
use crate::address::authority;
use crate::backoff::{Backoff, BackoffPolicy};
use crate::carrier::Carrier;
use crate::congestion::Spur;
use crate::endpoint::{DialError, Dialer, abstract_endpoint};
use crate::reach::{ByteStream, ReachError, Route};
use crate::session::Session;
use crate::tasks::Tasks;
use crate::trust::{Key, Refusal, WallClock, random_16, write_pass};

/// Opens byte streams to the HTTP port of one server.
pub trait Open: Send + Sync + fmt::Debug {
    /// Opens one.
    fn open(&self) -> BoxFuture<'_, Result<ByteStream, ReachError>>;

    /// Returns the server's host, with the port, for the request's `Host`.
    fn authority(&self) -> String;
}

impl Open for Route {
    fn open(&self) -> BoxFuture<'_, Result<ByteStream, ReachError>> {
        Box::pin(self.connect())
    }

    fn authority(&self) -> String {
        authority(&self.host, self.port)
    }
}

/// A WebSocket that a server has taken, with no session on it yet.
pub struct Upgraded {
    next: NextLink,
    websocket: WebSocketStream<ByteStream>,
}

impl Dialer {
    /// Opens a session over WebSocket.
    ///
    /// # Errors
    /// [`DialError`] if there is no session.
    pub async fn dial_websocket(
        &self,
        open: Arc<dyn Open>,
    ) -> Result<(Session, WelcomeBody), DialError> {
        let upgraded = self.upgrade(open).await?;
        self.dial_over(upgraded).await
    }

    /// Shows the server a pass and gets a WebSocket for it: the first half of
    /// [`Dialer::dial_websocket`].
    ///
    /// # Errors
    /// [`UpgradeError`] if there is none.
    pub async fn upgrade(&self, open: Arc<dyn Open>) -> Result<Upgraded, UpgradeError> {
        let next = NextLink {
            key: Arc::clone(self.key()),
            clock: Arc::clone(self.clock()),
            open,
            session: random_16().map_err(|_| UpgradeError::Randomness)?,
        };
        let websocket = next.upgrade(Act::Open).await?;
        Ok(Upgraded { next, websocket })
    }

    /// Opens a session over a WebSocket: the second half of [`Dialer::dial_websocket`].
    ///
    /// # Errors
    /// [`DialError`] if there is no session.
    pub async fn dial_over(
        &self,
        Upgraded { next, websocket }: Upgraded,
    ) -> Result<(Session, WelcomeBody), DialError> {
        let (queues, tasks) = (Queues::default(), Tasks::new());
        let (count, counted) = watch::channel(LinkCount::default());
        let seen = websocket.get_ref().seen();
        let certificate_expires = seen.secured.as_ref().and_then(|secured| secured.expires);
        let lost = link::spawn(&tasks, &queues, websocket);
        let packets = PacketSocket::of_client(queues.clone());
        let socket = Arc::downgrade(&packets);
        let endpoint =
            abstract_endpoint(packets, Carrier::WebSocket, None).map_err(UpgradeError::Endpoint)?;
        let carrying = Carrying {
            queues: queues.clone(),
            endpoint: endpoint.clone(),
            socket,
            spur: Spur::default(),
            role: Role::Client {
                tasks: tasks.clone(),
                links: counted,
                certificate_expires,
            },
        };
        let established = tokio::select! {
            established = self.establish(endpoint, Carrier::WebSocket, SERVER, Some(carrying)) => established,
            end = lost => Err(UpgradeError::Lost(end.unwrap_or(LinkEnd::Done)).into()),
        };
        if let Ok((session, _)) = &established
            && let Some(connection) = session.connection()
        {
            let links = Links {
                next,
                connection: connection.clone(),
                count,
                queues,
                tasks: tasks.clone(),
            };
            tasks.spawn("websocket links", links.replace());
        }
        established
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { next, websocket: _ } = self;
        f.debug_struct("Upgraded")
            .field("open", &next.open)
            .finish_non_exhaustive()
    }
}

/// What it takes to open a link of one session.
struct NextLink {
    key: Arc<Key>,
    clock: WallClock,
    open: Arc<dyn Open>,
    session: [u8; 16],
}

impl NextLink {
    async fn upgrade(&self, act: Act) -> Result<WebSocketStream<ByteStream>, UpgradeError> {
        let upgrade = async {
            let stream = self.open.open().await?;
            let request = self.request(act)?;
            match client_async_with_config(request, stream, Some(link::settings())).await {
                Ok((websocket, _)) => Ok(websocket),
                Err(WebSocketError::Http(response)) => Err(self.refused(
                    response.status(),
                    response.headers(),
                    response.body().as_deref(),
                )),
                Err(error) => Err(UpgradeError::WebSocket(Box::new(error))),
            }
        };
        tokio::time::timeout(UPGRADE_TIME, upgrade)
            .await
            .unwrap_or(Err(UpgradeError::Slow))
    }

    fn request(&self, act: Act) -> Result<http::Request<()>, UpgradeError> {
        let host = self.open.authority();
        let pass = Pass {
            key_id: self.key.id().0,
            time: (self.clock)(),
            nonce: random_16().map_err(|_| UpgradeError::Randomness)?,
            session: self.session,
            act,
            host: host.clone(),
        };
        let mut request = format!("ws://{host}{PATH}")
            .into_client_request()
            .map_err(|error| UpgradeError::WebSocket(Box::new(error)))?;
        let mut credentials = HeaderValue::try_from(write_pass(&self.key, &pass))
            .map_err(|_| UpgradeError::Randomness)?;
        credentials.set_sensitive(true);
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, credentials);
        Ok(request)
    }

    /// Tells a refusal of our server from what a proxy or somebody else's server says.
    fn refused(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: Option<&[u8]>,
    ) -> UpgradeError {
        let time = headers
            .get(TIME_HEADER)
            .and_then(|time| time.to_str().ok()?.parse::<u64>().ok());
        let Some(time) = time else {
            return UpgradeError::NoTunnel {
                status: status.as_u16(),
                location: location(headers),
            };
        };
        let reason = String::from_utf8_lossy(body.unwrap_or_default());
        // A line of a server that may be anybody's until it has proved itself.
        let reason = reason.chars().filter(|c| !c.is_control());
        let refused = Refused {
            status: Status(status.as_u16()),
            reason: reason.take(MAX_REASON).collect(),
            time,
            versions: Versions::OURS,
        };
        UpgradeError::Refused(Refusal::new(refused, (self.clock)()))
    }

    /// Tries until there is a link, or the server says that there will be none.
    async fn attach(&self) -> Result<WebSocketStream<ByteStream>, UpgradeError> {
        let mut backoff = Backoff::new(REPLACING);
        loop {
            match self.upgrade(Act::Attach).await {
                Ok(websocket) => return Ok(websocket),
                Err(error) if error.is_final() => return Err(error),
                Err(error) => debug!("no new WebSocket yet: {error}"),
            }
            let attempt = backoff.next_attempt().ok_or(UpgradeError::Slow)?;
            tokio::time::sleep(attempt.delay).await;
        }
    }
}

/// The links of one session, one after the other.
struct Links {
    next: NextLink,
    connection: Connection,
    count: watch::Sender<LinkCount>,
    queues: Queues,
    tasks: Tasks,
}

impl Links {
    /// Replaces each link that is lost, until the session ends.
    async fn replace(self) {
        loop {
            tokio::select! {
                () = self.queues.vacant() => {}
                () = self.tasks.stopping() => return,
            }
            if self.queues.is_finished() || self.connection.close_reason().is_some() {
                return;
            }
            self.count.send_modify(|count| count.lost += 1);
            let attached = tokio::select! {
                attached = self.next.attach() => attached,
                _ = self.connection.closed() => return,
                () = self.tasks.stopping() => return,
            };
            match attached {
                Ok(websocket) => self.go_on(websocket),
                Err(error) => return self.give_up(&error),
            }
        }
    }

    fn go_on(&self, websocket: WebSocketStream<ByteStream>) {
        link::spawn(&self.tasks, &self.queues, websocket);
        self.count.send_modify(|count| count.replaced += 1);
    }

    fn give_up(&self, error: &UpgradeError) {
        debug!("the session's WebSocket cannot be replaced: {error}");
        self.count.send_modify(|count| count.given_up = true);
        self.connection.close(CloseCode::CARRIER_LOST.0.into(), b"");
        self.queues.abandon();
    }
}

/// Returns where an answer sends whoever asks.
fn location(headers: &HeaderMap) -> Option<String> {
    let location = headers.get(header::LOCATION)?.to_str().ok()?;
    Some(location.chars().take(MAX_REASON).collect())
}

/// A WebSocket that could not be had.
#[derive(Debug, Error)]
pub enum UpgradeError {
    /// There is no way to the server's HTTP port.
    #[error(transparent)]
    Reach(Box<ReachError>),
    /// The server refused the client.
    #[error("{}", .0.refused.reason)]
    Refused(Refusal),
    /// Something answered that is no tunnel server: a proxy, an app, a captive portal.
    #[error(
        "what answered is no tunnel server: HTTP status {status}{}",
        .location.as_ref().map(|to| format!(", which leads to {to}")).unwrap_or_default()
    )]
    NoTunnel {
        /// The HTTP status.
        status: u16,
        /// Where it sends whoever asks, if it does. Anybody's words.
        location: Option<String>,
    },
    /// The answer is none, or breaks off.
    #[error("the upgrade to a WebSocket failed: {0}")]
    WebSocket(Box<WebSocketError>),
    /// The WebSocket ended before the session had begun.
    #[error("the WebSocket ended early: {0}")]
    Lost(LinkEnd),
    /// It took too long.
    #[error("no answer to the upgrade within {} seconds", UPGRADE_TIME.as_secs())]
    Slow,
    /// There is no runtime to carry it.
    #[error("set up QUIC over the WebSocket")]
    Endpoint(#[source] io::Error),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Randomness,
}

impl From<ReachError> for UpgradeError {
    fn from(error: ReachError) -> Self {
        Self::Reach(Box::new(error))
    }
}

impl UpgradeError {
    /// Whether the session can have no other link: the server does not know it, or the key.
    fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Refused(refusal) if !matches!(
                refusal.refused.status,
                Status::TOO_MANY | Status::UNAVAILABLE
            )
        )
    }
}

/// As long as a handshake may take.
const UPGRADE_TIME: Duration = crate::trust::HANDSHAKE_TIME;

/// A session whose link is lost stands still: the next is tried at once and often. QUIC's idle
/// timeout is the end of it.
const REPLACING: BackoffPolicy = BackoffPolicy {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(2),
    attempts: None,
};

/// A sentence.
const MAX_REASON: usize = 300;
