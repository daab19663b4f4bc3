//! Signatures in both directions: what the SDKs sign we take, what we sign they take.

use std::time::{Duration, UNIX_EPOCH};

use features::webhooks::providers::{Signing, check, is_fresh, sign};
use features::webhooks::{Header, Refusal, Request};

use super::judge::{
    ALL, Clock, Judges, PADDLE, SENDGRID, SLACK, STANDARD, STRIPE, SVIX, Sdk, TWILIO,
};
use super::{Keys, address, body, keys, unsigned};

#[test]
fn what_an_sdk_signs_is_taken_and_with_one_flipped_byte_it_is_not() {
    let mut judges = Judges::start();
    for sdk in ALL {
        let (keys, others) = (keys(&mut judges, sdk, 1), keys(&mut judges, sdk, 2));
        let request = signed(&mut judges, sdk, &keys, NOW);
        let check =
            |request: &Request, secrets: &[&str]| check(&at(sdk, NOW), request, secrets, None);
        let taken = check(&request, &[&keys.verifies]);
        assert_eq!(taken, Ok(()), "{sdk:?}");
        let rotated = check(&request, &[&others.verifies, &keys.verifies]);
        assert_eq!(rotated, Ok(()), "{sdk:?} while its secret is rotated");
        let wrong = check(&request, &[&others.verifies]);
        assert_eq!(wrong, Err(Refusal::Wrong), "{sdk:?} with another secret");
        for forged in forgeries(&request, signature_of(&request)) {
            let refused = check(&forged, &[&keys.verifies]);
            assert!(refused.is_err(), "{sdk:?} takes {forged:?}");
        }
    }
}

#[test]
fn what_we_sign_anew_an_sdk_takes_and_with_one_flipped_byte_it_does_not() {
    let mut judges = Judges::start();
    for sdk in ALL.into_iter().filter(|&sdk| sdk != SENDGRID) {
        let (keys, own) = (keys(&mut judges, sdk, 1), keys(&mut judges, sdk, 2));
        // It is an old one, with production's signature on it.
        let mut request = signed(&mut judges, sdk, &keys, NOW - 86_400);
        let signatures = signature_of(&request);
        let here = Signing {
            url: Some(LOCAL),
            ..at(sdk, NOW)
        };
        sign(&here, &mut request, &own.signs).expect("it can be signed");
        assert_eq!(
            signature_of(&request),
            signatures,
            "{sdk:?}: each header once"
        );
        let url = format!("{LOCAL}{}", request.target);
        let mut verify = |request: &Request, secret: &str| {
            judges.verify(sdk, request, secret, &url, Clock::At(NOW))
        };
        assert_eq!(verify(&request, &own.verifies), Ok(()), "{sdk:?}");
        verify(&request, &keys.verifies).expect_err("production's secret is not in it");
        for forged in forgeries(&request, signatures).into_iter().step_by(7) {
            verify(&forged, &own.verifies).expect_err("it is forged");
        }
    }
}

#[test]
fn a_signature_is_as_old_as_the_sdk_lets_it_be() {
    let mut judges = Judges::start();
    for (sdk, tolerance) in [(STRIPE, 300), (STANDARD, 300), (SLACK, 300), (SVIX, 300)] {
        let keys = keys(&mut judges, sdk, 1);
        let request = signed(&mut judges, sdk, &keys, NOW);
        let url = address(&request);
        for (now, taken) in [
            (NOW + tolerance + 1, Err(Refusal::Stale(tolerance + 1))),
            (NOW + tolerance, Ok(())),
            (NOW - tolerance, Ok(())),
            (NOW - tolerance - 1, Err(Refusal::Future(tolerance + 1))),
        ] {
            let ours = check(&at(sdk, now), &request, &[&keys.verifies], None);
            assert_eq!(ours, taken, "{sdk:?} at {now}");
            let theirs = judges.verify(sdk, &request, &keys.verifies, &url, Clock::At(now));
            // Stripe's takes what is from the future.
            let agree = theirs.is_ok() == ours.is_ok() || sdk == STRIPE && now < NOW;
            assert!(agree, "{sdk:?} at {now}: {theirs:?}");
        }
    }
}

#[test]
fn what_is_called_fresh_the_sdk_takes_when_it_comes_to_the_app() {
    let mut judges = Judges::start();
    for sdk in ALL {
        let keys = keys(&mut judges, sdk, 1);
        let request = signed(&mut judges, sdk, &keys, NOW);
        let url = address(&request);
        assert!(is_fresh(&at(sdk, NOW), &request), "{sdk:?}");
        for age in [1, 3, 4, 5, 6, 60, 240, 280, 299, 300, 301, 100_000] {
            let fresh = is_fresh(&at(sdk, NOW + age), &request);
            let taken = judges.verify(sdk, &request, &keys.verifies, &url, Clock::At(NOW + age));
            assert!(!fresh || taken.is_ok(), "{sdk:?} after {age} s: {taken:?}");
        }
    }
}

#[test]
fn the_right_one_of_several_signatures_in_a_header_is_found() {
    let mut judges = Judges::start();
    for sdk in [STRIPE, STANDARD, SVIX, PADDLE] {
        let (old, new) = (keys(&mut judges, sdk, 1), keys(&mut judges, sdk, 2));
        let mut request = signed(&mut judges, sdk, &old, NOW);
        let mut other = signed(&mut judges, sdk, &new, NOW);
        let (header, separator, keeps) = match sdk.provider {
            "stripe" => ("stripe-signature", ",", "v1="),
            "paddle" => ("paddle-signature", ";", "h1="),
            "svix" => ("svix-signature", " ", "v1,"),
            _ => ("webhook-signature", " ", "v1,"),
        };
        let other = text(&mut other, header);
        let second = &other[other.find(keeps).expect("a signature")..];
        let both = format!("{}{separator}{second}", text(&mut request, header));
        *value(&mut request, header) = both.into_bytes();
        for keys in [&old, &new] {
            let taken = check(&at(sdk, NOW), &request, &[&keys.verifies], None);
            assert_eq!(taken, Ok(()), "{sdk:?}");
        }
    }
}

#[test]
fn twilio_signs_json_by_its_hash_in_the_address() {
    let mut judges = Judges::start();
    let keys = keys(&mut judges, TWILIO, 1);
    let body = br#"{"a":"b"}"#;
    // SHA-256 of that body, as Twilio writes it there.
    let hash = "bodySHA256=bcbf8e1b5b7bbc1ef8d8cf3f7d1a3a8eafbf3ab2a3d7bcb2ab42f6bcd6c1ad41";
    let target = format!("/api/webhooks/twilio?{hash}");
    let mut request = unsigned(TWILIO, &target, body);
    let url = address(&request);
    judges.sign(
        TWILIO,
        &mut request,
        &keys.signs,
        (&url, "1"),
        Clock::Machine,
    );
    let wrong = check(&at(TWILIO, NOW), &request, &[&keys.verifies], None);
    assert!(wrong.is_err(), "that is the hash of another body");
    // Signed anew, the hash is the body's.
    let here = Signing {
        url: Some(LOCAL),
        ..at(TWILIO, NOW)
    };
    sign(&here, &mut request, &keys.signs).expect("it can be signed");
    let url = format!("{LOCAL}{}", request.target);
    let taken = judges.verify(TWILIO, &request, &keys.verifies, &url, Clock::Machine);
    assert_eq!(taken, Ok(()), "{}", request.target);
    let ours = check(&here, &request, &[&keys.verifies], None);
    assert_eq!(ours, Ok(()));
    request.body = br#"{"a":"c"}"#.to_vec().into();
    let forged = judges.verify(TWILIO, &request, &keys.verifies, &url, Clock::Machine);
    forged.expect_err("another body");
    check(&here, &request, &[&keys.verifies], None).expect_err("another body");
}

/// Returns a request that an SDK has signed at a time, for [`address`].
fn signed(judges: &mut Judges, sdk: Sdk, keys: &Keys, at: u64) -> Request {
    let path = format!("/api/webhooks/{}?a=%2Fb", sdk.provider);
    let mut request = unsigned(sdk, &path, body(sdk));
    let url = address(&request);
    judges.sign(
        sdk,
        &mut request,
        &keys.signs,
        (&url, "msg_1"),
        Clock::At(at),
    );
    request
}

/// Returns what we go by at a time.
fn at(sdk: Sdk, second: u64) -> Signing<'static> {
    Signing {
        provider: sdk.provider,
        hmac: None,
        url: None,
        now: UNIX_EPOCH + Duration::from_secs(second),
    }
}

/// Returns the names of the headers that were added to sign a request.
fn signature_of(request: &Request) -> Vec<String> {
    let plain = ["host", "content-type", "user-agent"];
    let names = request.headers.iter().map(|header| header.name.clone());
    names
        .filter(|name| !plain.contains(&name.as_str()))
        .collect()
}

/// Returns a request with one flipped bit in each byte of its body and its signature, one after the
/// other.
fn forgeries(request: &Request, signature: Vec<String>) -> Vec<Request> {
    let bodies = (0..request.body.len()).map(|at| {
        let mut body = request.body.to_vec();
        body[at] ^= 1;
        Request {
            body: body.into(),
            ..request.clone()
        }
    });
    let headers = signature.into_iter().flat_map(|name| {
        let length = value(&mut request.clone(), &name).len();
        (0..length).map(move |at| {
            let mut forged = request.clone();
            value(&mut forged, &name)[at] ^= 1;
            forged
        })
    });
    bodies.chain(headers).collect()
}

fn value<'r>(request: &'r mut Request, name: &str) -> &'r mut Vec<u8> {
    let mut named = request
        .headers
        .iter_mut()
        .filter(|header| header.name == name);
    let Header { value, .. } = named.next().expect("the header");
    value
}

fn text(request: &mut Request, name: &str) -> String {
    String::from_utf8(value(request, name).clone()).expect("text")
}

/// Some time in 2026.
const NOW: u64 = 1_795_000_000;

/// Where the local app is.
const LOCAL: &str = "http://localhost:3000";
