//! Finds what must not stand in a log, whatever writes it.

use std::ops::Range;

use memchr::{memchr, memchr3, memmem};

use super::{Claims, What, account, email, token, url};
use crate::Persona;

/// What must not stand in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leak {
    /// What lets somebody in: keys and tokens by their makers' marks, JSON web tokens, private
    /// keys, what stands behind `Bearer`, passwords in URLs, secrets in their queries.
    Token,
    /// A payment card's number.
    Card,
    /// An e-mail address.
    Email,
}

impl Leak {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Token, Self::Card, Self::Email];

    fn of(what: What) -> Option<Self> {
        match what {
            What::Secret => Some(Self::Token),
            What::Personal(Persona::Card) => Some(Self::Card),
            What::Personal(Persona::Email) => Some(Self::Email),
            What::Personal(_) | What::Nobody => None,
        }
    }
}

/// Returns where a text has what is wanted, in order. Most texts cost a few quick looks.
#[must_use]
pub fn find_leaks(text: &str, wanted: &[Leak]) -> Vec<(Leak, Range<usize>)> {
    let mut claims = Claims::default();
    if wanted.contains(&Leak::Token) {
        find_tokens(text, &mut claims);
    }
    if wanted.contains(&Leak::Email) && has_at(text.as_bytes()) {
        email::find(text, &mut claims);
        claims.settle();
    }
    if wanted.contains(&Leak::Card) {
        account::find_cards(text, &mut claims);
        claims.settle();
    }
    let leak = |what, range| Some((Leak::of(what)?, range));
    let found = claims.into_findings().into_iter();
    found
        .filter_map(|finding| leak(finding.what, finding.range))
        .collect()
}

fn find_tokens(text: &str, claims: &mut Claims) {
    let bytes = text.as_bytes();
    if memmem::find(bytes, b"://").is_some() {
        url::find_credentials(text, claims);
        claims.settle();
    }
    if memchr(b'=', bytes).is_some() && memchr3(b'?', b'&', b'#', bytes).is_some() {
        url::find_parameters(text, claims);
        claims.settle();
    }
    token::find(text, claims);
    claims.settle();
}

fn has_at(bytes: &[u8]) -> bool {
    memchr(b'@', bytes).is_some()
        || (memchr(b'%', bytes).is_some() && memmem::find(bytes, b"%40").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, wanted: &[Leak]) -> Vec<(Leak, String)> {
        let found = find_leaks(text, wanted).into_iter();
        found
            .map(|(leak, range)| (leak, text[range].to_owned()))
            .collect()
    }

    #[test]
    fn each_kind_is_found_where_it_is_wanted() {
        let text = "postgres://ann:pa55@db ghp_16C7e42F292c6912E7710c838347Ae178B4a \
                    5555 5555 5555 4444 to ann@woolf.uk";
        let all = [
            (Leak::Token, "ann:pa55".to_owned()),
            (
                Leak::Token,
                "ghp_16C7e42F292c6912E7710c838347Ae178B4a".into(),
            ),
            (Leak::Card, "5555 5555 5555 4444".into()),
            (Leak::Email, "ann@woolf.uk".into()),
        ];
        assert_eq!(found(text, &Leak::ALL), all);
        assert_eq!(found(text, &[Leak::Token]), all[..2]);
        assert_eq!(found(text, &[Leak::Card]), all[2..3]);
        assert_eq!(found("to ann@woolf.uk", &[Leak::Email]), all[3..]);
    }

    #[test]
    fn phones_accounts_and_addresses_of_networks_are_let_stand() {
        let text = "call +49 30 123456789 from 203.0.113.9, DE89370400440532013000";
        assert_eq!(found(text, &Leak::ALL), []);
    }
}
