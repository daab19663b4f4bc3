//! What a peer meets that does not keep to the protocol: it speaks QUIC and believes every server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connection, Endpoint, EndpointConfig, TokioRuntime};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error as TlsError, SignatureScheme};
use testkit::net::Link;
use testkit::pair::{Pair, SECRET, SERVER};
use tokio::time::Instant;
use transport::router::Router;
use transport::session::close_code;
use transport::trust::{Key, Scopes};
use wire::{CloseCode, FrameKind, Header, Hello, HelloBody, Refused, Reply, Status, Versions};

/// Believes every certificate.
#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

/// A connection from `192.0.2.host`, dialled by `name`, with the endpoint that drives it.
async fn stranger(pair: &Pair, host: u8, name: &str) -> (Connection, Endpoint) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Credulous))
        .with_no_client_auth();
    tls.alpn_protocols = vec![wire::hello::ALPN.to_vec()];
    let tls = QuicClientConfig::try_from(tls).expect("a cipher suite for QUIC");
    let socket = pair.network.host(SocketAddr::from(([192, 0, 2, host], 7)));
    let runtime = Arc::new(TokioRuntime);
    let endpoint =
        Endpoint::new_with_abstract_socket(EndpointConfig::default(), None, socket, runtime)
            .expect("a memory socket has no faults");
    let config = quinn::ClientConfig::new(Arc::new(tls));
    let connecting = endpoint
        .connect_with(config, SERVER, name)
        .expect("a name to dial");
    (connecting.await.expect("a connection"), endpoint)
}

/// Sends a payload as the hello and returns the refusal.
async fn refusal(connection: &Connection, payload: &[u8]) -> Refused {
    let (mut send, mut receive) = connection.open_bi().await.expect("the first stream");
    let mut frame = Vec::new();
    wire::frame::encode_raw(FrameKind::MESSAGE, payload, &mut frame).expect("a short payload");
    send.write_all(&frame).await.expect("room for a hello");
    let answer = receive.read_to_end(4096).await.expect("an answer");
    match wire::decode(&answer[Header::LEN..]).expect("a reply") {
        Reply::Refused(refused) => refused,
        Reply::Welcome(_) => panic!("the stranger was let in"),
    }
}

fn pair() -> Pair {
    Pair::serve(Router::default(), Scopes::default(), Link::default())
}

fn key_name() -> (Key, String) {
    let secret = SECRET.parse().expect("a good secret");
    let key = Key::derive("test", &secret, Scopes::default()).expect("a key");
    let name = format!("{}.key.render-tunnel.invalid", key.id());
    (key, name)
}

/// A hello for the server's own key, with a proof that is none.
fn forged(key: &Key) -> Vec<u8> {
    let body = HelloBody {
        key_id: key.id().0,
        time: 1_800_000_000,
        nonce: [1; 16],
        environment: "development".into(),
        program: "stranger".into(),
        features: Vec::new(),
    };
    Hello {
        versions: Versions::OURS,
        body,
        proof: [0; 32],
    }
    .encode()
}

#[tokio::test(start_paused = true)]
async fn an_unknown_protocol_version_is_told_which_ones_there_are() {
    let pair = pair();
    let (connection, _endpoint) = stranger(&pair, 2, "nobody").await;
    let refused = refusal(&connection, b"rtun\x00\x07\x00\x09").await;
    assert_eq!(
        (refused.status, refused.versions),
        (Status::BAD_REQUEST, Versions::OURS)
    );
    assert_eq!(
        refused.reason,
        "the client speaks protocol versions 7 to 9, this server 1 to 1"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_no_hello_is_refused_and_the_connection_closed() {
    let pair = pair();
    let (connection, _endpoint) = stranger(&pair, 2, "nobody").await;
    let refused = refusal(&connection, b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(refused.status, Status::BAD_REQUEST);
    assert_eq!(
        close_code(&connection.closed().await),
        Some(CloseCode::REFUSED)
    );
}

#[tokio::test(start_paused = true)]
async fn a_known_key_with_a_wrong_proof_and_an_unknown_key_get_the_same_answer() {
    let pair = pair();
    let (key, name) = key_name();
    let (known, _known_endpoint) = stranger(&pair, 2, &name).await;
    let (unknown, _unknown_endpoint) =
        stranger(&pair, 3, "ffffffffffffffff.key.render-tunnel.invalid").await;
    let mut other = forged(&key);
    other[8..16].fill(0xff);
    let start = Instant::now();
    let first = refusal(&known, &forged(&key)).await;
    let took = start.elapsed();
    let start = Instant::now();
    let second = refusal(&unknown, &other).await;
    assert_eq!(
        (first.status, &first.reason),
        (Status::UNAUTHENTICATED, &second.reason)
    );
    assert!(
        took.abs_diff(start.elapsed()) < Duration::from_millis(5),
        "the time tells them apart"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stranger_that_says_nothing_is_sent_away_in_ten_seconds() {
    let pair = pair();
    let start = Instant::now();
    let (connection, _endpoint) = stranger(&pair, 2, "nobody").await;
    assert_eq!(
        close_code(&connection.closed().await),
        Some(CloseCode::SLOW_HELLO)
    );
    assert!(
        start.elapsed() < Duration::from_secs(11),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_stranger_has_two_streams_and_room_for_a_hello() {
    let pair = pair();
    let (connection, _endpoint) = stranger(&pair, 2, "nobody").await;
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    let _first_call = connection.open_bi().await.unwrap();
    let third = tokio::time::timeout(Duration::from_secs(5), connection.open_bi()).await;
    assert!(third.is_err(), "a third stream was opened before the hello");
    // A header that promises more than a hello is refused before the payload is waited for.
    let flood = [&[0, 0xff, 0xff, 0xff][..], &[0; 100_000]].concat();
    send.write_all(&flood).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn what_a_stranger_sends_beside_its_hello_is_not_read_and_fills_its_window_at_most() {
    let pair = pair();
    let (connection, _endpoint) = stranger(&pair, 2, "nobody").await;
    let (_hello, _receive) = connection.open_bi().await.unwrap();
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    let mut taken = 0;
    let flood = async {
        loop {
            taken += send.write(&[0; 1024]).await.expect("nobody has refused it");
        }
    };
    let flooded = tokio::time::timeout(Duration::from_secs(5), flood).await;
    flooded.expect_err("the window is closed");
    assert_eq!(taken, 16 * 1024);
}

#[tokio::test(start_paused = true)]
async fn more_strangers_than_places_leave_room_for_who_holds_the_key() {
    let pair = pair();
    let mut held = Vec::new();
    for host in 100..130 {
        held.push(stranger(&pair, host, "nobody").await);
    }
    let session = pair.connect(2).await;
    assert!(session.close_reason().is_none());
}
