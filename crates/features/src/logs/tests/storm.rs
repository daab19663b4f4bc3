//! An hour of bad network: every line comes once, or is counted as missing.

use super::super::wire::{Cause, Missed};
use super::*;

/// Luck from a seed: an xorshift generator.
struct Luck(u64);

impl Luck {
    fn below(&mut self, bound: u64) -> u64 {
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
            LogItem::Missed(Missed { entries, cause }) => {
                assert_eq!(cause, Cause::Overrun);
                let entries = entries.expect("one start of the server");
                self.next += entries;
                self.missing += entries;
            }
            LogItem::Reconnected { .. } => self.losses += 1,
        }
    }
}

/// Appends for an hour while the network is cut at random; returns how many lines there were.
async fn storm(play: &Play, mut luck: Luck) -> u64 {
    let hour = tokio::time::sleep(Duration::from_secs(3600));
    tokio::pin!(hour);
    let mut lines = 0;
    while !hour.is_elapsed() {
        let count = luck.below(20);
        play.append(lines..lines + count);
        lines += count;
        if luck.below(60) == 0 {
            play.pair.network.cut();
            luck.pause(60_000).await;
            play.append(lines..lines + count);
            lines += count;
            play.pair.network.mend();
        }
        tokio::select! {
            () = luck.pause(3_000) => {}
            () = &mut hour => {}
        }
    }
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
        assert!(seen.losses > 3, "seed {seed}: {seen:?}");
        assert!(seen.missing < seen.next / 2, "seed {seed}: {seen:?}");
    }
}
