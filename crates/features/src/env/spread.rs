//! Work on points of a curve, spread over the machine's processors and off the tasks' threads.

use std::num::NonZero;
use std::thread::available_parallelism;

use tokio::task::spawn_blocking;

/// Does the same to each item, in order of the items. `None` if the work has panicked.
pub(super) async fn spread<T, R>(items: Vec<T>, work: fn(T) -> R) -> Option<Vec<R>>
where
    T: Send + 'static,
    R: Send + 'static,
{
    let threads = available_parallelism()
        .map_or(1, NonZero::get)
        .min(MOST_THREADS);
    let share = items.len().div_ceil(threads).max(1);
    let count = items.len();
    let mut items = items.into_iter();
    let mut parts = Vec::with_capacity(threads);
    while items.len() > 0 {
        let part: Vec<T> = items.by_ref().take(share).collect();
        parts.push(spawn_blocking(move || {
            part.into_iter().map(work).collect::<Vec<R>>()
        }));
    }
    let mut done = Vec::with_capacity(count);
    for part in parts {
        done.extend(part.await.ok()?);
    }
    Some(done)
}

/// A run of a thousand variables takes a quarter of a second of one; others have work too.
const MOST_THREADS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_order_is_that_of_the_items_however_many_there_are() {
        for count in [0_u32, 1, 2, 3, 7, 1000] {
            let done = spread((0..count).collect(), |n| n * 2).await.unwrap();
            assert_eq!(done, (0..count).map(|n| n * 2).collect::<Vec<_>>());
        }
    }
}
