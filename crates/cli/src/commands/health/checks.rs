//! What this end has to say beside the server: of the session, the clocks and the certificate.

use std::time::{Duration, SystemTime};

use client::health::client::ClockOffset;
use client::vitals::{Check, Observed, Reading};
use client::{Path, Record, Snapshot};

use super::{Checked, Measured};
use crate::output::number;

/// Returns all that there is to say, this end's first.
pub(super) fn all(checked: &Checked, now: SystemTime) -> Vec<Check> {
    let Snapshot {
        carrier,
        connected,
        path,
        record,
    } = &checked.connection;
    let report = &checked.health.report;
    let state = |word: &str| Reading::pass().seen(Observed::State(word.to_owned()));
    let mut checks = vec![
        Check::new("session:carrier", state(&carrier.to_string())),
        Check::new("session:age", time(*connected)),
    ];
    checks.extend(round_trips(checked));
    checks.push(Check::new("session:lost", lost(path)));
    checks.push(Check::new("session:reconnects", reconnects(record)));
    checks.push(Check::new("clock:offset", offset(checked.health.clock)));
    if let Some(expires) = path.certificate_expires {
        checks.push(Check::new("certificate:expiry", certificate(expires, now)));
    }
    checks.push(Check::new("server:uptime", time(report.uptime)));
    let sessions = Reading::pass().seen(Observed::Count(report.sessions.into()));
    checks.push(Check::new("server:sessions", sessions));
    checks.extend(report.checks.iter().cloned());
    checks
}

/// Returns what there is to say while the server does not.
pub(super) fn unanswered(why: &str) -> Check {
    Check::new("session:carrier", Reading::fail(why))
}

fn time(time: Duration) -> Reading {
    Reading::pass().seen(Observed::Time(time))
}

fn round_trips(checked: &Checked) -> Vec<Check> {
    let known = &checked.round_trips;
    let shortest = checked.connection.path.shortest.min(known.shortest);
    let note = match checked.measured {
        Measured::History => format!("of the last {} that QUIC has measured", known.count),
        Measured::Pings => format!("of {} pings: the session is young", known.count),
    };
    let queueing = known.p50.saturating_sub(shortest);
    vec![
        Check::new("session:roundTrip#p50", time(known.p50)),
        Check::new("session:roundTrip#p95", time(known.p95)),
        Check::new("session:roundTrip#p99", time(known.p99).noting(note)),
        Check::new("session:queueing", time(queueing)),
    ]
}

fn lost(path: &Path) -> Reading {
    let (sent, lost) = (path.sent_packets, path.lost_packets);
    let is_much = sent >= ENOUGH && lost.saturating_mul(100) >= sent.saturating_mul(MUCH);
    let reading = match is_much {
        true => Reading::warn("packets: the way loses many"),
        false => Reading::pass().noting("packets"),
    };
    reading
        .seen(Observed::Count(lost))
        .of(Observed::Count(sent))
}

fn reconnects(record: &Record) -> Reading {
    let reading = Reading::pass().seen(Observed::Count(record.reconnects.into()));
    let Some(gap) = record.last_gap else {
        return reading;
    };
    reading.noting(format!(
        "the last {} ago, after {} without a session",
        number::time((gap.began + gap.lasted).elapsed()),
        number::time(gap.lasted)
    ))
}

fn offset(clock: ClockOffset) -> Reading {
    let apart = Duration::from_millis(clock.server_ahead.unsigned_abs());
    let note = match clock.server_ahead {
        _ if apart <= clock.within.max(UNSEEN) => "the clocks agree, as far as that can be told",
        1.. => "the server's clock is ahead",
        _ => "the server's clock is behind",
    };
    let reading = match apart > TO_BE_SET {
        true => Reading::warn(format!("{note}; 5 min are too much")),
        false => Reading::pass().noting(note),
    };
    reading.seen(Observed::Time(apart))
}

fn certificate(expires: SystemTime, now: SystemTime) -> Reading {
    let left = expires.duration_since(now).unwrap_or_default();
    let reading = match left {
        Duration::ZERO => Reading::fail("it has expired"),
        _ if left < SOON => Reading::warn("left: see to it that it is renewed in time"),
        _ => Reading::pass().noting("left"),
    };
    reading.seen(Observed::Time(left))
}

/// With fewer packets one loss is a large share.
const ENOUGH: u64 = 100;

/// Of a hundred: a sync is slower by then, whatever the controller does.
const MUCH: u64 = 5;

/// An answer may lie about for so long before it is read, and nobody is troubled by less.
const UNSEEN: Duration = Duration::from_millis(100);

/// A clock that is set by the network is never a minute off.
const TO_BE_SET: Duration = Duration::from_secs(60);

/// Whoever renews by hand has two weeks; a machine does it a month before.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use client::Gap;
    use client::vitals::Verdict;
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn losses_are_told_of_what_was_sent_and_many_of_them_warn() {
        let path = |sent_packets, lost_packets| {
            lost(&Path {
                sent_packets,
                lost_packets,
                ..Path::default()
            })
        };
        assert_eq!(path(10, 9).verdict, Verdict::Pass);
        assert_eq!(path(100, 4).verdict, Verdict::Pass);
        assert_eq!(path(100, 5).verdict, Verdict::Warn);
        assert_eq!(path(100, 5).limit, Some(Observed::Count(100)));
    }

    #[test]
    fn clocks_agree_as_far_as_the_way_lets_us_know() {
        let of = |server_ahead, within| {
            let within = Duration::from_millis(within);
            offset(ClockOffset {
                server_ahead,
                within,
            })
        };
        let note = |reading: Reading| reading.note.unwrap();
        assert!(note(of(100, 0)).contains("agree"));
        assert!(note(of(-300, 300)).contains("agree"));
        assert!(note(of(301, 300)).contains("ahead"));
        assert!(note(of(-101, 50)).contains("behind"));
        assert_eq!(of(-60_000, 50).verdict, Verdict::Pass);
        assert_eq!(of(-60_001, 50).verdict, Verdict::Warn);
        assert_eq!(of(i64::MIN, 0).verdict, Verdict::Warn);
    }

    #[test]
    fn a_certificate_is_to_be_renewed_two_weeks_before_its_end() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let second = Duration::from_secs(1);
        assert_eq!(certificate(now + SOON, now).verdict, Verdict::Pass);
        assert_eq!(certificate(now + SOON - second, now).verdict, Verdict::Warn);
        assert_eq!(certificate(now, now).verdict, Verdict::Fail);
        assert_eq!(certificate(now - second, now).verdict, Verdict::Fail);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_gap_is_told_with_its_age() {
        assert_eq!(reconnects(&Record::default()).note, None);
        let record = Record {
            reconnects: 2,
            moves: 1,
            last_gap: Some(Gap {
                began: Instant::now(),
                lasted: Duration::from_millis(3_500),
            }),
        };
        tokio::time::advance(Duration::from_millis(63_500)).await;
        let reading = reconnects(&record);
        assert_eq!(reading.observed, Some(Observed::Count(2)));
        assert_eq!(
            reading.note.unwrap(),
            "the last 1 min ago, after 3.5 s without a session"
        );
    }
}
