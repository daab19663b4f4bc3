//! Every scheme with a shared secret, through the same trials.

use std::time::Duration;

use super::super::{OwnSecrets, is_fresh};
use super::{NOW, Play};
use crate::webhooks::providers::{check, sign};
use crate::webhooks::{Header, Refusal};

#[test]
fn what_is_signed_is_taken_and_nothing_else_of_it_is_changed() {
    for play in Play::all() {
        let name = play.provider;
        let mut signed = play.signed();
        assert_eq!(play.check(&signed, NOW), Ok(()), "{name}");
        let again = signed.clone();
        assert_eq!(play.sign(&mut signed, NOW), Ok(()));
        assert_eq!(signed.headers, again.headers, "{name}: no header twice");
        assert_eq!(signed.headers[0], play.request.headers[0], "{name}");
        if play.body_counts {
            assert_eq!(signed.body, play.request.body, "{name}");
        }
    }
}

#[test]
fn what_is_not_signed_is_missing_its_signature() {
    for mut play in Play::all() {
        play.request.body = b"{}".to_vec().into();
        let refused = play.check(&play.request, NOW);
        assert_eq!(refused, Err(Refusal::Missing), "{}", play.provider);
    }
}

#[test]
fn another_secret_is_wrong_and_one_of_several_is_right() {
    for play in Play::all() {
        let (name, signed) = (play.provider, play.signed());
        let another = OwnSecrets::new(&[8; 32]);
        let another = another.of(name, play.hmac.as_ref()).unwrap();
        let check = |secrets: &[&str]| check(&play.signing(NOW), &signed, secrets, None);
        assert_eq!(check(&[&another]), Err(Refusal::Wrong), "{name}");
        assert_eq!(check(&[]), Err(Refusal::Wrong), "{name}");
        assert_eq!(check(&[&another, &play.secret]), Ok(()), "{name}");
        assert_eq!(check(&[&play.secret, &another]), Ok(()), "{name}");
    }
}

#[test]
fn a_header_that_comes_twice_is_refused() {
    for play in Play::all() {
        let signed = play.signed();
        for index in play.added(&signed) {
            let mut twice = signed.clone();
            twice.headers.push(signed.headers[index].clone());
            let refused = play.check(&twice, NOW);
            let name = (play.provider, &signed.headers[index].name);
            assert_eq!(refused, Err(Refusal::Malformed), "{name:?}");
        }
    }
}

#[test]
fn one_flipped_bit_anywhere_is_refused() {
    for play in Play::all() {
        let signed = play.signed();
        for bit in [1, 4, 128] {
            for index in play.added(&signed) {
                for byte in 0..signed.headers[index].value.len() {
                    let mut flipped = signed.clone();
                    flipped.headers[index].value[byte] ^= bit;
                    let name = (play.provider, byte, &flipped.headers[index].name);
                    assert!(play.check(&flipped, NOW).is_err(), "{name:?}");
                }
            }
            let bytes = if play.body_counts {
                signed.body.len()
            } else {
                0
            };
            for byte in 0..bytes {
                let mut body = signed.body.to_vec();
                body[byte] ^= bit;
                let mut flipped = signed.clone();
                flipped.body = body.into();
                assert!(
                    play.check(&flipped, NOW).is_err(),
                    "{}: {byte}",
                    play.provider
                );
            }
        }
    }
}

#[test]
fn an_address_that_is_signed_is_no_other() {
    for play in Play::all().into_iter().filter(|it| it.address_counts) {
        let signed = play.signed();
        for byte in 0..signed.target.len() {
            let mut flipped = signed.clone();
            let mut target = flipped.target.into_bytes();
            target[byte] ^= 1;
            flipped.target = String::from_utf8(target).unwrap();
            assert!(
                play.check(&flipped, NOW).is_err(),
                "{}: {byte}",
                play.provider
            );
        }
        let mut elsewhere = signed.clone();
        elsewhere.origin.host = "app.example.org".into();
        assert_eq!(play.check(&elsewhere, NOW), Err(Refusal::Wrong));
        let mut plain = signed;
        plain.origin.scheme = "http".into();
        assert_eq!(play.check(&plain, NOW), Err(Refusal::Wrong));
    }
}

#[test]
fn the_address_of_the_configuration_stands_for_the_one_that_came() {
    for play in Play::all().into_iter().filter(|it| it.address_counts) {
        let signed = play.signed();
        let mut behind = signed.clone();
        behind.origin.scheme = "http".into();
        behind.origin.host = "10.0.0.7:10000".into();
        let (path, query) = signed.target.split_once('?').unwrap();
        for url in [
            "https://app.example.com".to_owned(),
            "https://app.example.com/".to_owned(),
            format!("https://app.example.com{path}"),
            format!("https://app.example.com{path}?{query}"),
        ] {
            let mut signing = play.signing(NOW);
            signing.url = Some(&url);
            let checked = check(&signing, &behind, &[&play.secret], None);
            assert_eq!(checked, Ok(()), "{}: {url}", play.provider);
        }
    }
}

#[test]
fn a_signature_that_is_cut_off_is_refused() {
    for play in Play::all() {
        let signed = play.signed();
        for index in play.added(&signed) {
            let Header { name, value } = &signed.headers[index];
            for length in 0..value.len() {
                let mut cut = signed.clone();
                cut.headers[index] = Header::new(name, value[..length].to_vec());
                let label = (play.provider, name, length);
                assert!(play.check(&cut, NOW).is_err(), "{label:?}");
            }
            let mut long = signed.clone();
            long.headers[index].value.extend([b'a'; 5000]);
            assert!(play.check(&long, NOW).is_err(), "{}", play.provider);
        }
    }
}

#[test]
fn what_is_too_old_or_from_the_future_is_refused_and_says_by_how_much() {
    let timed = [
        "stripe", "slack", "standard", "svix", "paddle", "zoom", "billing",
    ];
    for play in Play::all() {
        let (name, signed) = (play.provider, play.signed());
        let check_at = |now| play.check(&signed, now);
        if !timed.contains(&name) {
            assert_eq!(check_at(NOW + 30_000), Ok(()), "{name}");
            continue;
        }
        assert_eq!(check_at(NOW + 300), Ok(()), "{name}");
        assert_eq!(check_at(NOW + 301), Err(Refusal::Stale(301)), "{name}");
        assert_eq!(check_at(NOW - 300), Ok(()), "{name}");
        assert_eq!(check_at(NOW - 301), Err(Refusal::Future(301)), "{name}");
        let wider = Some(Duration::from_secs(1000));
        let late = play.signing(NOW + 1000);
        assert_eq!(check(&late, &signed, &[&play.secret], wider), Ok(()));
    }
}

#[test]
fn what_is_no_longer_fresh_is_fresh_when_it_is_signed_anew() {
    let limits = [
        ("paddle", 4),
        ("stripe", 240),
        ("slack", 240),
        ("billing", 240),
    ];
    for play in Play::all() {
        let mut request = play.signed();
        let fresh_at = |request: &_, now| is_fresh(&play.signing(now), request);
        let limit = limits.iter().find(|(name, _)| *name == play.provider);
        if let Some((_, limit)) = limit {
            assert!(fresh_at(&request, NOW + limit), "{}", play.provider);
            assert!(!fresh_at(&request, NOW + limit + 1), "{}", play.provider);
        }
        let unsigned = fresh_at(&play.request, NOW + limit.map_or(0, |(_, limit)| limit + 1));
        assert!(unsigned, "{}: there is nothing to renew", play.provider);
        let later = NOW + 1_000_000;
        let anew = sign(&play.signing(later), &mut request, &play.secret);
        assert_eq!(anew, Ok(()), "{}", play.provider);
        assert!(fresh_at(&request, later), "{}", play.provider);
        assert_eq!(play.check(&request, later), Ok(()), "{}", play.provider);
    }
}

#[test]
fn two_signatures_stand_in_one_header_while_a_secret_is_rotated() {
    for (provider, header, between) in [
        ("stripe", "stripe-signature", ",v1="),
        ("paddle", "paddle-signature", ";h1="),
        ("standard", "webhook-signature", " v1,"),
    ] {
        let play = Play::new(provider);
        let signed = play.signed();
        let place = |it: &Header| it.name == header;
        let index = signed.headers.iter().position(place).unwrap();
        let value = String::from_utf8(signed.headers[index].value.to_vec()).unwrap();
        let (head, good) = match value.split_once(between) {
            Some((head, good)) => (format!("{head}{between}"), good),
            None => ("v1,".to_owned(), value.strip_prefix("v1,").unwrap()),
        };
        let bad = if good.starts_with('0') { "1" } else { "0" };
        let bad = &*format!("{bad}{}", &good[1..]);
        let with = |signatures: &[&str]| {
            let mut request = signed.clone();
            let joined = format!("{head}{}", signatures.join(between));
            request.headers[index] = Header::new(header, joined);
            play.check(&request, NOW)
        };
        assert_eq!(with(&[good, bad]), Ok(()), "{provider}");
        assert_eq!(with(&[bad, good]), Ok(()), "{provider}");
        assert!(with(&[bad, bad]).is_err(), "{provider}");
        assert_eq!(with(&[good; 16]), Ok(()), "{provider}");
        assert_eq!(with(&[good; 17]), Err(Refusal::Malformed), "{provider}");
    }
}
