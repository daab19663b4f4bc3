//! What needs a wire of its own: slow ones, silent ones, full ones. The clock is paused.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Duration, Instant};

use super::certificates::Authority;
use super::*;

fn server() -> Peer {
    route("server.example", 443, Security::Plain).server()
}

fn proxy() -> Proxy {
    "http://me:s3cr3t@proxy.example:3128".parse().unwrap()
}

fn wire(room: usize) -> (ByteStream, DuplexStream) {
    let (near, far) = duplex(room);
    (ByteStream::over(near), far)
}

#[tokio::test]
async fn an_answer_byte_by_byte_is_an_answer() {
    // A wire with room for one byte tears everything.
    let (near, mut far) = wire(1);
    let slow = async {
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(far.read_u8().await.unwrap());
        }
        far.write_all(b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\nhello")
            .await
            .unwrap();
    };
    let (proxy, server) = (proxy(), server());
    let client = async {
        let mut stream = tunnel(near, &proxy, &server).await.unwrap();
        let mut text = [0; 5];
        stream.read_exact(&mut text).await.unwrap();
        text
    };
    assert_eq!(&against(slow, client).await, b"hello");
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_never_answers_is_given_up() {
    let (near, _far) = wire(4096);
    let started = Instant::now();
    let error = tunnel(near, &proxy(), &server()).await.unwrap_err();
    assert!(matches!(error.fault, ReachFault::Slow), "{error:?}");
    assert_eq!(error.stage, Stage::Tunnel);
    assert_eq!(started.elapsed(), Duration::from_secs(15));
    assert!(!told(&error).contains("s3cr3t"));
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_drips_is_given_up() {
    let (near, mut far) = wire(4096);
    let dripping = async {
        far.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
        while far.write_all(b"X: x\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let (proxy, server) = (proxy(), server());
    let error = against(dripping, tunnel(near, &proxy, &server)).await;
    assert!(matches!(error.unwrap_err().fault, ReachFault::Slow));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_shakes_hands_is_given_up() {
    let (near, _far) = wire(4096);
    let started = Instant::now();
    let trust = Authority::new("ours").trust();
    let error = secure(near, &server(), &trust).await.unwrap_err();
    assert!(matches!(error.fault, ReachFault::Slow), "{error:?}");
    assert_eq!(started.elapsed(), Duration::from_secs(10));
}

#[tokio::test]
async fn what_is_no_host_never_comes_to_the_proxy() {
    for host in ["a b", "a\r\nX: y", "a/b", "a@b", "ä.example", ""] {
        let (near, mut far) = wire(4096);
        let peer = route(host, 443, Security::Plain).server();
        let error = tunnel(near, &proxy(), &peer).await.unwrap_err();
        assert!(matches!(error.fault, ReachFault::NotAHost), "{host:?}");
        let mut sent = Vec::new();
        far.read_to_end(&mut sent).await.unwrap();
        assert_eq!(sent, b"", "{host:?}");
    }
}

#[tokio::test]
async fn an_ipv6_server_is_asked_for_in_brackets() {
    let (near, mut far) = wire(4096);
    drop(tokio::join!(
        async {
            let peer = route("2001:db8::1", 443, Security::Plain).server();
            tunnel(near, &proxy(), &peer).await
        },
        async {
            let mut asked = [0; 64];
            far.read_exact(&mut asked).await.unwrap();
            let begin = b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n";
            assert!(asked.starts_with(&begin[..60]));
            drop(far);
        }
    ));
}

#[tokio::test]
async fn a_peer_that_stops_reading_leaves_little_in_the_stream() {
    let authority = Authority::new("ours");
    let leaf = authority.leaf("server.example");
    let (near, far) = wire(1024);
    let (trust, server) = (authority.trust(), server());
    let (stream, _held) = tokio::join!(
        secure(near, &server, &trust),
        acceptor(&leaf, rustls::DEFAULT_VERSIONS).accept(far)
    );
    let mut stream = stream.unwrap();
    let mut taken = 0;
    while let Some(written) = futures_util::FutureExt::now_or_never(stream.write(&[0; 4096])) {
        taken += written.unwrap();
    }
    assert!((1..=18 * 1024).contains(&taken), "{taken}");
}

#[test]
fn a_connection_may_be_made_by_a_task_and_used_by_another() {
    fn holds(_: &(impl Send + Sync + Unpin)) {}
    fn is_send(_: &impl Send) {}
    holds(&wire(1).0);
    is_send(&route("server.example", 443, Security::Plain).connect());
}
