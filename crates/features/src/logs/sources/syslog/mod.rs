//! syslog over TLS (RFC 5425): what routers, daemons and Render's log streams send.
//!
//! ```text
//! TCP ─▶ TLS ─▶ frame.rs ── a message ──▶ message.rs ── token? ──▶ Line ──▶ Ring
//! ```
//! A sender is bounded in what it may send at once and how long a message may take, and it has its
//! place only once it has sent one; senders are bounded in their number, in all and by address. A
//! message without the token ends its connection, where one is asked.

mod config;
mod frame;
mod message;
mod seldom;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, info, warn};
use transport::tasks::Tasks;
use transport::trust::Shares;

pub use self::config::SyslogConfig;
use self::frame::{FrameError, Frames};
use self::seldom::Seldom;
use super::key::IngestKey;
use crate::logs::ring::Ring;
use crate::parts::{SectionError, Variables};
use crate::wall_clock;

/// Starts to listen as the section says.
pub(super) fn start(
    config: &SyslogConfig,
    variables: &Variables,
    ring: &Arc<Ring>,
    tasks: &Tasks,
) -> Result<(), SectionError> {
    let listening = Syslog::bind(config, variables, ring);
    let (syslog, listener) = listening.map_err(|error| SectionError {
        section: "logs.syslog".to_owned(),
        reason: error,
    })?;
    tasks.spawn("syslog", syslog.accept(listener, tasks.clone()));
    Ok(())
}

/// Takes messages from whoever connects.
struct Syslog {
    tls: TlsAcceptor,
    /// What each message has to show, if anything.
    token: Option<IngestKey>,
    ring: Arc<Ring>,
    /// That senders are cut: anybody can bring it about.
    cut: Seldom,
}

impl Syslog {
    fn bind(
        config: &SyslogConfig,
        variables: &Variables,
        ring: &Arc<Ring>,
    ) -> Result<(Self, TcpListener), String> {
        let tls: ServerConfig = config.tls().map_err(|error| error.to_string())?;
        let token = config.token(variables).map_err(|error| error.to_string())?;
        let listener = listen(config.listen)
            .map_err(|error| format!("listen = \"{}\": {error}", config.listen))?;
        let syslog = Self {
            tls: TlsAcceptor::from(Arc::new(tls)),
            token,
            ring: Arc::clone(ring),
            cut: Seldom::default(),
        };
        Ok((syslog, listener))
    }

    /// Accepts senders until `tasks` are asked to stop.
    async fn accept(self, listener: TcpListener, tasks: Tasks) {
        if let Ok(address) = listener.local_addr() {
            info!("listening for syslog over TLS on TCP {address}");
        }
        let syslog = Arc::new(self);
        let places = Arc::new(Semaphore::new(MOST_SENDERS));
        let (shares, full) = (Shares::new(MOST_BY_ADDRESS), Seldom::default());
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = tasks.stopping() => return,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    warn!("accept a sender of syslog: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let place = Arc::clone(&places).try_acquire_owned().ok();
            let Some(place) = place.zip(shares.take(peer.ip())) else {
                if full.is_due() {
                    warn!("too many senders of syslog are connected: {peer} is turned away");
                }
                continue;
            };
            let (syslog, own) = (Arc::clone(&syslog), tasks.clone());
            tasks.spawn("syslog sender", async move {
                tokio::select! {
                    () = syslog.serve(stream, peer) => {}
                    () = own.stopping() => {}
                }
                drop(place);
            });
        }
    }

    async fn serve(&self, stream: TcpStream, peer: SocketAddr) {
        let handshake = timeout(HANDSHAKE, self.tls.accept(stream)).await;
        let ended = match handshake {
            Ok(Ok(stream)) => self.receive(stream).await,
            Ok(Err(error)) => Err(SenderError::Tls(error)),
            Err(_) => Err(SenderError::Slow),
        };
        match ended {
            Ok(()) => {}
            Err(error @ (SenderError::Token | SenderError::Frame(_))) if self.cut.is_due() => {
                warn!("the syslog sender {peer} is cut: {error}");
            }
            // A scanner, a probe, a network that broke; or it was said a moment ago.
            Err(error) => debug!("the syslog sender {peer} is gone: {error}"),
        }
    }

    async fn receive(&self, mut stream: impl AsyncRead + Unpin) -> Result<(), SenderError> {
        let mut frames = Frames::default();
        let mut buffer = vec![0; READ];
        let mut until = Instant::now() + FIRST;
        loop {
            let read = timeout_at(until, stream.read(&mut buffer)).await;
            let Ok(read) = read else {
                // Some send no line feed either: what is there is a message.
                frames.finish().map_or(Ok(()), |last| self.take(last))?;
                return Err(SenderError::Slow);
            };
            let length = match read {
                Ok(length) => length,
                // Many close their connection without a word of TLS.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
                Err(error) => return Err(SenderError::Gone(error)),
            };
            if length == 0 {
                return frames.finish().map_or(Ok(()), |last| self.take(last));
            }
            let had_begun = frames.begun();
            frames.push(&buffer[..length]);
            let mut taken = 0;
            while let Some(message) = frames.next()? {
                self.take(message)?;
                taken += 1;
            }
            // However it trickles in, a message has the time of one; and blanks are none.
            if taken > 0 || frames.begun() != had_begun {
                let patience = if frames.begun() { MESSAGE } else { SILENCE };
                until = Instant::now() + patience;
            }
            // Lines of others have their turn.
            tokio::task::yield_now().await;
        }
    }

    fn take(&self, mut message: Vec<u8>) -> Result<(), SenderError> {
        if let Some(token) = &self.token
            && !message::take_token(&mut message, token)
        {
            return Err(SenderError::Token);
        }
        self.ring
            .append(message::line(message, wall_clock::nanos()));
        Ok(())
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Why a sender's connection ended early.
#[derive(Debug, Error)]
enum SenderError {
    #[error("a message does not show the token: set it in the sender's settings")]
    Token,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("TLS: {0}")]
    Tls(#[source] io::Error),
    #[error("nothing came in time")]
    Slow,
    #[error("{0}")]
    Gone(#[source] io::Error),
}

/// Each has a buffer of 16 KiB, and at most a message of a megabyte.
const MOST_SENDERS: usize = 64;

/// Half of them: the senders of a house are few, and nobody keeps all others out from one address.
const MOST_BY_ADDRESS: usize = MOST_SENDERS / 2;

/// A TLS record.
const READ: usize = 16 * 1024;

/// Two round trips, and a flight lost twice.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Who connects has something to say. Nobody has shown a token before that.
const FIRST: Duration = Duration::from_secs(10);

/// A message that has begun comes within this, or never.
const MESSAGE: Duration = Duration::from_secs(30);

/// A sender that has nothing to say for so long connects anew when it has.
const SILENCE: Duration = Duration::from_secs(60 * 60);

/// A connection that ends meanwhile gives its descriptor back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
