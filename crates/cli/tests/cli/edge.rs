//! An https address: TLS that ends before the server, and a certificate that is known or not.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use server::TunnelServer;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinSet, spawn_blocking};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::support::{Ended, SECRET, Sandbox, carrier_of, lasting_port};

/// What ends TLS before a server, as a host's edge does.
struct Edge {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    server: SocketAddr,
    /// Its certificate, which nobody but the test knows.
    pem: String,
}

impl Edge {
    async fn before(server: SocketAddr) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
            server,
            pem: cert.pem(),
        }
    }

    fn url(&self) -> String {
        let port = self.listener.local_addr().unwrap().port();
        format!("https://localhost:{port}")
    }

    /// Passes connections on until it is dropped.
    async fn run(self) {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = self.listener.accept().await.unwrap();
            let (acceptor, server) = (self.acceptor.clone(), self.server);
            connections.spawn(async move {
                // A client that does not trust it leaves here.
                if let Ok(mut secure) = acceptor.accept(stream).await {
                    let mut onward = TcpStream::connect(server).await.unwrap();
                    copy_bidirectional(&mut secure, &mut onward).await.ok();
                }
            });
        }
    }
}

/// Runs a client's play against a server behind an edge, with its address and its certificate.
async fn behind_an_edge(play: impl FnOnce(&str, &str) + Send + 'static) {
    let server = TunnelServer::builder()
        // Only a port that was asked for by its number is offered.
        .quic_address(([127, 0, 0, 1], lasting_port()).into())
        .http_address(Some(([127, 0, 0, 1], 0).into()))
        .secret(SECRET)
        .start()
        .await
        .unwrap();
    let edge = Edge::before(server.http_address().unwrap()).await;
    let (url, pem) = (edge.url(), edge.pem.clone());
    tokio::select! {
        played = spawn_blocking(move || play(&url, &pem)) => played.unwrap(),
        () = edge.run() => {}
    }
    server.stop().await;
}

fn sandbox() -> Sandbox {
    Sandbox::new().set("RENDER_TUNNEL_SECRET", SECRET)
}

/// Finds the pin in what a program has said.
fn pin_in(ended: &Ended) -> String {
    let said = format!("{}{}", ended.out, ended.err);
    let from = said.find("sha256/").expect("a pin");
    let digits = said[from..].chars();
    digits
        .take_while(|c| c.is_ascii_alphanumeric() || "/+=".contains(*c))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strange_certificate_is_refused_shown_and_trusted_by_its_pin() {
    behind_an_edge(|url, _| {
        // Over UDP no certificate but that of the key matters.
        let sandbox = sandbox().set("RENDER_TUNNEL_CARRIER", "websocket");
        let refused = sandbox.tunnel(&["health", "--server", url]);
        refused.expect(3, &["its certificate is not trusted", "--ca", "--pin"]);
        let examined = sandbox.tunnel(&["doctor", "--server", url]);
        examined.expect(1, &[]);
        let pin = pin_in(&examined);
        let healthy = sandbox.tunnel(&["health", "--json", "--server", url, "--pin", &pin]);
        healthy.expect(0, &[]);
        let other = format!("sha256/{}=", "A".repeat(43));
        let differs = sandbox.tunnel(&["health", "--server", url, "--pin", &other]);
        differs.expect(3, &["its key is not the pinned one", &pin]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_in_a_file_is_trusted_wherever_it_is_named() {
    behind_an_edge(|url, pem| {
        let sandbox = sandbox();
        fs::write(sandbox.path().join("ca.pem"), pem).unwrap();
        let config = format!("[client]\nserver = '{url}'\nca = 'ca.pem'\ncarrier = 'websocket'\n");
        fs::write(sandbox.path().join("tunnel.toml"), config).unwrap();
        let healthy = sandbox.tunnel(&["health", "--json"]);
        healthy.expect(0, &[]);
        assert_eq!(carrier_of(&healthy), "websocket");
        let examined = sandbox.tunnel(&["doctor"]);
        examined.expect(0, &[]);
        for piece in [
            "tunnel.toml",
            "TLS 1.3, certificate until",
            "over websocket",
        ] {
            assert!(
                examined.out.contains(piece),
                "{piece:?} is not in {}",
                examined.out
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn udp_that_the_server_offers_is_taken_up_by_the_next_command() {
    behind_an_edge(|url, pem| {
        let sandbox = sandbox().set("RENDER_TUNNEL_CA", "ca.pem");
        fs::write(sandbox.path().join("ca.pem"), pem).unwrap();
        for carrier in ["websocket", "udp"] {
            let healthy = sandbox.tunnel(&["health", "--json", "--server", url]);
            healthy.expect(0, &[]);
            assert_eq!(carrier_of(&healthy), carrier);
        }
        let examined = sandbox.tunnel(&["doctor", "--server", url]);
        examined.expect(0, &[]);
        assert!(
            examined.out.contains("✓  UDP             port "),
            "{}",
            examined.out
        );
    })
    .await;
}
