//! What a stranger may cost: how many handshakes run at once, and what a failed one costs its
//! address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Counts the handshakes under way and the failures of late, by address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Admission(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    total: usize,
    /// How many wait for their penalty to be over.
    waiting: usize,
    addresses: HashMap<IpAddr, Record>,
}

#[derive(Debug)]
struct Record {
    under_way: usize,
    failures: u32,
    last: Instant,
}

/// The right to one handshake; given back when dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    address: IpAddr,
    admission: Admission,
}

impl Admission {
    /// Lets a handshake begin, or says that there are too many.
    pub(crate) fn admit(&self, address: IpAddr) -> Option<Ticket> {
        let address = network_of(address);
        let mut state = self.lock();
        if state.total >= MOST_UNDER_WAY {
            return None;
        }
        state.forget_old();
        let record = state.addresses.entry(address).or_insert_with(Record::new);
        if record.under_way >= MOST_BY_ADDRESS {
            return None;
        }
        record.under_way += 1;
        state.total += 1;
        drop(state);
        Some(Ticket {
            address,
            admission: self.clone(),
        })
    }

    /// Whether so many handshakes are under way, in all or from this address, that the address
    /// should prove first that it is not forged.
    pub(crate) fn is_busy(&self, address: IpAddr) -> bool {
        let state = self.lock();
        let here = state.addresses.get(&network_of(address));
        state.total >= BUSY || here.is_some_and(|record| record.under_way >= BUSY_BY_ADDRESS)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Counters only: they are whole after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Keeps the table bounded: what is idle and old goes, and if that is not enough, what is
    /// idle.
    fn forget_old(&mut self) {
        if self.addresses.len() < MOST_ADDRESSES {
            return;
        }
        let now = Instant::now();
        self.addresses.retain(|_, record| {
            record.under_way > 0 || now.duration_since(record.last) < FORGIVEN_AFTER
        });
        if self.addresses.len() >= MOST_ADDRESSES {
            self.addresses.retain(|_, record| record.under_way > 0);
        }
    }
}

impl Record {
    fn new() -> Self {
        Self {
            under_way: 0,
            failures: 0,
            last: Instant::now(),
        }
    }
}

impl Ticket {
    /// Counts a failure of this address and waits as long as its failures cost, unless so many wait
    /// already that their places would be missed by others.
    pub(crate) async fn penalty(&self) {
        let delay = {
            let mut state = self.admission.lock();
            let Some(record) = state.addresses.get_mut(&self.address) else {
                return;
            };
            if record.last.elapsed() >= FORGIVEN_AFTER {
                record.failures = 0;
            }
            record.last = Instant::now();
            record.failures = record.failures.saturating_add(1);
            // The first failures are typing errors and cost next to nothing.
            FIRST_PENALTY
                .saturating_mul(1 << (record.failures - 1).min(16))
                .min(LONGEST_PENALTY)
        };
        if let Some(_waiting) = Waiting::begin(&self.admission) {
            tokio::time::sleep(delay).await;
        }
    }
}

/// One who waits.
struct Waiting<'a>(&'a Admission);

impl<'a> Waiting<'a> {
    fn begin(admission: &'a Admission) -> Option<Self> {
        let mut state = admission.lock();
        if state.waiting >= MOST_WAITING {
            return None;
        }
        state.waiting += 1;
        drop(state);
        Some(Self(admission))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.admission.lock();
        state.total -= 1;
        if let Some(record) = state.addresses.get_mut(&self.address) {
            record.under_way -= 1;
            if record.under_way == 0 && record.failures == 0 {
                state.addresses.remove(&self.address);
            }
        }
    }
}

/// Returns the address that stands for all of one household, which has a whole IPv6 /64.
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// A handshake holds about 100 KiB: so many take 25 MiB at the most.
const MOST_UNDER_WAY: usize = 256;

/// A team behind one address that comes back together after a deploy.
const MOST_BY_ADDRESS: usize = 32;

/// A quarter of all places. Beyond it a guess is answered at once, which helps nobody who guesses a
/// key of 128 bits, while a client that has one still gets in.
const MOST_WAITING: usize = MOST_UNDER_WAY / 4;

/// From here on an address shows by a Retry that it is not forged (RFC 9000, section 8.1.2).
const BUSY: usize = 64;

/// More than one laptop starts at a time. Below [`MOST_BY_ADDRESS`], so that forged packets cannot
/// take the places of whoever has the address.
const BUSY_BY_ADDRESS: usize = 4;

/// At some 100 bytes each: under 1 MiB.
const MOST_ADDRESSES: usize = 4096;

const FIRST_PENALTY: Duration = Duration::from_millis(50);

/// Below the time that a handshake may take, so that the refusal still arrives.
const LONGEST_PENALTY: Duration = Duration::from_secs(5);

const FORGIVEN_AFTER: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn one_address_cannot_take_every_place() {
        let admission = Admission::default();
        let tickets: Vec<_> = std::iter::from_fn(|| admission.admit(v4(1))).collect();
        assert_eq!(tickets.len(), MOST_BY_ADDRESS);
        assert!(admission.admit(v4(2)).is_some());
        drop(tickets);
        assert!(admission.admit(v4(1)).is_some());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let admission = Admission::default();
        let host = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, n]);
        let tickets: Vec<_> = (0..).map_while(|n| admission.admit(host(n))).collect();
        assert_eq!(tickets.len(), MOST_BY_ADDRESS);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_cost_their_address_ever_longer_and_no_other() {
        let admission = Admission::default();
        let ticket = admission.admit(v4(1)).unwrap();
        let mut waits = Vec::new();
        for _ in 0..9 {
            let start = Instant::now();
            ticket.penalty().await;
            waits.push(start.elapsed());
        }
        assert!(waits.is_sorted() && waits[0] < Duration::from_millis(60));
        assert_eq!(waits[8], LONGEST_PENALTY);

        let start = Instant::now();
        admission.admit(v4(2)).unwrap().penalty().await;
        assert!(start.elapsed() < Duration::from_millis(60));
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_leave_room_for_others() {
        let admission = Admission::default();
        let host = |n: usize| IpAddr::V4(u32::try_from(n).unwrap().into());
        let tickets: Vec<_> = (0..=MOST_WAITING)
            .map(|n| admission.admit(host(n)).unwrap())
            .collect();
        let (last, first) = tickets.split_last().unwrap();
        let mut waiting: Vec<_> = first.iter().map(|it| Box::pin(it.penalty())).collect();
        for wait in &mut waiting {
            assert!(futures_util::poll!(wait).is_pending());
        }
        assert!(futures_util::poll!(std::pin::pin!(last.penalty())).is_ready());
        drop(waiting);
        assert!(futures_util::poll!(std::pin::pin!(last.penalty())).is_pending());
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_of_addresses_stays_bounded() {
        let admission = Admission::default();
        for n in 0..MOST_ADDRESSES * 2 {
            let address = IpAddr::V4(u32::try_from(n).unwrap().into());
            // Not awaited to its end: a failure that was cut still counts.
            let ticket = admission.admit(address).unwrap();
            let _ = futures_util::poll!(std::pin::pin!(ticket.penalty()));
        }
        assert!(admission.lock().addresses.len() <= MOST_ADDRESSES);
        assert_eq!(admission.lock().total, 0);
    }
}
