//! An hour of bad network: every line comes once, or is counted as missing.

use tokio::time::Instant;

use super::super::wire::{Cause, Missed};
use super::*;

/// Luck from a seed: an xorshift generator.
pub(super) struct Luck(u64);

impl Luck {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    async fn pause(&mut self, longest: u64) {
        tokio::time::sleep(Duration::from_millis(self.below(longest))).await;
    }
}

/// What a reader has seen.
#[derive(Debug, Default)]
struct Seen {
    next: u64,
    missing: u64,
    losses: u64,
}

impl Seen {
    fn take(&mut self, item: LogItem) {
        match item {
            LogItem::Entry(entry) => {
                assert_eq!(entry.sequence, self.next, "after {self:?}");
                self.next += 1;
            }
            LogItem::Missed(Missed { entries, cause, .. }) => {
                assert_eq!(cause, Cause::Overrun);
                let entries = entries.expect("one start of the server");
                self.next += entries;
                self.missing += entries;
            }
            LogItem::Reconnected { .. } => self.losses += 1,
            opened @ LogItem::Opened(_) => panic!("{opened:?}"),
        }
    }
}

/// Appends for an hour while the network is cut and mended at random; returns how many lines.
async fn storm(play: &Play, mut luck: Luck) -> u64 {
    let network = &play.pair.network;
    let end = Instant::now() + Duration::from_secs(3600);
    let mut lines = 0;
    while Instant::now() < end {
        let count = luck.below(20);
        play.append(lines..lines + count);
        lines += count;
        match luck.below(60) {
            0 => network.cut(),
            1..10 => network.mend(),
            _ => {}
        }
        luck.pause(3_000).await;
    }
    network.mend();
    // The last line, by which a reader knows that it has seen all.
    play.append(lines..=lines);
    lines + 1
}

#[tokio::test(start_paused = true)]
async fn every_line_comes_once_or_is_counted() {
    for seed in [1, 2, 3] {
        let play = Play::begin(ring_of(150)).await;
        let mut stream = play.follow().await;
        let (mut seen, mut pace) = (Seen::default(), Luck(seed + 100));
        let mut storm = std::pin::pin!(storm(&play, Luck(seed)));
        let mut lines = None;
        while lines.is_none_or(|lines| seen.next < lines) {
            tokio::select! {
                total = &mut storm, if lines.is_none() => lines = Some(total),
                item = next(&mut stream) => {
                    seen.take(item);
                    // Now and then the reader looks away for a while.
                    if pace.below(1000) == 0 {
                        let away = Duration::from_millis(pace.below(60_000));
                        let away = tokio::time::sleep(away);
                        tokio::pin!(away);
                        tokio::select! {
                            () = &mut away => {}
                            total = &mut storm, if lines.is_none() => lines = Some(total),
                        }
                    }
                }
            }
        }
        assert_eq!(Some(seen.next), lines);
        // It was a storm, and not nothing but a storm.
        let quiet = seen.losses < 5 || seen.missing == 0;
        assert!(
            !quiet && seen.missing < seen.next / 2,
            "seed {seed}: {seen:?}"
        );
    }
}
