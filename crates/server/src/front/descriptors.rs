//! How many connections there may be: as many as the process may have descriptors for.

/// Lets the process have as many descriptors as the front can use, if the system allows it, and
/// returns how many connections those are enough for.
///
/// An app that is started later has the same limit, so this comes before its first start: else only
/// its later runs would have it.
#[cfg(unix)]
pub(crate) fn most_connections() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limits = getrlimit(Resource::Nofile);
    let wanted = (MOST * EACH + RESERVE) as u64;
    let allowed = limits.maximum.map_or(wanted, |most| most.min(wanted));
    let now = limits.current.unwrap_or(wanted);
    let raised = Rlimit {
        current: Some(allowed),
        maximum: limits.maximum,
    };
    // Refused, it stays as it is.
    let had = match now < allowed && setrlimit(Resource::Nofile, raised).is_ok() {
        true => allowed,
        false => now,
    };
    enough_for(usize::try_from(had).unwrap_or(usize::MAX))
}

/// Where there is no such limit.
#[cfg(not(unix))]
pub(crate) const fn most_connections() -> usize {
    MOST
}

fn enough_for(descriptors: usize) -> usize {
    let left = descriptors.saturating_sub(RESERVE) / EACH;
    left.clamp(FEWEST, MOST)
}

/// Each takes some 20 KiB here; an app that has more at once runs in several instances.
const MOST: usize = 16 * 1024;

/// With fewer the reserve is not kept whole.
const FEWEST: usize = 64;

/// The client's side and the app's.
const EACH: usize = 2;

/// Sessions, files, the database, and what the program has open anyway.
const RESERVE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_takes_two_descriptors_and_some_are_kept_in_reserve() {
        assert_eq!(enough_for(1024), 384);
        assert_eq!(enough_for(256), FEWEST);
        assert_eq!(enough_for(1 << 20), MOST);
    }
}
