//! TLS with servers of every kind.

use super::certificates::{Authority, DAY, Validity};
use super::*;

/// Connects to a server that shows `leaf`, which it echoes through if it gets that far.
async fn meet(leaf: &Leaf, host: &str, trust: TlsTrust) -> Result<ByteStream, ReachError> {
    let (listener, port) = listen().await;
    let server = async {
        let (tcp, _) = listener.accept().await.unwrap();
        if let Ok(stream) = accept_tls(tcp, leaf).await {
            echo(stream).await;
        }
    };
    against(server, route(host, port, tls(trust)).connect()).await
}

async fn distrust(leaf: &Leaf, trust: TlsTrust) -> Distrust {
    let error = meet(leaf, "localhost", trust).await.unwrap_err();
    assert_eq!((error.stage, error.peer.role), (Stage::Tls, Role::Server));
    assert!(error.seen.connected.is_some() && error.seen.secured.is_none());
    match error.fault {
        ReachFault::Untrusted(distrust) => distrust,
        other => panic!("{other:?}"),
    }
}

/// Connects to a server that speaks no TLS.
async fn fault_of(greeting: &'static [u8]) -> ReachFault {
    let (listener, port) = listen().await;
    let server = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        // The end of the connection must not overtake the answer: what came is read first.
        assert!(tcp.read(&mut [0; 4096]).await.unwrap() > 0);
        tcp.write_all(greeting).await.unwrap();
    };
    let route = route("localhost", port, tls(Authority::new("ours").trust()));
    against(server, route.connect()).await.unwrap_err().fault
}

#[tokio::test]
async fn a_server_with_a_certificate_of_the_given_authority_is_reached() {
    let authority = Authority::new("ours");
    let leaf = authority.leaf("localhost");
    let (listener, port) = listen().await;
    let server = async {
        let (tcp, _) = listener.accept().await.unwrap();
        let stream = accept_tls(tcp, &leaf).await.unwrap();
        let (_, connection) = stream.get_ref();
        assert_eq!(connection.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(connection.server_name(), Some("localhost"));
        echo(stream).await;
    };
    let route = route("localhost", port, tls(authority.trust()));
    let client = async {
        let mut stream = route.connect().await.unwrap();
        assert_eq!(said_back(&mut stream, "hello").await, "hello");
        stream
    };
    let stream = against(server, client).await;

    let seen = stream.seen();
    let resolved = seen.resolved.as_ref().unwrap();
    let connected = seen.connected.as_ref().unwrap();
    assert!(resolved.addresses.contains(&connected.remote));
    assert_eq!(connected.remote.port(), port);
    assert!(seen.tunnelled.is_none() && seen.proxy_secured.is_none());
    let secured = seen.secured.as_ref().unwrap();
    assert_eq!(secured.version, TlsVersion::Tls13);
    assert_eq!(secured.pin, leaf.pin());
    let left = secured
        .expires
        .unwrap()
        .duration_since(std::time::SystemTime::now());
    assert!(left.unwrap() <= DAY);
}

#[tokio::test]
async fn a_server_by_its_address_and_one_of_tls_1_2_are_reached() {
    let authority = Authority::new("ours");
    let leaf = authority.leaf("127.0.0.1");
    for trust in [authority.trust(), TlsTrust::pin(leaf.pin()).unwrap()] {
        let (listener, port) = listen().await;
        let server = async {
            let (tcp, _) = listener.accept().await.unwrap();
            let old = acceptor(&leaf, &[&rustls::version::TLS12]);
            echo(old.accept(tcp).await.unwrap()).await;
        };
        let route = route("127.0.0.1", port, tls(trust));
        let stream = against(server, route.connect()).await.unwrap();
        let secured = stream.seen().secured.as_ref().unwrap();
        assert_eq!(secured.version, TlsVersion::Tls12);
    }
}

#[tokio::test]
async fn a_certificate_is_distrusted_by_its_cause() {
    let authority = Authority::new("ours");
    let stranger = Authority::new("another").leaf("localhost");
    assert_eq!(
        distrust(&stranger, authority.trust()).await,
        Distrust::UnknownIssuer
    );
    let namesake = Authority::new("ours").leaf("localhost");
    assert_eq!(
        distrust(&namesake, authority.trust()).await,
        Distrust::BadSignature
    );
    let expired = authority.leaf_valid("localhost", Validity::Over);
    assert_eq!(
        distrust(&expired, authority.trust()).await,
        Distrust::Expired
    );
    let early = authority.leaf_valid("localhost", Validity::ToCome);
    assert_eq!(
        distrust(&early, authority.trust()).await,
        Distrust::NotYetValid
    );
    let other = authority.leaf("other.example");
    match distrust(&other, authority.trust()).await {
        Distrust::WrongName { presented } => assert!(presented[0].contains("other.example")),
        cause => panic!("{cause:?}"),
    }
}

#[tokio::test]
async fn the_systems_roots_do_not_know_a_stranger() {
    let Ok(system) = TlsTrust::system() else {
        // A machine without authorities trusts nobody, which is right as well.
        return;
    };
    assert!(matches!(system.basis(), TrustBasis::System { authorities } if authorities > 0));
    let stranger = Authority::new("ours").leaf("localhost");
    assert_eq!(distrust(&stranger, system).await, Distrust::UnknownIssuer);
}

#[tokio::test]
async fn the_pinned_key_is_all_that_counts() {
    let authority = Authority::new("ours");
    let pinned = |leaf: &Leaf| TlsTrust::pin(leaf.pin()).unwrap();
    let leaf = authority.leaf_valid("other.example", Validity::Over);
    meet(&leaf, "localhost", pinned(&leaf)).await.unwrap();

    let good = authority.leaf("localhost");
    assert_eq!(
        distrust(&good, pinned(&leaf)).await,
        Distrust::PinDiffers { seen: good.pin() }
    );
    // Whoever shows the right certificate must have its key.
    let thief = leaf.stolen();
    assert_eq!(thief.pin(), leaf.pin());
    assert_eq!(
        distrust(&thief, pinned(&leaf)).await,
        Distrust::BadSignature
    );
}

#[tokio::test]
async fn what_speaks_no_tls_is_told_apart() {
    for greeting in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\0\0\0\0\0\0\0\0",
    ] {
        let fault = fault_of(greeting).await;
        assert!(matches!(fault, ReachFault::NotTls), "{fault:?}");
    }
    assert!(matches!(fault_of(b"").await, ReachFault::Cut(_)));
}

#[tokio::test]
async fn no_common_version_is_no_matter_of_trust() {
    let (listener, port) = listen().await;
    let server = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        assert!(tcp.read(&mut [0; 4096]).await.unwrap() > 0);
        // A fatal alert: protocol_version (RFC 8446, section 6).
        tcp.write_all(&[21, 3, 3, 0, 2, 2, 70]).await.unwrap();
    };
    let route = route("localhost", port, tls(Authority::new("ours").trust()));
    let error = against(server, route.connect()).await.unwrap_err();
    assert!(matches!(error.fault, ReachFault::Tls(_)), "{error:?}");
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_refused() {
    let (listener, port) = listen().await;
    drop(listener);
    let error = route("127.0.0.1", port, Security::Plain)
        .connect()
        .await
        .unwrap_err();
    assert_eq!(error.stage, Stage::Connect);
    assert!(matches!(error.fault, ReachFault::Refused), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!("connect to 127.0.0.1:{port} over TCP")
    );
}

#[tokio::test]
async fn an_address_where_nobody_listens_makes_way_for_the_next() {
    let (dead, dead_port) = listen().await;
    drop(dead);
    let (_listener, port) = listen().await;
    let resolved = Resolved {
        addresses: [dead_port, port]
            .map(|port| ([127, 0, 0, 1], port).into())
            .into(),
        took: std::time::Duration::ZERO,
    };
    let peer = route("server.example", 443, Security::Plain).server();
    let stream = connect(&peer, resolved).await.unwrap();
    assert_eq!(
        stream.seen().connected.as_ref().unwrap().remote.port(),
        port
    );
}

#[tokio::test]
async fn a_name_that_cannot_be_is_not_resolved() {
    let error = route("a..b", 1, Security::Plain)
        .connect()
        .await
        .unwrap_err();
    assert_eq!(error.stage, Stage::Resolve);
    assert!(matches!(error.fault, ReachFault::Resolve(_)), "{error:?}");
    assert_eq!(error.to_string(), "look up the address of a..b");
}
