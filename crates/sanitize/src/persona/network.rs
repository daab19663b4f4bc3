//! Addresses in networks, from the ranges that are kept for documentation (RFC 5737, RFC 3849).
//!
//! Of the 768 addresses of version 4 which are kept for that, no unique column can be made. There
//! an address of version 4 becomes one of version 6, whose range has 96 bits; where text has no
//! room for that, one of the 28 bits of 240.0.0.0/4, which nobody may use.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Draw, Pseudonyms, Room};
use crate::Persona;

/// Appends the pseudonym of an address, of a network with its prefix, or of a hardware address.
pub(crate) fn write(pseudonyms: &Pseudonyms, value: &str, room: Room, out: &mut String) {
    let value = value.trim();
    let (address, prefix) = match value.split_once('/') {
        Some((address, prefix)) => (address, prefix.parse::<u8>().ok()),
        None => (value, None),
    };
    let drawn = |text: &str| pseudonyms.draw(Persona::Ip, text);
    if is_hardware(value) {
        if is_our_hardware(value) {
            out.push_str(value);
        } else {
            write_hardware(drawn(&value.to_lowercase()), value, out);
        }
        return;
    }
    let pseudonym = match address.parse() {
        Ok(IpAddr::V4(address)) if is_ours_v4(address) => IpAddr::V4(address),
        Ok(IpAddr::V6(address)) if is_ours_v6(address) => IpAddr::V6(address),
        Ok(IpAddr::V6(_)) => IpAddr::V6(version_6(&drawn(address))),
        _ if room.unique() && room.chars() >= LONGEST_V6 => IpAddr::V6(version_6(&drawn(address))),
        _ => IpAddr::V4(version_4(drawn(address), room)),
    };
    match prefix {
        Some(prefix) => out.push_str(&format!("{}/{prefix}", masked(pseudonym, prefix))),
        None => out.push_str(&pseudonym.to_string()),
    }
}

/// Says whether an address of version 4 is nobody's: kept for documentation, or for ever.
pub(crate) fn is_ours_v4(address: Ipv4Addr) -> bool {
    matches!(
        address.octets(),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [240..=255, ..]
    )
}

/// Says whether an address of version 6 is kept for documentation.
pub(crate) fn is_ours_v6(address: Ipv6Addr) -> bool {
    matches!(address.segments(), [0x2001, 0xdb8, ..])
}

/// Says whether a hardware address is a pseudonym.
pub(crate) fn is_our_hardware(value: &str) -> bool {
    value.starts_with("02:00") || value.starts_with("02-00")
}

fn version_4(mut draw: Draw, room: Room) -> Ipv4Addr {
    if room.unique() {
        return Ipv4Addr::from(0xf000_0000 | draw.wide() as u32 & 0x0fff_ffff);
    }
    let [a, b, c] = [[192, 0, 2], [198, 51, 100], [203, 0, 113]][draw.below(3)];
    Ipv4Addr::new(a, b, c, draw.below(256) as u8)
}

fn version_6(draw: &Draw) -> Ipv6Addr {
    Ipv6Addr::from(0x2001_0db8_u128 << 96 | draw.wide() >> 32)
}

/// Clears what is right of the prefix, which PostgreSQL's cidr insists on.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX
                .checked_shl(32_u32.saturating_sub(prefix.into()))
                .unwrap_or(0);
            Ipv4Addr::from(u32::from(address) & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX
                .checked_shl(128_u32.saturating_sub(prefix.into()))
                .unwrap_or(0);
            Ipv6Addr::from(u128::from(address) & mask).into()
        }
    }
}

/// Says whether a value is six or eight pairs of hexadecimal digits.
pub(crate) fn is_hardware(value: &str) -> bool {
    let bytes = value.as_bytes();
    matches!(bytes.len(), 17 | 23)
        && bytes.chunks(3).all(|pair| match pair {
            [a, b, between @ ..] => {
                a.is_ascii_hexdigit()
                    && b.is_ascii_hexdigit()
                    && matches!(between, [] | [b':' | b'-'])
            }
            _ => false,
        })
}

/// Appends a locally administered address, which no maker's device has.
fn write_hardware(mut draw: Draw, shape: &str, out: &mut String) {
    out.push_str("02");
    for (at, between) in shape.bytes().skip(2).step_by(3).enumerate() {
        let pair = if at == 0 { 0 } else { draw.below(256) };
        out.push_str(&format!("{}{pair:02x}", char::from(between)));
    }
}

/// Eight groups of four, and seven colons.
const LONGEST_V6: usize = 39;
