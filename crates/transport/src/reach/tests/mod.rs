//! The stages over real sockets on loopback, with real certificates and real proxies.

mod certificates;
mod proxies;
mod secure;
mod wires;

use std::convert::Infallible;
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::*;
use certificates::Leaf;

/// Runs `client` while `server` serves it.
async fn against<T>(server: impl Future<Output = ()>, client: impl Future<Output = T>) -> T {
    let served_for_ever = async {
        server.await;
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        outcome = client => outcome,
        never = served_for_ever => match never {},
    }
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn route(host: &str, port: u16, security: Security) -> Route {
    Route {
        host: host.to_owned(),
        port,
        security,
        proxy: None,
    }
}

fn tls(trust: TlsTrust) -> Security {
    Security::Tls(Arc::new(trust))
}

/// Accepts TLS, and says what the client asked for.
async fn accept_tls(tcp: TcpStream, leaf: &Leaf) -> std::io::Result<TlsStream<TcpStream>> {
    acceptor(leaf, rustls::DEFAULT_VERSIONS).accept(tcp).await
}

fn acceptor(leaf: &Leaf, versions: &[&'static SupportedProtocolVersion]) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(leaf.key.serialize_der().into());
    let key = provider.key_provider.load_private_key(key).unwrap();
    let certified = CertifiedKey::new(vec![leaf.certificate.der().clone()], key);
    let shown: Arc<dyn ResolvesServerCert> = Arc::new(SingleCertAndKey::from(certified));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(shown);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// Sends back what comes, until nothing does.
async fn echo(io: impl tokio::io::AsyncRead + tokio::io::AsyncWrite) {
    let (mut from, mut to) = tokio::io::split(io);
    tokio::io::copy(&mut from, &mut to).await.ok();
    to.shutdown().await.ok();
}

/// Sends `text` through `stream` to an [`echo`] and gives back what comes.
async fn said_back(stream: &mut ByteStream, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).await.unwrap();
    String::from_utf8(back).unwrap()
}

/// Says everything that an error tells anyone, its causes included.
fn told(error: &ReachError) -> String {
    let mut all = format!("{error:?} {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        all.push_str(&format!(" {error}"));
        cause = error.source();
    }
    all
}
