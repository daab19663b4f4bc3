//! Plays with a stand-in for PayPal that has an authority of its own.

mod stand_in;

use std::sync::Arc;

use self::stand_in::{Authority, StandIn, ok, signed};
use super::{Chain, PayPal};
use crate::webhooks::providers::scheme::{Material, Scheme as _};
use crate::webhooks::{Header, Refusal, Request};

const LIVE: &str = "messageverificationcerts.paypal.com";
const WEBHOOK: &str = "1JE4291016473214C";
const BODY: &[u8] = br#"{"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED"}"#;
const NOW: u64 = 1_795_000_000;
/// A year that is far from now.
const FAR: i32 = 2100;

/// A server with a certificate that is good.
async fn good() -> StandIn {
    StandIn::start(|authority| ok(&authority.signer(LIVE, FAR))).await
}

/// What is said of a request, with what the stand-in serves.
async fn judged(stand_in: &StandIn, url: &str, request: &Request) -> Result<(), Refusal> {
    let chain = stand_in.certificates().get(url, NOW).await?;
    checked(&chain, WEBHOOK, request)
}

fn checked(chain: &Arc<Chain>, webhook: &str, request: &Request) -> Result<(), Refusal> {
    let with = Material {
        secrets: &["AN0THER", webhook],
        url: None,
        chain: Some(chain),
    };
    PayPal.check(request, &with)
}

#[tokio::test]
async fn what_paypal_signs_is_taken_and_its_certificate_is_fetched_once() {
    for name in [LIVE, "messageverificationcerts.sandbox.paypal.com"] {
        let paypal = StandIn::start(|authority| ok(&authority.signer(name, FAR))).await;
        let (url, certificates) = (paypal.url(), paypal.certificates());
        for _ in 0..3 {
            let request = signed(&url, WEBHOOK, BODY, NOW);
            assert_eq!(PayPal.certificate(&request), Ok(Some(&*url)));
            assert_eq!(PayPal.signed_at(&request), Ok(Some(NOW)));
            let chain = certificates.get(&url, NOW).await.expect("a chain");
            assert_eq!(checked(&chain, WEBHOOK, &request), Ok(()));
        }
        assert_eq!(paypal.asked(), 1);
    }
}

#[tokio::test]
async fn one_flipped_bit_or_another_webhook_is_wrong() {
    let paypal = good().await;
    let request = signed(&paypal.url(), WEBHOOK, BODY, NOW);
    let chain = paypal.certificates().get(&paypal.url(), NOW).await;
    let chain = chain.expect("a chain");
    assert_eq!(
        checked(&chain, "0THERWEBHOOK", &request),
        Err(Refusal::Wrong)
    );
    for byte in 0..BODY.len() {
        let mut body = BODY.to_vec();
        body[byte] ^= 1;
        let mut flipped = request.clone();
        flipped.body = body.into();
        assert_eq!(checked(&chain, WEBHOOK, &flipped), Err(Refusal::Wrong));
    }
    for name in ["id", "time", "sig", "algo"] {
        let is = |it: &Header| it.name.ends_with(name);
        let index = request.headers.iter().position(is).expect("a header");
        for byte in 0..request.headers[index].value.len() {
            let mut flipped = request.clone();
            flipped.headers[index].value[byte] ^= 1;
            assert!(checked(&chain, WEBHOOK, &flipped).is_err(), "{name} {byte}");
        }
        let mut twice = request.clone();
        twice.headers.push(request.headers[index].clone());
        assert_eq!(checked(&chain, WEBHOOK, &twice), Err(Refusal::Malformed));
    }
}

#[tokio::test]
async fn nothing_is_fetched_from_elsewhere() {
    let paypal = good().await;
    let host = &paypal.host;
    let certificates = paypal.certificates();
    for url in [
        format!("http://{host}/v1/notifications/certs/CERT-1"),
        format!("HTTPS://{host}/v1/notifications/certs/CERT-1"),
        format!("https://user@{host}/v1/notifications/certs/CERT-1"),
        format!("https://{host}.example.com/v1/notifications/certs/CERT-1"),
        format!("https://{host}@example.com/v1/notifications/certs/CERT-1"),
        format!("https://x.{host}/v1/notifications/certs/CERT-1"),
        format!("https://{host}/v1/notifications/certs/"),
        format!("https://{host}/v1/notifications/certs/../../x"),
        format!("https://{host}/v1/notifications/certs/CERT-1?x=y"),
        format!("https://{host}/v1/notifications/certs/CERT-1#x"),
        format!("https://{host}/v1/notifications/certs/%2e%2e"),
        format!("https://{host}/v1/other/CERT-1"),
        format!("https://{host}/v1/notifications/certs/{}", "C".repeat(400)),
        "https://localhost/v1/notifications/certs/CERT-1".to_owned(),
        "https://api.paypal.com:8443/v1/notifications/certs/CERT-1".to_owned(),
        "https://api.paypal.com\\@x/v1/notifications/certs/CERT-1".to_owned(),
        String::new(),
    ] {
        let refused = certificates.get(&url, NOW).await.err();
        assert_eq!(refused, Some(Refusal::Malformed), "{url}");
    }
    assert_eq!(paypal.asked(), 0);
}

#[tokio::test]
async fn a_certificate_of_another_name_or_time_or_authority_is_no_paypals() {
    for (name, until) in [
        ("www.paypal.com", FAR),
        ("messageverificationcerts.paypal.com.example.com", FAR),
        ("paypal.com", FAR),
        (LIVE, 2025),
    ] {
        let other = StandIn::start(|authority| ok(&authority.signer(name, until))).await;
        let request = signed(&other.url(), WEBHOOK, BODY, NOW);
        let refused = judged(&other, &other.url(), &request).await;
        assert_eq!(refused, Err(Refusal::Wrong), "{name} {until}");
    }
    let another = StandIn::start(|_| ok(&Authority::new().signer(LIVE, FAR))).await;
    let request = signed(&another.url(), WEBHOOK, BODY, NOW);
    let refused = judged(&another, &another.url(), &request).await;
    assert_eq!(refused, Err(Refusal::Wrong));
}

#[tokio::test]
async fn a_certificate_that_is_kept_is_not_good_for_ever() {
    let paypal = StandIn::start(|authority| ok(&authority.signer(LIVE, 2030))).await;
    let (url, certificates) = (paypal.url(), paypal.certificates());
    assert!(certificates.get(&url, NOW).await.is_ok());
    let in_2033 = certificates.get(&url, 2_000_000_000).await.err();
    assert_eq!(in_2033, Some(Refusal::Wrong));
    assert_eq!(paypal.asked(), 1);
}

#[tokio::test]
async fn what_is_no_certificate_cannot_be_had() {
    let found = "HTTP/1.1 302 Found\r\nlocation: https://localhost/\r\ncontent-length: 0\r\n\r\n";
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "-".repeat(65 * 1024));
    for (answer, reason) in [
        (found, "the answer is 302 Found"),
        (&ok(&"-".repeat(65 * 1024)), "longer than any certificate"),
        (&endless, "longer than any certificate"),
        (&ok(""), "no certificate"),
        (&ok("{}"), "no certificate"),
        (&ok("it ends here").replace(": 12", ": 13"), "broke off"),
        ("SSH-2.0-OpenSSH\r\n\r\n", "invalid"),
    ] {
        let other = StandIn::start(|_| answer.to_owned()).await;
        let why = other.certificates().why_not(&other.url()).await;
        let why = why.expect("a reason");
        assert!(why.contains(reason), "{why}");
        let refused = other.certificates().get(&other.url(), NOW).await.err();
        assert_eq!(refused, Some(Refusal::Unavailable));
        assert_eq!(other.asked(), 2, "no redirect is followed");
    }
    let many = StandIn::start(|authority| ok(&authority.signer(LIVE, FAR).repeat(5))).await;
    let why = many.certificates().why_not(&many.url()).await;
    assert_eq!(why.as_deref(), Some("the answer is no certificate"));
}

#[tokio::test]
async fn addresses_that_anybody_makes_up_are_asked_for_a_few_times_a_minute() {
    let other = StandIn::start(|_| ok("")).await;
    let certificates = other.certificates();
    let url = |number| {
        format!(
            "https://{}/v1/notifications/certs/CERT-{number}",
            other.host
        )
    };
    for number in 0..20 {
        for _ in 0..3 {
            let refused = certificates.get(&url(number), NOW).await.err();
            assert_eq!(refused, Some(Refusal::Unavailable));
        }
    }
    assert_eq!(other.asked(), 6);
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(61)).await;
    tokio::time::resume();
    assert!(certificates.get(&url(21), NOW).await.is_err());
    assert_eq!(other.asked(), 7, "a minute later");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_waited_for_a_while() {
    let silent = StandIn::start(|_| String::new()).await;
    let (url, certificates) = (silent.url(), silent.certificates());
    let start = tokio::time::Instant::now();
    let hurrying = async {
        silent.asking.notified().await;
        tokio::time::pause();
        std::future::pending().await
    };
    let refused = tokio::select! {
        got = certificates.get(&url, NOW) => got.err(),
        never = hurrying => never,
    };
    assert_eq!(refused, Some(Refusal::Unavailable));
    assert!(start.elapsed().as_secs() < 10);
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_not_asked() {
    let (good, other) = (good().await, good().await);
    // The roots of one, the address of the other.
    let certificates = good.certificates().at(&other.host);
    let refused = certificates.get(&other.url(), NOW).await.err();
    assert_eq!(refused, Some(Refusal::Unavailable));
    assert_eq!(other.asked(), 0);
}
