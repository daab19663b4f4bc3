//! Whatever comes, nothing panics, and nothing is taken that was not signed.

use std::collections::BTreeSet;

use super::super::place::pairs;
use super::super::{Signing, built_in, check, describe, is_fresh, sign};
use super::{NOW, Play, at};
use crate::webhooks::{Header, Request};

/// Splitmix: the same numbers for the same seed.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).unwrap()
    }

    /// Cuts, doubles, swaps or overwrites some bytes.
    fn mangle(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        match self.below(5) {
            0 => bytes.truncate(at),
            1 => bytes.extend_from_within(at..),
            2 => bytes.insert(at, b" ,;=.v{}\"\0\xff"[self.below(11)]),
            3 if !bytes.is_empty() => bytes[at] = u8::try_from(self.below(256)).unwrap(),
            _ => bytes.rotate_left(at),
        }
    }

    fn mangled(&mut self, signed: &Request) -> Request {
        let mut request = signed.clone();
        for _ in 0..=self.below(3) {
            let index = self.below(request.headers.len() + 1);
            match request.headers.get_mut(index) {
                Some(header) => self.mangle(&mut header.value),
                None => {
                    let mut body = request.body.to_vec();
                    self.mangle(&mut body);
                    request.body = body.into();
                }
            }
        }
        request
    }
}

#[test]
fn what_is_mangled_is_not_taken() {
    for (seed, play) in Play::all().into_iter().enumerate() {
        let mut draw = Draw(seed as u64);
        let signed = play.signed();
        let content_type = signed.headers[0].clone();
        for _ in 0..600 {
            let mut request = draw.mangled(&signed);
            if request == signed || is_the_same(&play, &request, &signed) {
                continue;
            }
            let checked = play.check(&request, NOW);
            assert!(
                checked.is_err(),
                "{}: {request:?} {:?}",
                play.provider,
                request.body
            );
            request.headers[0] = content_type.clone();
            // Signed anew, it is right again, whatever it was.
            if play.sign(&mut request, NOW).is_ok() {
                assert_eq!(play.check(&request, NOW), Ok(()), "{}", play.provider);
            }
        }
    }
}

/// Whether only something was changed that the signature says nothing of.
fn is_the_same(play: &Play, request: &Request, signed: &Request) -> bool {
    let same_headers = play.added(signed).into_iter().all(|index| {
        // A list may be longer than it was: with a signature of another secret's, or another kind.
        let fields = |request: &Request| -> BTreeSet<Vec<u8>> {
            let value = &request.headers[index].value;
            let each = value.split(|byte| b",; ".contains(byte));
            each.map(<[u8]>::to_vec).collect()
        };
        fields(request).is_superset(&fields(signed))
    });
    let same_body = match play.provider {
        // A token covers nothing, and Mailgun's signature itself alone.
        "gitlab" => true,
        "mailgun" => {
            return play.check(request, NOW).is_ok() && signature(request) == signature(signed);
        }
        // Twilio signs the fields of a form in the order of their names, each once, and does not say
        // where one ends and the next begins.
        "twilio" if signed.body.starts_with(b"To=") => {
            let fields = |request: &Request| {
                let fields: BTreeSet<_> = pairs(&request.body).collect();
                let each = fields.into_iter().flat_map(|(name, value)| [name, value]);
                each.collect::<Vec<_>>().concat()
            };
            fields(request) == fields(signed)
        }
        _ => request.body == signed.body,
    };
    same_body && same_headers
}

fn signature(request: &Request) -> Option<serde_json::Value> {
    let body: serde_json::Value = serde_json::from_slice(&request.body).ok()?;
    body.get("signature").cloned()
}

#[test]
fn nothing_that_is_drawn_is_taken_or_panics() {
    let names: Vec<_> = built_in().chain(["nobody-knows"]).collect();
    let mut draw = Draw(1);
    let all = Play::all();
    for _ in 0..2000 {
        let play = &all[draw.below(all.len())];
        let mut request = draw.mangled(&play.signed());
        for header in &mut request.headers {
            if draw.below(4) == 0 {
                *header = Header::new(&*header.name, drawn(&mut draw, 80));
            }
        }
        request.body = drawn(&mut draw, 200).into();
        let provider = names[draw.below(names.len())];
        let signing = Signing {
            provider,
            hmac: None,
            url: None,
            now: at(draw.next() % (2 * NOW)),
        };
        let secret = String::from_utf8_lossy(&drawn(&mut draw, 60)).into_owned();
        assert!(
            check(&signing, &request, &[&secret], None).is_err(),
            "{provider}"
        );
        let event = describe(provider, &request, None).event;
        assert!(event.is_none_or(|event| event.len() <= 200));
        let _fresh = is_fresh(&signing, &request);
        sign(&signing, &mut request, &secret).ok();
    }
}

fn drawn(draw: &mut Draw, most: usize) -> Vec<u8> {
    let length = draw.below(most);
    (0..length)
        .map(|_| u8::try_from(draw.below(256)).unwrap())
        .collect()
}
