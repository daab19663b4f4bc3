//! Finds addresses in networks.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::bytes::starts;
use super::{Claims, Context, What, begins_word, ends_word, word_before};
use crate::Persona;
use crate::persona::{is_hardware, is_our_hardware, is_ours_v4, is_ours_v6};

/// Claims every address of version 4 that is not a version.
pub(super) fn find_dotted(text: &str, context: Context, claims: &mut Claims) {
    let bytes = text.as_bytes();
    for start in starts(bytes) {
        // Only from the front: 2.3.4.5 is not in 1.2.3.4.5.
        if start > 0 && bytes[start - 1] == b'.' {
            continue;
        }
        // Four times three digits, three dots, and one character more which may not belong to it.
        let rest = &bytes[start..bytes.len().min(start + 17)];
        let length = rest
            .iter()
            .take_while(|b| b.is_ascii_digit() || **b == b'.')
            .count();
        let written = text[start..start + length].trim_end_matches('.');
        let Ok(address) = written.parse::<Ipv4Addr>() else {
            continue;
        };
        let end = start + written.len();
        if ends_word(bytes, end) && !is_version(text, start, end, address, context) {
            let what = if is_nobodys_v4(address) {
                What::Nobody
            } else {
                PERSONAL
            };
            claims.claim(what, start..end);
        }
    }
}

/// Claims every address of version 6, and every hardware address.
pub(super) fn find_colons(text: &str, claims: &mut Claims) {
    let bytes = text.as_bytes();
    let part = |byte: &&u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let mut from = 0;
    for colon in memchr::memchr_iter(b':', bytes) {
        if colon < from {
            continue;
        }
        let start = colon - bytes[from..colon].iter().rev().take_while(part).count();
        let end = colon + bytes[colon..].iter().take_while(part).count();
        from = end;
        let mut written = text[start..end].trim_end_matches('.');
        // `address:2001:db8::1` and `2001:db8::1:` have one colon too many.
        if written.starts_with(':') && !written.starts_with("::") {
            written = &written[1..];
        }
        if written.ends_with(':') && !written.ends_with("::") {
            written = &written[..written.len() - 1];
        }
        let start = start + text[start..end].find(written).unwrap_or_default();
        let end = start + written.len();
        if begins_word(bytes, start)
            && ends_word(bytes, end)
            && let Some(what) = judge_colons(written)
        {
            claims.claim(what, start..end);
        }
    }
}

fn judge_colons(written: &str) -> Option<What> {
    if is_hardware(written) {
        return Some(if is_our_hardware(written) {
            What::Nobody
        } else {
            PERSONAL
        });
    }
    let address = written.parse::<Ipv6Addr>().ok()?;
    // `a::b` is a name in a program. Addresses have more colons, or begin as fe80 and 2a00 do.
    let first = written.split(':').next().unwrap_or_default();
    let begins_so = first.len() >= 3 && first.contains(|c: char| c.is_ascii_digit());
    if written.matches(':').count() < 4 && !begins_so && !written.starts_with("::ffff:") {
        return None;
    }
    let nobody = is_ours_v6(address)
        || address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast();
    Some(if nobody { What::Nobody } else { PERSONAL })
}

/// Says whether four numbers with dots are a version, by what stands around them.
fn is_version(text: &str, start: usize, end: usize, address: Ipv4Addr, context: Context) -> bool {
    let (before, after) = (&text[..start], &text[end..]);
    let letter = |c: char| c.is_ascii_alphabetic();
    // `1.2.3.4-beta`
    if context == Context::Version
        || after
            .strip_prefix('-')
            .is_some_and(|a| a.starts_with(letter))
    {
        return true;
    }
    // `tool-1.2.3.4.jar`; no version has numbers as large as most addresses have.
    if before
        .strip_suffix('-')
        .is_some_and(|b| b.ends_with(letter))
    {
        return address.octets().iter().all(|&octet| octet < 100);
    }
    let word = &text[word_before(text, start)];
    // `Chrome/120.0.0.0`; a path's words begin small.
    if before.ends_with('/') && before[..before.len() - 1].ends_with(letter) {
        return word.starts_with(|c: char| c.is_ascii_uppercase());
    }
    VERSION_WORDS
        .iter()
        .any(|version| word.eq_ignore_ascii_case(version))
}

/// Says whether an address is no host's that anybody uses: kept for documentation, this machine
/// itself, many at once, or a network's own.
fn is_nobodys_v4(address: Ipv4Addr) -> bool {
    is_ours_v4(address)
        || address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || matches!(address.octets(), [_, 0, 0, 0])
}

const PERSONAL: What = What::Personal(Persona::Ip);

/// The words that versions are called by.
const VERSION_WORDS: &[&str] = &[
    "version", "ver", "v", "release", "build", "firmware", "rev", "revision", "sdk",
];
