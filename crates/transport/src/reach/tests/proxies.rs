//! Servers behind proxies of every kind.

use std::sync::Mutex;

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};

use super::certificates::Authority;
use super::*;

/// Reads a request's head.
async fn head_of(io: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// A proxy that does what it is asked for, once, and notes how it was asked.
async fn serve_proxy(mut io: impl AsyncRead + AsyncWrite + Unpin, asked: &Mutex<String>) {
    let head = head_of(&mut io).await;
    let authority = head.split(' ').nth(1).unwrap().to_owned();
    *asked.lock().unwrap() = head;
    let mut server = TcpStream::connect(authority).await.unwrap();
    let yes = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n";
    io.write_all(yes).await.unwrap();
    copy_bidirectional(&mut io, &mut server).await.ok();
}

fn proxy(text: &str) -> Option<Proxy> {
    Some(text.parse().unwrap())
}

/// Asks a proxy that gives `answer`, whatever it is asked.
async fn refusal(answer: &[u8]) -> ReachError {
    let (listener, port) = listen().await;
    let server = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        head_of(&mut tcp).await;
        tcp.write_all(answer).await.ok();
    };
    let route = Route {
        proxy: proxy(&format!("http://me:s3cr3t@127.0.0.1:{port}")),
        ..route("server.example", 443, Security::Plain)
    };
    let error = against(server, route.connect()).await.unwrap_err();
    assert_eq!((error.stage, error.peer.role), (Stage::Tunnel, Role::Proxy));
    assert!(error.seen.connected.is_some());
    let told = told(&error);
    assert!(!told.contains("s3cr3t") && !told.contains("bWU6"), "{told}");
    error
}

#[tokio::test]
async fn a_server_is_reached_through_a_proxy_that_is_told_who_asks() {
    let authority = Authority::new("ours");
    let leaf = authority.leaf("localhost");
    let (listener, port) = listen().await;
    let (proxy_listener, proxy_port) = listen().await;
    let asked = Mutex::default();
    let serving = async {
        let server = async {
            let (tcp, _) = listener.accept().await.unwrap();
            echo(accept_tls(tcp, &leaf).await.unwrap()).await;
        };
        let proxy = async {
            let (tcp, _) = proxy_listener.accept().await.unwrap();
            serve_proxy(tcp, &asked).await;
        };
        tokio::join!(server, proxy);
    };
    let route = Route {
        proxy: proxy(&format!("http://me:pass@127.0.0.1:{proxy_port}")),
        ..route("localhost", port, tls(authority.trust()))
    };
    let client = async {
        let mut stream = route.connect().await.unwrap();
        assert_eq!(said_back(&mut stream, "hello").await, "hello");
        stream
    };
    let stream = against(serving, client).await;

    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        asked.into_inner().unwrap(),
        format!(
            "CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\
             User-Agent: render-tunnel/{version}\r\n\
             Proxy-Authorization: Basic bWU6cGFzcw==\r\n\r\n"
        )
    );
    let seen = stream.seen();
    assert_eq!(seen.connected.as_ref().unwrap().remote.port(), proxy_port);
    assert_eq!(seen.tunnelled.as_ref().unwrap().proxy.port, proxy_port);
    assert!(seen.secured.is_some() && seen.proxy_secured.is_none());
}

#[tokio::test]
async fn a_proxy_may_speak_tls_itself() {
    let (inner, outer) = (Authority::new("inner"), Authority::new("outer"));
    let (leaf, proxy_leaf) = (inner.leaf("localhost"), outer.leaf("127.0.0.1"));
    let (listener, port) = listen().await;
    let (proxy_listener, proxy_port) = listen().await;
    let asked = Mutex::default();
    let serving = async {
        let server = async {
            let (tcp, _) = listener.accept().await.unwrap();
            echo(accept_tls(tcp, &leaf).await.unwrap()).await;
        };
        let proxy = async {
            let (tcp, _) = proxy_listener.accept().await.unwrap();
            serve_proxy(accept_tls(tcp, &proxy_leaf).await.unwrap(), &asked).await;
        };
        tokio::join!(server, proxy);
    };
    let proxy = proxy(&format!("https://127.0.0.1:{proxy_port}"));
    let route = Route {
        proxy: proxy.map(|proxy| proxy.trusting(Arc::new(outer.trust()))),
        ..route("localhost", port, tls(inner.trust()))
    };
    let client = async {
        let mut stream = route.connect().await.unwrap();
        assert_eq!(said_back(&mut stream, "hello").await, "hello");
        stream
    };
    let stream = against(serving, client).await;
    let pin_of = |secured: &Option<Secured>| secured.as_ref().unwrap().pin;
    assert_eq!(pin_of(&stream.seen().proxy_secured), proxy_leaf.pin());
    assert_eq!(pin_of(&stream.seen().secured), leaf.pin());
}

#[tokio::test]
async fn a_proxy_that_is_not_trusted_is_not_told_who_asks() {
    let leaf = Authority::new("ours").leaf("127.0.0.1");
    let (listener, port) = listen().await;
    let server = async {
        let (tcp, _) = listener.accept().await.unwrap();
        // The client turns away in the handshake: not a byte of a request comes.
        assert!(accept_tls(tcp, &leaf).await.is_err());
    };
    // The pin of a server says nothing of a proxy.
    let security = tls(TlsTrust::pin(leaf.pin()).unwrap());
    let trust = Arc::new(Authority::new("another").trust());
    let proxy = proxy(&format!("https://me:pass@127.0.0.1:{port}"));
    let route = Route {
        proxy: proxy.map(|proxy| proxy.trusting(trust)),
        ..route("localhost", 443, security)
    };
    let error = tokio::join!(server, route.connect()).1.unwrap_err();
    assert_eq!((error.stage, error.peer.role), (Stage::Tls, Role::Proxy));
    assert!(matches!(
        error.fault,
        ReachFault::Untrusted(Distrust::UnknownIssuer)
    ));
}

#[tokio::test]
async fn a_proxy_that_says_no_is_told_by_its_status() {
    for status in [403, 502, 302, 503] {
        let error = refusal(format!("HTTP/1.1 {status} No\r\n\r\n").as_bytes()).await;
        assert!(
            matches!(error.fault, ReachFault::ProxyRefused { status: told } if told == status),
            "{error:?}"
        );
    }
    let error = refusal(
        b"HTTP/1.0 407 Who are you?\r\nProxy-Authenticate: Negotiate\r\n\
          proxy-authenticate: Basic realm=\"x\"\r\n\
          Proxy-Authenticate: <b>\xff\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    match error.fault {
        ReachFault::ProxyNeedsAuth { schemes } => assert_eq!(schemes, ["Negotiate", "Basic"]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_no_proxy_is_told_apart() {
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(17 * 1024));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: x\r\n".repeat(101));
    for garbage in [
        &b"SSH-2.0-OpenSSH_9.9\r\n"[..],
        b"\x15\x03\x01\0\x02\x02\x46",
        b"HTTP/1.1 yes\r\n\r\n",
        endless.as_bytes(),
        many.as_bytes(),
    ] {
        let error = refusal(garbage).await;
        assert!(matches!(error.fault, ReachFault::NotAProxy), "{error:?}");
    }
    for torn in [&b""[..], b"HTTP/1.1 200 OK\r\n"] {
        let error = refusal(torn).await;
        assert!(matches!(error.fault, ReachFault::Cut(_)), "{error:?}");
    }
}

#[tokio::test]
async fn what_follows_the_proxys_answer_at_once_is_not_lost() {
    let (listener, port) = listen().await;
    let server = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        head_of(&mut tcp).await;
        // A server that speaks first, and a proxy that sends both in one segment.
        tcp.write_all(b"HTTP/1.1 200 OK\r\n\r\nwelcome, ")
            .await
            .unwrap();
        tcp.write_all(b"guest").await.unwrap();
    };
    let route = Route {
        proxy: proxy(&format!("127.0.0.1:{port}")),
        ..route("server.example", 80, Security::Plain)
    };
    let client = async {
        let mut text = String::new();
        let mut stream = route.connect().await.unwrap();
        stream.read_to_string(&mut text).await.unwrap();
        text
    };
    assert_eq!(against(server, client).await, "welcome, guest");
}
