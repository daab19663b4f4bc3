//! Tokens that stand for one body: where a signature does not cover the body, nobody puts another
//! under it.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use ring::digest::{SHA256, digest};

use crate::webhooks::{Refusal, Request};

/// The tokens of late, and the hash of what came with each. Only what was signed comes here: nobody
/// else fills it.
#[derive(Default)]
pub(super) struct Tokens(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    bodies: HashMap<String, [u8; 32]>,
    /// The oldest first.
    order: VecDeque<String>,
}

impl Tokens {
    /// Takes a token with a body: the first that comes with it, or the same again.
    pub(super) fn take(&self, token: String, request: &Request) -> Result<(), Refusal> {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &request.body).as_ref());
        // It is whole after every statement, but for a token that is forgotten later than others.
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.bodies.get(&token) {
            Some(first) if *first == hash => return Ok(()),
            Some(_) => return Err(Refusal::Wrong),
            None => {}
        }
        if seen.order.len() >= MOST
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.bodies.remove(&oldest);
        }
        seen.order.push_back(token.clone());
        seen.bodies.insert(token, hash);
        Ok(())
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(<redacted>)")
    }
}

/// Some 4 MiB: the deliveries of nine hours, which is how long a token is good for, at one in two
/// seconds.
const MOST: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::super::tests::post;
    use super::*;

    #[test]
    fn a_token_is_good_for_one_body_and_the_oldest_is_forgotten() {
        let tokens = Tokens::default();
        let (one, other) = (post(b"one"), post(b"other"));
        assert_eq!(tokens.take("t".into(), &one), Ok(()));
        assert_eq!(tokens.take("t".into(), &one), Ok(()), "sent again");
        assert_eq!(tokens.take("t".into(), &other), Err(Refusal::Wrong));
        for number in 1..MOST {
            assert_eq!(tokens.take(number.to_string(), &one), Ok(()));
        }
        assert_eq!(tokens.take("t".into(), &other), Err(Refusal::Wrong));
        assert_eq!(tokens.take("one more".into(), &one), Ok(()));
        assert_eq!(tokens.take("t".into(), &other), Ok(()));
        assert_eq!(tokens.0.lock().unwrap().bodies.len(), MOST);
    }
}
