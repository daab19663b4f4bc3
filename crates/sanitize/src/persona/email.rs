//! E-mail addresses: `maria.keller.k3j5xq2w7rb4a@example.com`, in a domain which RFC 2606 keeps for
//! examples, so that no message to one ever arrives.

use std::borrow::Cow;

use super::draw::Token;
use super::{Pseudonyms, Room, words};
use crate::Persona;

/// Appends the pseudonym of an address. It has 65 bits of the MAC whether the column is unique or
/// not: addresses are what tables are joined by.
pub(super) fn write(pseudonyms: &Pseudonyms, value: &str, room: Room, out: &mut String) {
    let value = value.trim();
    if is_ours(value) {
        out.push_str(value);
        return;
    }
    let mut draw = pseudonyms.draw(Persona::Email, &normalised(value));
    let (first, last) = (draw.pick(words::FIRST), draw.pick(words::LAST));
    let token = draw.token();
    let token = token.as_str();
    let full = first.len() + last.len() + 2 + Token::CHARS + DOMAIN.len();
    let chars = room.chars();
    if full <= chars {
        out.extend(first.chars().map(|c| c.to_ascii_lowercase()));
        out.push('.');
        out.extend(last.chars().map(|c| c.to_ascii_lowercase()));
        out.push('.');
        out.push_str(token);
        out.push_str(DOMAIN);
        return;
    }
    let token = &token[..token_chars(chars)];
    if chars >= SHORT {
        out.push_str(PREFIX);
        out.push_str(token);
        out.push_str(DOMAIN);
    } else {
        out.push_str(token);
    }
}

/// Returns how many characters of the token an address of at most `chars` characters has.
pub(super) fn token_chars(chars: usize) -> usize {
    let around = if chars >= SHORT {
        PREFIX.len() + DOMAIN.len()
    } else {
        0
    };
    (chars - around).min(Token::CHARS)
}

/// Says whether an address is a pseudonym: its domain belongs to nobody, and nobody writes an
/// example with such an end.
pub(crate) fn is_ours(value: &str) -> bool {
    let Some(local) = value.strip_suffix(DOMAIN) else {
        return false;
    };
    let is_token = |text: &str| text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
    if let Some(token) = local.strip_prefix(PREFIX) {
        return (SHORTEST..=Token::CHARS).contains(&token.len()) && is_token(token);
    }
    let mut parts = local.splitn(3, '.');
    let mut word = || {
        let part = parts.next().unwrap_or_default();
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase())
    };
    word()
        && word()
        && parts
            .next()
            .is_some_and(|t| t.len() == Token::CHARS && is_token(t))
}

/// Writes an address as an index on `lower(email)` sees it, so that what is equal there stays so.
fn normalised(value: &str) -> Cow<'_, str> {
    if value
        .bytes()
        .all(|b| b.is_ascii() && !b.is_ascii_uppercase())
    {
        Cow::Borrowed(value)
    } else {
        Cow::Owned(value.to_lowercase())
    }
}

const DOMAIN: &str = "@example.com";

/// What a short form begins with, so that it can be told from `alice@example.com`.
const PREFIX: &str = "u_";

/// The fewest characters of a token that are worth an address around them.
const SHORTEST: usize = 5;

/// The room that the shortest address needs.
const SHORT: usize = PREFIX.len() + SHORTEST + DOMAIN.len();
