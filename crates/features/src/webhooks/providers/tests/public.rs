//! Providers that sign with a private key: SendGrid, and Standard Webhooks' `v1a`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

use super::super::{CannotSign, Signing, check, sign};
use super::{BODY, NOW, at, post};
use crate::webhooks::{Header, Refusal, Request};

fn signing(provider: &str) -> Signing<'_> {
    Signing {
        provider,
        hmac: None,
        url: None,
        now: at(NOW),
    }
}

fn checked(provider: &str, secrets: &[&str], request: &Request) -> Result<(), Refusal> {
    check(&signing(provider), request, secrets, None)
}

/// Whether flipping any bit of a header or of the body is noticed.
fn assert_nothing_can_be_flipped(provider: &str, secret: &str, signed: &Request) {
    for index in 1..signed.headers.len() {
        for byte in 0..signed.headers[index].value.len() {
            let mut flipped = signed.clone();
            flipped.headers[index].value[byte] ^= 1;
            assert!(checked(provider, &[secret], &flipped).is_err(), "{byte}");
        }
    }
    for byte in 0..signed.body.len() {
        let mut body = signed.body.to_vec();
        body[byte] ^= 1;
        let mut flipped = signed.clone();
        flipped.body = body.into();
        assert!(checked(provider, &[secret], &flipped).is_err(), "{byte}");
    }
}

/// A public key as SendGrid shows it, and a request that is signed with the key of it.
fn sendgrid() -> (String, Request) {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap();
    let head = STANDARD
        .decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=")
        .unwrap();
    let public = STANDARD.encode([&head, key.public_key().as_ref()].concat());
    let message = [NOW.to_string().as_bytes(), BODY].concat();
    let signature = STANDARD.encode(key.sign(&random, &message).unwrap());
    let mut request = post(BODY);
    let name = |name: &str| format!("x-twilio-email-event-webhook-{name}");
    request
        .headers
        .push(Header::new(name("signature"), signature));
    request
        .headers
        .push(Header::new(name("timestamp"), NOW.to_string()));
    (public, request)
}

#[test]
fn sendgrids_signatures_are_checked_and_cannot_be_made() {
    let (key, request) = sendgrid();
    let (another, _) = sendgrid();
    assert_eq!(checked("sendgrid", &[&another, &key], &request), Ok(()));
    assert_eq!(
        checked("sendgrid", &[&another], &request),
        Err(Refusal::Wrong)
    );
    assert_eq!(
        checked("sendgrid", &[&key], &post(BODY)),
        Err(Refusal::Missing)
    );
    assert_nothing_can_be_flipped("sendgrid", &key, &request);
    let anew = sign(&signing("sendgrid"), &mut request.clone(), &key);
    assert_eq!(anew, Err(CannotSign::PublicKey));
}

#[test]
fn standard_webhooks_are_checked_with_a_public_key_too() {
    let key = Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap();
    let public = format!("whpk_{}", STANDARD.encode(key.public_key()));
    let message = [format!("msg_1.{NOW}.").as_bytes(), BODY].concat();
    let signature = STANDARD.encode(key.sign(&message));
    let with = |signature: String| {
        let mut request = post(BODY);
        request.headers.push(Header::new("webhook-id", "msg_1"));
        request
            .headers
            .push(Header::new("webhook-timestamp", NOW.to_string()));
        request
            .headers
            .push(Header::new("webhook-signature", signature));
        request
    };
    let alone = with(format!("v1a,{signature}"));
    let shared = format!("whsec_{}", STANDARD.encode([4; 24]));
    assert_eq!(checked("standard", &[&public], &alone), Ok(()));
    assert_eq!(checked("standard", &[&shared, &public], &alone), Ok(()));
    assert_eq!(checked("standard", &[&shared], &alone), Err(Refusal::Wrong));
    assert_nothing_can_be_flipped("standard", &public, &alone);
    // A signature of one kind is none of the other.
    let crossed = with(format!("v1,{signature}"));
    assert_eq!(
        checked("standard", &[&public], &crossed),
        Err(Refusal::Wrong)
    );
    let both = with(format!("v1,AAAA v1a,{signature} v2,what?"));
    assert_eq!(checked("standard", &[&public], &both), Ok(()));
    let anew = sign(&signing("standard"), &mut both.clone(), &public);
    assert_eq!(anew, Err(CannotSign::PublicKey));
}
