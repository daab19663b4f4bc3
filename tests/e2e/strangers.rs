//! Who is not let in, and what they hear.

use std::sync::Arc;
use std::time::Duration;

use client::{ErrorKind, Secret, ServerAddress, TunnelClient, TunnelError};
use server::{NoSanitize, Scopes, TunnelServer};
use transport::trust::{HandshakeError, system_clock};
use wire::Status;

use crate::harness::{ANY, SECRET, laptop};

async fn server() -> TunnelServer {
    TunnelServer::builder()
        .quic_address(ANY)
        .http_address(Some(ANY))
        .secret(SECRET)
        .start()
        .await
        .expect("a server")
}

#[tokio::test]
async fn where_nothing_listens_the_error_comes_at_once() {
    let socket = std::net::UdpSocket::bind(ANY).unwrap();
    let address = socket.local_addr().unwrap();
    drop(socket);
    let dialled = TunnelClient::builder()
        .server(format!("quic://{address}").parse().unwrap())
        .secret(SECRET.parse().unwrap())
        .connect();
    let error = tokio::time::timeout(Duration::from_secs(5), dialled)
        .await
        .expect("no waiting")
        .unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Connection, 503));
    assert!(
        error.chain().to_string().contains("nothing listens on UDP"),
        "{}",
        error.chain()
    );
}

#[tokio::test]
async fn another_secret_is_an_error_of_authentication() {
    let server = server().await;
    let error = laptop(&server)
        .secret("6f2b8e0c9a714d36b1e7f08c2d9a6b43".parse().unwrap())
        .connect()
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Authentication, 401)
    );
    assert!(matches!(error.handshake(), Some(HandshakeError::Imposter)));
    server.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_off_is_an_error_of_authentication_with_the_difference() {
    let server = server().await;
    let clock = system_clock();
    let error = laptop(&server)
        .clock(Arc::new(move || clock() - 400))
        .connect()
        .await
        .unwrap_err();
    assert_eq!(error.code(), 401);
    let Some(HandshakeError::Refused(refusal)) = error.handshake() else {
        panic!("{error:?}")
    };
    assert!(
        refusal.is_clock() && (-402..=-398).contains(&refusal.clock_ahead),
        "{refusal:?}"
    );
    server.stop().await;
}

#[tokio::test]
async fn what_is_missing_is_an_error_of_validation() {
    let no_server = TunnelClient::builder()
        .secret(SECRET.parse().unwrap())
        .connect()
        .await
        .unwrap_err();
    let no_secret = TunnelClient::builder()
        .server("localhost".parse().unwrap())
        .connect()
        .await
        .unwrap_err();
    let weak: TunnelError = "weak".parse::<Secret>().unwrap_err().into();
    let scheme: TunnelError = "ftp://x.onrender.com"
        .parse::<ServerAddress>()
        .unwrap_err()
        .into();
    for error in [no_server, no_secret, weak, scheme] {
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Validation, 400),
            "{error}"
        );
    }
}

#[tokio::test]
async fn garbage_on_the_udp_port_disturbs_nobody() {
    let server = server().await;
    let address = server.quic_address().unwrap();
    let stranger = tokio::net::UdpSocket::bind(ANY).await.unwrap();
    for length in 1..1400_usize {
        let garbage: Vec<u8> = (0..length).map(|at| (at * 31 + length * 7) as u8).collect();
        stranger.send_to(&garbage, address).await.unwrap();
    }
    let client = laptop(&server).connect().await.unwrap();
    let health = client.health_check().await.unwrap();
    assert_eq!(
        (
            health.report.identity.server_id.as_str(),
            health.report.sessions
        ),
        ("tunnel-server", 1)
    );
    client.disconnect().await;
    server.stop().await;
}

#[tokio::test]
async fn a_key_without_the_scope_is_refused_by_feature() {
    let scopes = Scopes {
        features: server::Allow::Only(["logs".to_owned()].into()),
        no_sanitize: NoSanitize::Refused,
        ..Scopes::default()
    };
    let server = TunnelServer::builder()
        .quic_address(ANY)
        .http_address(None)
        .key("logs-only", SECRET, scopes)
        .start()
        .await
        .unwrap();
    let client = laptop(&server).connect().await.unwrap();
    let welcome = client.server().unwrap();
    assert_eq!(
        welcome
            .features
            .iter()
            .map(|feature| feature.name.as_str())
            .collect::<Vec<_>>(),
        ["logs"]
    );
    let error = client.health_check().await.unwrap_err();
    assert_eq!(
        (error.code(), error.fault().unwrap().status),
        (403, Status::FORBIDDEN)
    );
    client.disconnect().await;
    server.stop().await;
}
