//! Shares: how many places of those that there are one address may take.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::network_of;

/// Counts who is there, by address. It is as bounded as the places whose holders it counts.
#[derive(Clone, Debug)]
pub struct Shares {
    most: usize,
    // Never held across an await.
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One of an address's; given back when dropped.
#[derive(Debug)]
pub struct Share {
    network: IpAddr,
    shares: Shares,
}

impl Shares {
    /// Lets each address take so many.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            most,
            taken: Arc::default(),
        }
    }

    /// Takes one for an address; `None` if it has all that it may have.
    #[must_use]
    pub fn take(&self, address: IpAddr) -> Option<Share> {
        let network = network_of(address);
        let mut taken = self.lock();
        let here = taken.get(&network).copied().unwrap_or_default();
        if here >= self.most {
            return None;
        }
        taken.insert(network, here + 1);
        drop(taken);
        Some(Share {
            network,
            shares: self.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Counters only: they are whole after every statement.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.shares.lock();
        if let Some(here) = taken.get_mut(&self.network) {
            *here -= 1;
            if *here == 0 {
                taken.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_no_more_until_one_is_given_back() {
        let shares = Shares::new(2);
        let host = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        let taken: Vec<_> = (1..=2).map(|last| shares.take(host(last))).collect();
        assert!(taken.iter().all(Option::is_some));
        assert!(shares.take(host(3)).is_none(), "of the same household");
        assert!(shares.take(IpAddr::from([192, 0, 2, 1])).is_some());
        drop(taken);
        assert!(shares.take(host(3)).is_some());
        assert!(shares.lock().is_empty(), "who has left is forgotten");
    }
}
