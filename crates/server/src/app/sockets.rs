//! Where a process and its descendants listen, as `/proc` tells: for a message, so that what cannot
//! be read is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// Returns the addresses on which the process or one of its descendants listens.
pub(super) fn listening(root: u32) -> BTreeSet<SocketAddr> {
    let processes = family(root, &parents());
    let inodes = processes.iter().flat_map(|&pid| sockets(pid)).collect();
    let tables = ["tcp", "tcp6"].map(|table| format!("/proc/{root}/net/{table}"));
    let tables = tables.map(|path| fs::read_to_string(path).unwrap_or_default());
    let found = tables.iter().flat_map(|table| listeners(table, &inodes));
    found.collect()
}

/// Whether the process has a handler of its own for the signal; `None` if that cannot be told.
pub(super) fn handles(pid: u32, signal: i32) -> Option<bool> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    let bit = u32::try_from(signal.checked_sub(1)?).ok()?;
    Some(mask.checked_shr(bit)? & 1 == 1)
}

/// Returns each process with its parent.
fn parents() -> BTreeMap<u32, u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, parent(pid)?))).collect()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything, brackets and spaces too.
    let (_, after) = stat.rsplit_once(')')?;
    after.split_whitespace().nth(1)?.parse().ok()
}

fn family(root: u32, parents: &BTreeMap<u32, u32>) -> BTreeSet<u32> {
    let mut family = BTreeSet::from([root]);
    loop {
        let more: Vec<_> = parents
            .iter()
            .filter(|(pid, parent)| family.contains(parent) && !family.contains(pid))
            .map(|(&pid, _)| pid)
            .collect();
        if more.is_empty() {
            return family;
        }
        family.extend(more);
    }
}

/// Returns the inodes of a process's sockets.
fn sockets(pid: u32) -> Vec<u64> {
    let inode = |link: &Path| {
        let link = link.to_str()?;
        link.strip_prefix("socket:[")?
            .strip_suffix(']')?
            .parse()
            .ok()
    };
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd"));
    let descriptors = descriptors.into_iter().flatten().flatten();
    descriptors
        .filter_map(|entry| inode(&fs::read_link(entry.path()).ok()?))
        .collect()
}

/// Returns the local addresses of those sockets in a table of the kernel's that listen.
fn listeners(table: &str, inodes: &BTreeSet<u64>) -> Vec<SocketAddr> {
    let listener = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let (&local, &state, inode) = (words.get(1)?, words.get(3)?, words.get(9)?);
        let wanted = state == LISTENS && inodes.contains(&inode.parse().ok()?);
        wanted.then(|| address(local)).flatten()
    };
    table.lines().filter_map(listener).collect()
}

/// Reads an address as the kernel writes it: words of 32 bits in the machine's own order.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| {
        let word = u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok()?;
        Some(word.to_ne_bytes())
    };
    match ip.len() {
        8 => Some((Ipv4Addr::from(word(0)?), port).into()),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some((Ipv6Addr::from(bytes), port).into())
        }
        _ => None,
    }
}

/// How the kernel writes the state.
const LISTENS: &str = "0A";

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_listening_sockets_of_a_process_are_found() {
        let bound = ["127.0.0.1:0", "[::1]:0"].map(|address| TcpListener::bind(address).unwrap());
        let found = listening(std::process::id());
        for listener in bound {
            let address = listener.local_addr().unwrap();
            assert!(found.contains(&address), "{address} is not in {found:?}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        let inodes = BTreeSet::from([7]);
        let table = "sl local rem st\n1: 0100007F:0050 0:0 01 a b c d e 7\n2: xyz:1 0 0A a b c d e 7\n\
                     3:\n4: 00000000:1F90 0:0 0A 0:0 0:0 0 0 0 7 1";
        let found = listeners(table, &inodes);
        assert_eq!(found, ["0.0.0.0:8080".parse::<SocketAddr>().unwrap()]);
    }

    #[test]
    fn descendants_are_of_the_family_and_others_are_not() {
        let parents = BTreeMap::from([(2, 1), (3, 2), (4, 3), (5, 1)]);
        assert_eq!(family(2, &parents), BTreeSet::from([2, 3, 4]));
    }

    #[test]
    fn a_process_that_handles_a_signal_is_known() {
        // Rust's own programs ignore this one, and handle none at their start.
        let ours = std::process::id();
        assert_eq!(handles(ours, 1), Some(false));
        assert_eq!(handles(u32::MAX, 1), None);
    }
}
