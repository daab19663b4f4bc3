//! What a virtual connection does to bytes, to time and to whoever waits.

use std::future::{Future, poll_fn};
use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::*;

/// 1 MB/s, a round trip of 100 ms.
const SLOW: Path = Path {
    rate: Some(1_000_000),
    delay: Duration::from_millis(50),
    loss: 0,
    send_buffer: 64 * 1024,
    receive_buffer: 1024 * 1024,
    proxy: 0,
};

/// A timer of tokio's is up to a millisecond late.
const TICK: Duration = Duration::from_millis(1);

const SECOND: Duration = Duration::from_secs(1);

/// Returns so many bytes, of which no two pieces are alike.
fn bytes(count: usize) -> Vec<u8> {
    (0..count)
        .map(|at| (at ^ at >> 8 ^ at >> 16) as u8)
        .collect()
}

/// Returns how long something takes, and checks that it does not take for ever.
async fn time<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let start = Instant::now();
    let done = timeout(SECOND * 3600, work)
        .await
        .expect("it comes to an end");
    (start.elapsed(), done)
}

/// Writes as much as is taken at once, and returns how much that was.
async fn fill(end: &mut End) -> usize {
    let mut written = 0;
    poll_fn(|cx| {
        while let Poll::Ready(taken) = Pin::new(&mut *end).poll_write(cx, &[7; 10_000]) {
            written += taken.expect("the connection is alive");
        }
        Poll::Ready(written)
    })
    .await
}

/// Sends so many bytes from one end to the other, checks them and returns the time it took.
async fn transfer(from: &mut End, to: &mut End, count: usize) -> Duration {
    let sent = bytes(count);
    let mut came = vec![0; count];
    let both = async { tokio::join!(from.write_all(&sent), to.read_exact(&mut came)) };
    let (took, (wrote, read)) = time(both).await;
    wrote.expect("the connection is alive");
    read.expect("the connection is alive");
    assert!(came == sent, "bytes changed on the way");
    took
}

#[track_caller]
fn about(took: Duration, expected: Duration) {
    let late = expected + expected / 50 + 2 * TICK;
    assert!(
        (expected..late).contains(&took),
        "{took:?}, not {expected:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_byte_takes_the_delay_in_either_direction() {
    let (mut left, mut right) = pair(Path::default(), 1);
    about(
        transfer(&mut left, &mut right, 1).await,
        Path::default().delay,
    );
    about(
        transfer(&mut right, &mut left, 1).await,
        Path::default().delay,
    );
}

#[tokio::test(start_paused = true)]
async fn many_bytes_take_as_long_as_the_rate_says_and_arrive_as_they_were() {
    let (mut left, mut right) = pair(SLOW, 1);
    let took = transfer(&mut left, &mut right, 3_000_000).await;
    about(took, 3 * SECOND + SLOW.delay);
}

#[tokio::test(start_paused = true)]
async fn directions_do_not_share_the_rate() {
    let (left, right) = pair(SLOW, 1);
    let (mut from_right, mut from_left) = tokio::io::split(left);
    let (mut read_right, mut write_right) = tokio::io::split(right);
    let sent = bytes(1_000_000);
    let (mut one, mut other) = (vec![0; sent.len()], vec![0; sent.len()]);
    let all = async {
        tokio::try_join!(
            from_left.write_all(&sent),
            write_right.write_all(&sent),
            from_right.read_exact(&mut one),
            read_right.read_exact(&mut other),
        )
    };
    about(time(all).await.0, SECOND + SLOW.delay);
    assert!(one == sent && other == sent);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stops_stops_the_writer_when_both_buffers_are_full() {
    let (mut left, mut right) = pair(SLOW, 1);
    let mut written = 0;
    for _ in 0..100 {
        written += fill(&mut left).await;
        tokio::time::sleep(SECOND).await;
    }
    assert_eq!(written, SLOW.receive_buffer + SLOW.send_buffer);
    // One reads, and the other hears of it one delay later.
    right.read_exact(&mut [0; 1_000]).await.unwrap();
    let (took, taken) = time(left.write(&[7; 10_000])).await;
    assert_eq!(taken.unwrap(), 1_000);
    about(took, SLOW.delay);
}

#[tokio::test(start_paused = true)]
async fn a_window_smaller_than_the_path_holds_is_all_that_flows_in_a_round_trip() {
    let path = Path {
        receive_buffer: 50_000,
        ..SLOW
    };
    let (mut left, mut right) = pair(path, 1);
    let took = transfer(&mut left, &mut right, 500_000).await;
    // Ten windows, each of which takes a round trip from its first segment's departure on.
    assert!(took > 9 * 2 * SLOW.delay, "{took:?}");
    assert!(took < 12 * 2 * SLOW.delay, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_proxy_takes_a_megabyte_at_once_and_whatever_comes_next_waits_behind_it() {
    let path = Path {
        proxy: 1_000_000,
        ..SLOW
    };
    let (mut left, mut right) = pair(path, 1);
    let taken = fill(&mut left).await;
    // One segment is on the link already.
    let all = path.proxy + path.send_buffer;
    assert!((all..all + 1_500).contains(&taken), "{taken}");
    let mut rest = vec![0; taken];
    let (took, read) = time(right.read_exact(&mut rest)).await;
    read.unwrap();
    about(took, Duration::from_micros(taken as u64) + SLOW.delay);
}

#[tokio::test(start_paused = true)]
async fn a_lost_segment_comes_a_round_trip_late_and_all_behind_it_waits() {
    let path = Path {
        loss: 1000,
        ..Path::default()
    };
    let (mut left, mut right) = pair(path, 1);
    left.write_all(b"lost").await.unwrap();
    tokio::time::sleep(TICK).await;
    left.connection().set_path(Path::default());
    left.write_all(b"not lost").await.unwrap();
    let mut came = [0; 12];
    let (took, read) = time(right.read_exact(&mut came)).await;
    read.unwrap();
    about(took + TICK, Path::default().delay * 3);
    assert_eq!(&came, b"lostnot lost");
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_loses_the_same_and_another_does_not() {
    let path = Path { loss: 20, ..SLOW };
    let mut took = Vec::new();
    for seed in [1, 1, 2] {
        let (mut left, mut right) = pair(path, seed);
        left.write_all(&bytes(50_000)).await.unwrap();
        let mut arrivals = Vec::new();
        let start = Instant::now();
        while arrivals.iter().map(|&(_, count)| count).sum::<usize>() < 50_000 {
            let count = right.read(&mut [0; 4096]).await.unwrap();
            arrivals.push((start.elapsed(), count));
        }
        took.push(arrivals);
    }
    assert_eq!(took[0], took[1]);
    assert_ne!(took[0], took[2]);
}

#[tokio::test(start_paused = true)]
async fn loss_changes_no_byte() {
    let (mut left, mut right) = pair(Path { loss: 100, ..SLOW }, 7);
    transfer(&mut left, &mut right, 1_000_000).await;
}

#[tokio::test(start_paused = true)]
async fn a_stall_costs_its_time_and_nothing_else() {
    let (mut left, mut right) = pair(SLOW, 1);
    let connection = left.connection();
    let stalls = async {
        tokio::time::sleep(SECOND / 2).await;
        connection.stall(10 * SECOND);
        tokio::time::sleep(SECOND).await;
        // Half of this one is over when the first is.
        connection.stall(18 * SECOND);
    };
    let (took, ()) = tokio::join!(transfer(&mut left, &mut right, 1_000_000), stalls);
    about(took, 20 * SECOND + SLOW.delay);
}

#[tokio::test(start_paused = true)]
async fn in_a_stall_a_writer_fills_its_buffer_and_waits() {
    let (mut left, mut right) = pair(SLOW, 1);
    left.connection().stall(10 * SECOND);
    assert_eq!(fill(&mut left).await, SLOW.send_buffer);
    let (took, _) = time(left.write(&[7])).await;
    about(took, 10 * SECOND);
    let (took, _) = time(right.read(&mut [0; 1])).await;
    about(took, SLOW.delay);
}

#[tokio::test(start_paused = true)]
async fn a_cut_wakes_everybody_with_a_reset_and_loses_what_was_not_read() {
    let (mut left, mut right) = pair(SLOW, 1);
    fill(&mut left).await;
    let connection = left.connection();
    let cut = async {
        tokio::time::sleep(TICK * 10).await;
        connection.cut();
    };
    let (mut here, mut there) = ([0], [0]);
    let (wrote, read, ()) = tokio::join!(right.read(&mut there), left.read(&mut here), cut);
    assert_eq!(wrote.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset);
    for end in [&mut left, &mut right] {
        let error = end.write(b"x").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cut_wakes_a_writer_that_waits_for_room() {
    let (mut left, _right) = pair(SLOW, 1);
    left.connection().fall_silent();
    fill(&mut left).await;
    let connection = left.connection();
    let cut = async {
        tokio::time::sleep(SECOND).await;
        connection.cut();
    };
    let (wrote, ()) = tokio::join!(left.write(b"x"), cut);
    assert_eq!(wrote.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test(start_paused = true)]
async fn silence_is_no_error_and_no_end() {
    let (mut left, mut right) = pair(SLOW, 1);
    left.write_all(b"under way").await.unwrap();
    left.connection().fall_silent();
    assert_eq!(fill(&mut left).await, SLOW.send_buffer);
    let hour = 3600 * SECOND;
    assert!(timeout(hour, left.write(b"x")).await.is_err());
    assert!(timeout(hour, right.read(&mut [0])).await.is_err());
    drop(left);
    assert!(timeout(hour, right.read(&mut [0])).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_one_end_finishes_the_other_reads_to_its_end_and_still_answers() {
    let (mut left, mut right) = pair(SLOW, 1);
    left.write_all(b"question").await.unwrap();
    left.shutdown().await.unwrap();
    assert_eq!(
        left.write(b"x").await.unwrap_err().kind(),
        ErrorKind::BrokenPipe
    );
    let mut question = String::new();
    right.read_to_string(&mut question).await.unwrap();
    assert_eq!(question, "question");
    right.write_all(b"answer").await.unwrap();
    drop(right);
    let mut answer = String::new();
    left.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "answer");
}

#[tokio::test(start_paused = true)]
async fn a_writer_hears_one_delay_later_that_the_other_end_is_gone() {
    let (mut left, right) = pair(SLOW, 1);
    fill(&mut left).await;
    drop(right);
    let (took, error) = time(async {
        loop {
            if let Err(error) = left.write(b"x").await {
                return error;
            }
        }
    })
    .await;
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    about(took, SLOW.delay);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_over_when_both_ends_are_gone_or_it_is_cut() {
    let (left, right) = pair(SLOW, 1);
    let connection = left.connection();
    drop(left);
    assert!(!connection.is_over());
    drop(right);
    assert!(connection.is_over());
    let (left, _right) = pair(SLOW, 1);
    left.connection().cut();
    assert!(left.connection().is_over());
}

#[tokio::test(start_paused = true)]
async fn a_path_may_change_under_what_is_written() {
    let (mut left, mut right) = pair(SLOW, 1);
    let connection = left.connection();
    let change = async {
        tokio::time::sleep(SECOND).await;
        connection.set_path(Path {
            rate: Some(100_000),
            ..SLOW
        });
    };
    let (took, ()) = tokio::join!(transfer(&mut left, &mut right, 1_200_000), change);
    // What is on the link when the rate changes is at most a segment.
    let segment = Duration::from_millis(15);
    about(took + segment, 3 * SECOND + SLOW.delay);
}
