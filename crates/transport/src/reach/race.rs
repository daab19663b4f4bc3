//! Which of a peer's addresses is taken: each has a short head start over the next (RFC 8305).

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::sleep;

/// Tries `addresses` in their order and returns what the first that answers gives, or every
/// address's error. One that fails makes way for the next at once. Cancel-safe: all attempts end
/// when it is dropped.
pub(crate) async fn race<T, E, F>(
    addresses: Vec<SocketAddr>,
    attempt: impl Fn(SocketAddr) -> F,
) -> Result<T, Vec<E>>
where
    F: Future<Output = Result<T, E>>,
{
    let mut waiting = addresses.into_iter();
    let mut running = FuturesUnordered::new();
    let mut failures = Vec::new();
    loop {
        running.extend(waiting.next().map(&attempt));
        tokio::select! {
            ended = running.next() => match ended {
                Some(Ok(answer)) => return Ok(answer),
                Some(Err(error)) => failures.push(error),
                None => return Err(failures),
            },
            () = sleep(HEAD_START), if waiting.len() > 0 => {}
        }
    }
}

/// Returns the addresses that are tried: of both families by turns, the one that the system put
/// first before the other, so that a family which leads nowhere cannot use up all tries.
pub(crate) fn by_turns(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let addresses: Vec<_> = addresses.into_iter().collect();
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    std::iter::from_fn(|| {
        let pair = [first.next(), second.next()];
        pair.iter().any(Option::is_some).then_some(pair)
    })
    .flatten()
    .flatten()
    .take(MOST_ADDRESSES)
    .collect()
}

/// RFC 8305, section 5, recommends 250 ms between attempts.
const HEAD_START: Duration = Duration::from_millis(250);

/// A name with more addresses has answered by then, or will not.
const MOST_ADDRESSES: usize = 6;

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::time::Instant;

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns_and_the_last_of_many_addresses_is_of_both() {
        let many = addresses(&[
            "[::1]:1",
            "[::2]:1",
            "[::3]:1",
            "[::4]:1",
            "[::5]:1",
            "[::6]:1",
            "1.1.1.1:1",
        ]);
        let tried = by_turns(many);
        assert_eq!(
            tried,
            addresses(&[
                "[::1]:1",
                "1.1.1.1:1",
                "[::2]:1",
                "[::3]:1",
                "[::4]:1",
                "[::5]:1"
            ])
        );
        let alone = addresses(&["1.1.1.1:1", "2.2.2.2:1"]);
        assert_eq!(by_turns(alone.clone()), alone);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_costs_a_head_start_and_a_refusal_costs_nothing() {
        let started = Instant::now();
        let tries = RefCell::new(Vec::new());
        let attempt = |address: SocketAddr| {
            tries.borrow_mut().push((address.port(), started.elapsed()));
            async move {
                match address.port() {
                    1 => std::future::pending().await,
                    2 => Err("refused"),
                    port => Ok(port),
                }
            }
        };
        let all = addresses(&["[::1]:1", "[::1]:2", "[::1]:3", "[::1]:4"]);
        assert_eq!(race(all, attempt).await, Ok(3));
        let begun = tries.into_inner();
        assert_eq!(
            begun,
            [(1, Duration::ZERO), (2, HEAD_START), (3, HEAD_START)]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn every_failure_is_told() {
        let all = addresses(&["[::1]:1", "[::1]:2"]);
        let outcome = race(all, async |address| Err::<(), _>(address.port())).await;
        assert_eq!(outcome, Err(vec![1, 2]));
        let nowhere = race(Vec::new(), async |_| Ok::<(), ()>(())).await;
        assert_eq!(nowhere, Err(vec![]));
    }
}
