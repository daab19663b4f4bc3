//! What ends TLS in front of a server, as the edge of a platform does.
//!
//! ```text
//! client ══ TLS ══▶ Edge ── loopback ──▶ server, in plain HTTP
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use transport::reach::{Route, Security, TlsTrust};

use crate::lab::Machine;

/// A running edge.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) address: SocketAddr,
    certificate: CertificateDer<'static>,
    pem: String,
    passes: watch::Sender<Passes>,
    /// When the server's first bytes for the newest client went through.
    answered: watch::Receiver<Option<Instant>>,
}

/// Whether an edge lets anything through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passes {
    All,
    Nothing,
}

impl Edge {
    /// Starts an edge on the server's machine.
    pub(super) async fn start(machine: &Machine, server: SocketAddr) -> Result<Self> {
        let listen = machine.any_port();
        let own = rcgen::generate_simple_self_signed([listen.ip().to_string()])?;
        let certificate = own.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(crypto())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key.into())?;
        let (passes, door) = watch::channel(Passes::All);
        let (answer, answered) = watch::channel(None);
        let tasks = machine.tasks().clone();
        let start = async move {
            let listener = TcpListener::bind(listen).await?;
            let address = listener.local_addr()?;
            let passage = Passage {
                tls: TlsAcceptor::from(Arc::new(config)),
                server,
                door,
                answer,
            };
            let owner = tasks.clone();
            tasks.spawn("edge", async move {
                while let Ok((client, _)) = listener.accept().await {
                    // Ends with either side; there is nobody to tell why.
                    owner.spawn("passage", passage.clone().open(client));
                }
            });
            Ok(address)
        };
        Ok(Self {
            address: machine.run(start).await?,
            certificate,
            pem: own.cert.pem(),
            passes,
            answered,
        })
    }

    /// Returns the way of a tunnel's client through this edge.
    pub(super) fn route(&self) -> Result<Route> {
        let trust = TlsTrust::authorities(self.pem.as_bytes())?;
        Ok(Route {
            host: self.address.ip().to_string(),
            port: self.address.port(),
            security: Security::Tls(Arc::new(trust)),
            proxy: None,
        })
    }

    /// Returns the settings of another client that trusts this edge and nobody else.
    pub(super) fn client_config(&self) -> Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone())?;
        let config = ClientConfig::builder_with_provider(crypto())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(config)
    }

    /// Cuts every connection, and those that come, until it is mended.
    pub(crate) fn cut(&self) {
        self.passes.send_replace(Passes::Nothing);
    }

    /// Lets connections through again.
    pub(crate) fn mend(&self) {
        self.passes.send_replace(Passes::All);
    }

    /// Waits until the server has answered another client, and returns when that was.
    pub(crate) async fn next_answer(&self) -> Result<Instant> {
        let mut answered = self.answered.clone();
        answered.borrow_and_update();
        loop {
            answered.changed().await?;
            if let Some(at) = *answered.borrow_and_update() {
                return Ok(at);
            }
        }
    }
}

/// The way of one client through the edge.
#[derive(Clone)]
struct Passage {
    tls: TlsAcceptor,
    server: SocketAddr,
    door: watch::Receiver<Passes>,
    answer: watch::Sender<Option<Instant>>,
}

impl Passage {
    async fn open(mut self, client: TcpStream) -> Result<()> {
        let mut door = self.door.clone();
        let cut = async {
            let cut = door.wait_for(|passes| *passes == Passes::Nothing);
            let nobody_cuts = cut.await.is_err();
            if nobody_cuts {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            done = self.pass(client) => done,
            () = cut => Ok(()),
        }
    }

    async fn pass(&mut self, client: TcpStream) -> Result<()> {
        client.set_nodelay(true)?;
        let client = self.tls.accept(client).await?;
        let server = TcpStream::connect(self.server).await?;
        server.set_nodelay(true)?;
        let (mut from_client, mut to_client) = split(client);
        let (mut from_server, mut to_server) = server.into_split();
        tokio::select! {
            there = copy(&mut from_client, &mut to_server) => there?,
            back = self.answer(&mut from_server, &mut to_client) => back?,
        };
        Ok(())
    }

    /// Carries what the server says, and notes when it began.
    async fn answer(
        &self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Result<u64> {
        let mut first = vec![0; FIRST];
        let length = from.read(&mut first).await?;
        to.write_all(&first[..length]).await?;
        to.flush().await?;
        self.answer.send_replace(Some(Instant::now()));
        Ok(copy(from, to).await?)
    }
}

fn crypto() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The answer to an upgrade fits.
const FIRST: usize = 4096;
