use std::time::UNIX_EPOCH;

use features::webhooks::Refusal;
use features::webhooks::providers::check;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn some(count: usize, start: SystemTime) -> Vec<Request> {
    let mut webhooks = Webhooks::starting(start);
    (0..count).map(|_| webhooks.next(start)).collect()
}

#[test]
fn they_are_of_every_provider_and_those_that_sign_are_right() {
    let now = at(1_795_000_000);
    let requests = some(200, now);
    for provider in ["stripe", "github", "shopify", "slack", "paypal"] {
        let target = format!("/api/webhooks/{provider}");
        let theirs: Vec<_> = requests.iter().filter(|it| it.target == target).collect();
        assert!(theirs.len() > 3, "{provider}: {}", theirs.len());
        let variable = format!("{}_WEBHOOK_SECRET", provider.to_uppercase());
        let secret = Webhooks::secret(&variable);
        let signing = Signing {
            provider,
            hmac: None,
            url: None,
            now,
        };
        for request in theirs {
            let given: Vec<_> = secret.iter().map(String::as_str).collect();
            let verdict = check(&signing, request, &given, None);
            if provider == "paypal" {
                assert_ne!(verdict, Ok(()));
            } else {
                assert_eq!(verdict, Ok::<(), Refusal>(()), "{provider}");
            }
        }
    }
}

#[test]
fn some_come_again_and_those_of_two_starts_are_others() {
    let requests = some(200, at(1_795_000_000));
    let again = requests.windows(2).filter(|two| two[0] == two[1]).count();
    assert!((3..30).contains(&again), "{again}");
    let others = some(200, at(1_795_000_001));
    assert!(requests.iter().all(|request| !others.contains(request)));
    assert_eq!(requests, some(200, at(1_795_000_000)));
}

#[test]
fn only_those_who_sign_have_a_secret() {
    assert!(Webhooks::secret("STRIPE_WEBHOOK_SECRET").is_some());
    for other in ["PAYPAL_WEBHOOK_SECRET", "STRIPE_SECRET", "_WEBHOOK_SECRET"] {
        assert_eq!(Webhooks::secret(other), None, "{other}");
    }
}

#[tokio::test]
async fn a_request_goes_out_as_http_and_its_answer_is_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let front = listener.local_addr().unwrap();
    let request = &some(1, at(1_795_000_000))[0];
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let expected = request.body.len();
        let mut seen = Vec::new();
        while !seen.windows(4).any(|it| it == b"\r\n\r\n") || seen.len() < expected {
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece).await.unwrap();
            seen.extend_from_slice(&piece[..read]);
            if seen.ends_with(&request.body) {
                break;
            }
        }
        stream
            .write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        String::from_utf8(seen).unwrap()
    };
    let (status, seen) = tokio::join!(send::send(front, request), serve);
    assert_eq!(status.unwrap(), 202);
    assert!(seen.starts_with("POST /api/webhooks/"), "{seen}");
    assert!(seen.contains("host: demo.example.com\r\n"), "{seen}");
    assert!(seen.contains("x-forwarded-for: 203.0.113.7\r\n"), "{seen}");
}
