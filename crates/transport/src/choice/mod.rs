//! The choice of a carrier: UDP where a server offers it and the network lets it through, WebSocket
//! everywhere else.
//!
//! ```text
//! quic://    UDP alone
//! http://    UDP with a head start, WebSocket
//! https://   WebSocket; once a welcome has told where UDP is offered, as http://
//! ```
//! Whichever authenticates first wins and is remembered for this server on this network. A UDP that
//! lost is tried again in the background, and taken for the next session if it answers.

mod memory;
#[cfg(test)]
mod tests;

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tracing::debug;
use wire::WelcomeBody;

pub use self::memory::{InProcess, Known, Memory, Network};
use crate::carrier::Carrier;
use crate::carrier::websocket::{Open, UpgradeError};
use crate::endpoint::{DialError, Dialer};
use crate::keeper::Dial;
use crate::session::Session;
use crate::tasks::Tasks;

/// Which carriers a client may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CarrierChoice {
    /// The best that works.
    #[default]
    Auto,
    /// UDP alone.
    Udp,
    /// WebSocket alone.
    WebSocket,
}

/// The ways to one server.
#[derive(Debug)]
pub struct Ways {
    /// Name or address of the server.
    pub host: String,
    /// Its UDP port, if the address tells.
    pub udp_port: Option<u16>,
    /// Its HTTP port, if the address tells.
    pub http: Option<Arc<dyn Open>>,
    /// Which of them may be used.
    pub choice: CarrierChoice,
}

/// A [`Dialer`], and the ways that it tries.
#[derive(Debug)]
pub struct ServerDial {
    dialer: Arc<Dialer>,
    ways: Ways,
    memory: Arc<dyn Memory>,
    probes: Mutex<Tasks>,
}

type Dialled = Result<(Session, WelcomeBody), DialError>;

/// What is tried, and in which order.
#[derive(Debug)]
enum Plan {
    Udp(u16),
    WebSocket(Arc<dyn Open>),
    Race {
        port: u16,
        http: Arc<dyn Open>,
        first: Carrier,
    },
    Nothing,
}

impl ServerDial {
    /// Makes it.
    #[must_use]
    pub fn new(dialer: Dialer, ways: Ways, memory: Arc<dyn Memory>) -> Self {
        Self {
            dialer: Arc::new(dialer),
            ways,
            memory,
            probes: Mutex::new(Tasks::new()),
        }
    }

    fn plan(&self, known: Known) -> Plan {
        let udp_port = match (self.ways.choice, &self.ways.http) {
            // The port in the address is that of HTTP: what the server has said is better.
            (CarrierChoice::Udp, Some(_)) => known.udp_port.or(self.ways.udp_port),
            _ => self.ways.udp_port.or(known.udp_port),
        };
        // Where nothing has won yet, an offer of UDP is worth the wait.
        let first = known.best.unwrap_or(match udp_port {
            Some(_) => Carrier::Udp,
            None => Carrier::WebSocket,
        });
        match (self.ways.choice, udp_port, self.ways.http.clone()) {
            (CarrierChoice::Udp, Some(port), _) | (CarrierChoice::Auto, Some(port), None) => {
                Plan::Udp(port)
            }
            (CarrierChoice::Auto, Some(port), Some(http)) => Plan::Race { port, http, first },
            (CarrierChoice::Auto, None, Some(http)) | (CarrierChoice::WebSocket, _, Some(http)) => {
                Plan::WebSocket(http)
            }
            (CarrierChoice::Udp, None, _)
            | (CarrierChoice::WebSocket, _, None)
            | (CarrierChoice::Auto, None, None) => Plan::Nothing,
        }
    }

    async fn dial_planned(&self, known: Known) -> Dialled {
        match self.plan(known) {
            Plan::Udp(port) => self.udp(port).await,
            Plan::WebSocket(http) => self.dialer.dial_websocket(http).await,
            Plan::Race { port, http, first } => {
                let (udp, websocket) = (self.udp(port), self.dialer.dial_websocket(http));
                match first {
                    Carrier::WebSocket => race(websocket, udp).await,
                    Carrier::Udp | Carrier::Memory => race(udp, websocket).await,
                }
            }
            Plan::Nothing => Err(DialError::NoWay {
                choice: self.ways.choice,
            }),
        }
    }

    async fn udp(&self, port: u16) -> Dialled {
        self.dialer.dial(&self.ways.host, port).await
    }

    /// Notes what won, and lets a UDP that lost be tried again.
    fn learn(&self, network: &Network, known: Known, session: &Session, welcome: &WelcomeBody) {
        let offered = self.ways.udp_port.or(known.udp_port);
        let learned = Known {
            udp_port: welcome.udp_port.or(known.udp_port),
            best: match (self.ways.choice, session.carrier(), offered) {
                // Who insists on one carrier has not compared it with the other.
                (CarrierChoice::Udp | CarrierChoice::WebSocket, ..) => known.best,
                // Nor has a WebSocket that nothing ran against: an offer of UDP that came with
                // this welcome is taken up the next time.
                (CarrierChoice::Auto, Carrier::WebSocket, None) if welcome.udp_port.is_some() => {
                    None
                }
                (CarrierChoice::Auto, carrier, _) => Some(carrier),
            },
        };
        self.memory.remember(network, learned);
        let offered = offered.or(learned.udp_port);
        let lost =
            session.carrier() == Carrier::WebSocket && self.ways.choice == CarrierChoice::Auto;
        if let Some(port) = offered.filter(|_| lost) {
            self.probe(network.clone(), learned, port);
        }
    }

    fn probe(&self, network: Network, learned: Known, port: u16) {
        let tasks = Tasks::new();
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *probes, tasks.clone()).stop();
        drop(probes);
        let (dialer, memory) = (Arc::clone(&self.dialer), Arc::clone(&self.memory));
        let host = self.ways.host.clone();
        let stopping = tasks.clone();
        tasks.spawn("udp probe", async move {
            tokio::select! {
                () = answered(&dialer, &host, port) => {
                    debug!("UDP answers: the next session tries it first");
                    let best = Some(Carrier::Udp);
                    memory.remember(&network, Known { best, ..learned });
                }
                () = stopping.stopping() => {}
            }
        });
    }
}

/// Asks over UDP from time to time, until there is an answer.
async fn answered(dialer: &Dialer, host: &str, port: u16) {
    loop {
        tokio::time::sleep(PROBE_EVERY).await;
        if tokio::time::timeout(PROBE_TIME, dialer.probe(host, port))
            .await
            .is_ok_and(|answer| answer.is_ok())
        {
            return;
        }
    }
}

/// Lets one way begin, and the other follow when the first has failed or is late. Who authenticates
/// first is taken.
async fn race(
    first: impl Future<Output = Dialled> + Send,
    second: impl Future<Output = Dialled> + Send,
) -> Dialled {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let late = tokio::time::timeout(HEAD_START, &mut first).await;
    let (ended, other): (Dialled, Pin<&mut (dyn Future<Output = Dialled> + Send)>) = match late {
        Ok(ended) => (ended, second),
        Err(_) => tokio::select! {
            ended = &mut first => (ended, second),
            ended = &mut second => (ended, first),
        },
    };
    match ended {
        // Whatever a server says, it would say again.
        Err(error) if !error.is_from_server() => {
            match tokio::time::timeout(LAST_CHANCE, other).await {
                Ok(Err(last)) if weight(&last) > weight(&error) => Err(last),
                Ok(Err(_)) | Err(_) => Err(error),
                Ok(session) => session,
            }
        }
        ended => ended,
    }
}

/// Says how much a failure tells of what is wrong: silence tells nothing, and an answer of
/// somebody else's program who has the port.
const fn weight(error: &DialError) -> u8 {
    match error {
        _ if error.is_from_server() => 3,
        DialError::Upgrade(UpgradeError::NoTunnel { .. }) => 2,
        DialError::Upgrade(_) => 1,
        _ => 0,
    }
}

impl Dial for ServerDial {
    fn dial(&self) -> BoxFuture<'_, Dialled> {
        Box::pin(async {
            let network = Network::current();
            let known = self.memory.recall(&network);
            let (session, welcome) = self.dial_planned(known).await?;
            self.learn(&network, known, &session, &welcome);
            Ok((session, welcome))
        })
    }
}

impl Drop for ServerDial {
    fn drop(&mut self) {
        let probes = self.probes.get_mut();
        probes.unwrap_or_else(PoisonError::into_inner).stop();
    }
}

/// Two round trips of a slow link, which is what a session over UDP takes.
const HEAD_START: Duration = Duration::from_millis(500);

/// What a way gets when the other has failed: three round trips of a slow link, and a flight that
/// is lost. Below the ten seconds of a try, so that the reason is told and not only that it took long.
const LAST_CHANCE: Duration = Duration::from_secs(5);

/// A network changes its mind about UDP seldom, and a probe costs a few packets.
const PROBE_EVERY: Duration = Duration::from_secs(300);

/// As long as QUIC waits for an answer anywhere.
const PROBE_TIME: Duration = Duration::from_secs(10);
