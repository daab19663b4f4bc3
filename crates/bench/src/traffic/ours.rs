//! A session of ours, with the two flows as channels of the priorities that logs and sync have.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use futures_util::future::BoxFuture;
use serde_bytes::ByteBuf;
use transport::carrier::websocket::Door;
use transport::channel::{Channel, Priority};
use transport::choice::{CarrierChoice, InProcess, ServerDial, Ways};
use transport::endpoint::{Arrival, Dialer, Listener, Reception};
use transport::first_call::FirstCall;
use transport::keeper::Dial as _;
use transport::router::{Handler, Router, ServeError, Visit};
use transport::session::{Protocol, Session};
use transport::tasks::Tasks;
use transport::trust::{
    ClientName, Key, KeyRing, Scopes, Secret, ServerName, ServerTrust, system_clock,
};

use super::bytes::{BULK, Ticks, line, written};
use super::edge::Edge;
use super::tally::{Clock, Tally};
use super::{Flow, Joined, upgrades};
use crate::lab::Lab;

/// A server end on its machine, for whoever dials it.
#[derive(Debug)]
pub(crate) struct Ours {
    secret: Secret,
    udp: SocketAddr,
    edge: Edge,
}

/// What carries a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Udp,
    /// Through an edge that ends TLS.
    WebSocket,
    /// Whichever of the two answers first: the client knows of both, and nothing of the network.
    Either,
}

impl Over {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::WebSocket => "WebSocket",
            Self::Either => "UDP or WebSocket",
        }
    }
}

/// Starts a server end and opens a session with it.
pub(super) async fn join(lab: &Lab, over: Over, clock: Clock) -> Result<Box<dyn Joined>> {
    let server = Ours::serve(lab, clock).await?;
    let session = lab.client.run(server.dial(over)?).await;
    Ok(Box::new(session.context("open a session")?))
}

impl Ours {
    /// Starts a server end.
    pub(crate) async fn serve(lab: &Lab, clock: Clock) -> Result<Self> {
        let secret = Secret::generate()?;
        let (address, tasks) = (lab.server.any_port(), lab.server.tasks().clone());
        let router = Arc::new(router(clock));
        let reception = Arc::new(Reception::new(server_trust(&secret, &router)?));
        let serve = async move {
            let receive = {
                let (router, tasks) = (Arc::clone(&router), tasks.clone());
                move |arrival| receive(arrival, Arc::clone(&router), tasks.clone())
            };
            let listener = Listener::bind(address, Arc::clone(&reception))?;
            let udp = listener.local_addr()?;
            let door = Arc::new(Door::new(reception)?);
            let http = upgrades::serve(door, tasks.clone(), receive.clone()).await?;
            let owner = tasks.clone();
            tasks.spawn("listener", async move {
                while let Some(arrival) = listener.accept().await {
                    owner.spawn("session", receive(arrival));
                }
            });
            Ok((udp, http))
        };
        let (udp, http) = lab.server.run(serve).await?;
        Ok(Self {
            secret,
            udp,
            edge: Edge::start(&lab.server, http).await?,
        })
    }

    /// Returns what ends TLS before the server.
    pub(crate) const fn edge(&self) -> &Edge {
        &self.edge
    }

    /// Prepares the opening of a session, for the client's machine.
    pub(crate) fn dial(
        &self,
        over: Over,
    ) -> Result<impl Future<Output = Result<Session>> + Send + use<>> {
        let ways = Ways {
            host: self.udp.ip().to_string(),
            udp_port: Some(self.udp.port()),
            http: Some(Arc::new(self.edge.route()?)),
            choice: match over {
                Over::Udp => CarrierChoice::Udp,
                Over::WebSocket => CarrierChoice::WebSocket,
                Over::Either => CarrierChoice::Auto,
            },
        };
        // Nothing is remembered from one dial to the next.
        let memory = Arc::new(InProcess::default());
        let dial = ServerDial::new(dialer(&self.secret)?, ways, memory);
        Ok(async move { Ok(dial.dial().await?.0) })
    }
}

/// Asks the server something that it need not think about, and that clients ask with their hello, as
/// they do with health.
pub(crate) async fn ask(session: &Session) -> Result<()> {
    Ok(session.call(&ANSWER, &()).await?)
}

impl Joined for Session {
    fn receive(&self, flow: Flow, tally: Tally) -> BoxFuture<'static, Result<()>> {
        let session = self.clone();
        Box::pin(async move {
            let mut channel = session.open(flow.protocol(), &()).await?;
            while let Some(item) = channel.receive::<ByteBuf>().await? {
                match flow {
                    Flow::Lines => {
                        if let Some(written) = written(&item) {
                            tally.line(written);
                        }
                    }
                    Flow::Bulk => tally.bulk(item.len()),
                }
            }
            Ok(())
        })
    }
}

impl Flow {
    const fn protocol(self) -> &'static Protocol {
        match self {
            Self::Lines => &LINES,
            Self::Bulk => &BULK_FLOW,
        }
    }
}

/// The server half of both flows.
#[derive(Debug)]
struct Push {
    flow: Flow,
    clock: Clock,
}

impl Handler for Push {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        _visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            match self.flow {
                Flow::Lines => {
                    let mut ticks = Ticks::start(self.clock);
                    loop {
                        let line = ByteBuf::from(line(ticks.next().await));
                        channel.send(&line).await?;
                    }
                }
                Flow::Bulk => loop {
                    channel.send(&serde_bytes::Bytes::new(&BULK)).await?;
                },
            }
        })
    }
}

/// Answers whoever asks.
#[derive(Debug)]
struct Answer;

impl Handler for Answer {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        _visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            channel.send(&()).await?;
            Ok(channel.finish().await?)
        })
    }
}

async fn receive(arrival: Arrival, router: Arc<Router>, tasks: Tasks) {
    // Whoever is refused hears it; this end has nothing to add.
    if let Ok((session, guest)) = arrival.establish().await {
        router.serve(session, guest, &tasks).await;
    }
}

fn router(clock: Clock) -> Router {
    let mut router = Router::default();
    for flow in [Flow::Lines, Flow::Bulk] {
        router.add(*flow.protocol(), Arc::new(Push { flow, clock }));
    }
    router.add(ANSWER, Arc::new(Answer));
    router
}

fn server_trust(secret: &Secret, router: &Router) -> Result<ServerTrust> {
    let key = Key::derive("bench", secret, Scopes::default())?;
    Ok(ServerTrust {
        keys: Arc::new(KeyRing::new([key])?),
        name: ServerName {
            server_id: "bench".to_owned(),
            instance: [0; 16],
            environment: "production".to_owned(),
            program: "tunnel-bench".to_owned(),
            features: router.features(),
            udp_port: None,
        },
        clock: system_clock(),
    })
}

fn dialer(secret: &Secret) -> Result<Dialer> {
    let name = ClientName {
        environment: "development".to_owned(),
        program: "tunnel-bench".to_owned(),
        features: [LINES, BULK_FLOW, ANSWER]
            .map(|protocol| protocol.feature_version())
            .to_vec(),
    };
    let key = Key::derive("bench", secret, Scopes::default())?;
    let first = FirstCall::new(&ANSWER, &())?;
    Ok(Dialer::new(Arc::new(key), name, system_clock()).first_call(Some(first)))
}

/// As logs have it.
const LINES: Protocol = protocol("bench-lines", Priority::Live);

/// As sync has it.
const BULK_FLOW: Protocol = protocol("bench-bulk", Priority::Bulk);

/// As health has it.
const ANSWER: Protocol = protocol("bench-answer", Priority::Call);

const fn protocol(feature: &'static str, priority: Priority) -> Protocol {
    Protocol {
        feature,
        version: 1,
        priority,
        longest_request: 16,
        // A piece of bulk, and how long it is.
        longest_reply: BULK.len() as u32 + 16,
    }
}
