//! A stand-in for PayPal: an authority of its own, a signer, and a server that serves certificates.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, PKCS_RSA_SHA256, date_time_ymd,
};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use transport::reach::TlsTrust;
use transport::tasks::Tasks;

use super::super::Certificates;
use crate::webhooks::{Header, Origin, Request};

/// An authority, and one between it and those that it certifies.
pub(super) struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    between: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = || KeyPair::generate().expect("a key");
        let root = CertifiedIssuer::self_signed(params.clone(), key()).expect("a root");
        let between = CertifiedIssuer::signed_by(params, key(), &root).expect("an authority");
        Self { root, between }
    }

    /// Certifies PayPal's signer, as it is served: with the one above it.
    pub(super) fn signer(&self, name: &str, until: i32) -> String {
        let key = PrivateKeyDer::Pkcs8(SIGNER.into());
        let key = KeyPair::from_der_and_sign_algo(&key, &PKCS_RSA_SHA256).expect("a key");
        let leaf = self.leaf(name, until, &key);
        format!("{}{}", leaf.pem(), self.between.pem())
    }

    fn leaf(&self, name: &str, until: i32, key: &KeyPair) -> Certificate {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.signed_by(key, &self.between).expect("a certificate")
    }

    fn tls(&self) -> ServerConfig {
        let key = KeyPair::generate().expect("a key");
        let leaf = self.leaf("localhost", 2100, &key);
        let chain = vec![leaf.der().clone(), self.between.der().clone()];
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider);
        let config = config
            .with_safe_default_protocol_versions()
            .expect("versions");
        config
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a server's certificate")
    }
}

/// A server that gives each connection the same answer.
pub(super) struct StandIn {
    pub(super) host: String,
    /// How often it was asked.
    pub(super) asked: Arc<AtomicUsize>,
    /// Tells of each question.
    pub(super) asking: Arc<Notify>,
    pub(super) authority: Authority,
    _tasks: Tasks,
}

impl StandIn {
    /// Serves what `answer` makes of the authority; nothing at all if that is empty.
    pub(super) async fn start(answer: impl FnOnce(&Authority) -> String) -> Self {
        let authority = Authority::new();
        let answer = Arc::new(answer(&authority));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let acceptor = TlsAcceptor::from(Arc::new(authority.tls()));
        let (asked, asking) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (tasks, count, notify) = (Tasks::new(), Arc::clone(&asked), Arc::clone(&asking));
        let each = tasks.clone();
        tasks.spawn("stand-in", async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, answer) = (acceptor.clone(), Arc::clone(&answer));
                let (count, notify) = (Arc::clone(&count), Arc::clone(&notify));
                each.spawn("stand-in's connection", async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut head = [0; 2048];
                    let read = stream.read(&mut head).await.unwrap_or(0);
                    assert!(head[..read].starts_with(b"GET /v1/notifications/certs/CERT-"));
                    count.fetch_add(1, Ordering::SeqCst);
                    notify.notify_one();
                    stream.write_all(answer.as_bytes()).await.ok();
                    if !answer.is_empty() {
                        stream.shutdown().await.ok();
                    }
                    // Until the client has what it wants.
                    let _rest = stream.read(&mut head).await;
                });
            }
        });
        Self {
            host: format!("localhost:{}", address.port()),
            asked,
            asking,
            authority,
            _tasks: tasks,
        }
    }

    /// The certificates that are taken from here.
    pub(super) fn certificates(&self) -> Certificates {
        let tls = TlsTrust::authorities(self.authority.root.pem().as_bytes()).expect("a root");
        let mut roots = RootCertStore::empty();
        roots
            .add(self.authority.root.der().clone())
            .expect("a root");
        Certificates::of_test(self.host.clone(), tls, roots)
    }

    /// Where a certificate is here.
    pub(super) fn url(&self) -> String {
        format!(
            "https://{}/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270",
            self.host
        )
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Writes an answer with this body.
pub(super) fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A request of PayPal's for a webhook, signed at a time in seconds since 1970.
pub(super) fn signed(url: &str, webhook: &str, body: &[u8], now: u64) -> Request {
    let time = Timestamp::from_second(now.try_into().expect("a time")).expect("a time");
    let sum = crc32(body);
    let message = format!("69cd13f0-d67a-11e5-baa3-778b53f4ae55|{time}|{webhook}|{sum}");
    let key = RsaKeyPair::from_pkcs8(SIGNER).expect("a key");
    let mut signature = vec![0; key.public().modulus_len()];
    let random = SystemRandom::new();
    key.sign(
        &RSA_PKCS1_SHA256,
        &random,
        message.as_bytes(),
        &mut signature,
    )
    .expect("a signature");
    let signature = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, signature);
    let time = time.to_string();
    let headers = [
        (
            "paypal-transmission-id",
            "69cd13f0-d67a-11e5-baa3-778b53f4ae55",
        ),
        ("paypal-transmission-time", &time),
        ("paypal-transmission-sig", &signature),
        ("paypal-cert-url", url),
        ("paypal-auth-algo", "SHA256withRSA"),
    ];
    Request {
        method: "POST".into(),
        target: "/api/webhooks/paypal".into(),
        headers: headers
            .iter()
            .map(|(name, value)| Header::new(*name, *value))
            .collect(),
        body: body.to_vec().into(),
        origin: Origin {
            scheme: "https".into(),
            host: "app.example.com".into(),
            client: [192, 0, 2, 1].into(),
        },
    }
}

/// CRC-32 bit by bit, as its definition has it.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (if crc & 1 == 1 { 0xedb8_8320 } else { 0 });
    !bytes
        .iter()
        .fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

/// A key that was made for these tests and is good for nothing else.
const SIGNER: &[u8] = include_bytes!("signer.der");
