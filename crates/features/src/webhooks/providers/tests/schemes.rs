//! Every scheme with a shared secret, through the same trials.

use super::{NOW, Play, post};
use crate::webhooks::{Header, HmacAlgorithm, HmacConfig, Refusal, SignatureEncoding};

fn plays() -> Vec<Play> {
    let mut described = Play::new("billing", "a secret of billing's");
    described.hmac = Some(HmacConfig {
        header: "x-billing-signature".into(),
        prefix: "sha512=".into(),
        algorithm: HmacAlgorithm::Sha512,
        encoding: SignatureEncoding::Base64,
        signed: "{method} {url} {timestamp}.{body}".into(),
        timestamp_header: Some("x-billing-time".into()),
        id_header: None,
        event_header: None,
    });
    vec![
        Play::new("stripe", "whsec_0123456789"),
        Play::new("github", "It's a Secret to Everybody"),
        described,
    ]
}

#[test]
fn what_is_signed_is_taken_and_without_a_signature_it_is_not() {
    for play in plays() {
        assert_eq!(play.check(&play.signed(), NOW), Ok(()), "{}", play.provider);
        let unsigned = play.check(&post(play.body), NOW);
        assert_eq!(unsigned, Err(Refusal::Missing), "{}", play.provider);
    }
}

#[test]
fn another_secret_is_wrong() {
    for play in plays() {
        let mut other = play.clone();
        other.secret.push('x');
        let refused = other.check(&play.signed(), NOW);
        assert_eq!(refused, Err(Refusal::Wrong), "{}", play.provider);
    }
}

#[test]
fn a_header_that_comes_twice_is_refused() {
    for play in plays() {
        let signed = play.signed();
        let before = post(play.body).headers.len();
        for index in before..signed.headers.len() {
            let mut twice = signed.clone();
            let Header { name, value } = twice.headers[index].clone();
            twice.headers.push(Header::new(&*name, value.into_vec()));
            let refused = play.check(&twice, NOW);
            assert_eq!(
                refused,
                Err(Refusal::Malformed),
                "{}: {name}",
                play.provider
            );
        }
    }
}
