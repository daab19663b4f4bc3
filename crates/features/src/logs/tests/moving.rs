//! Flows whose server leaves while another instance is there: make before break.

use transport::router::MOVE;

use super::super::wire::{Cause, Missed};
use super::*;

/// What a stream brought in a while.
#[derive(Debug, Default)]
struct Heard {
    /// The numbers of the lines, in the order in which they came.
    lines: Vec<u64>,
    /// Why lines were missing, each time.
    missed: Vec<Cause>,
    /// How often there was no session.
    losses: u32,
}

/// Takes what comes until nothing has come for a while.
async fn hear(stream: &mut LogStream) -> Heard {
    let mut heard = Heard::default();
    while let Ok(item) = tokio::time::timeout(SILENCE, next(stream)).await {
        match item {
            LogItem::Entry(entry) => heard
                .lines
                .push(entry.line().unwrap().message.parse().unwrap()),
            LogItem::Missed(Missed { cause, .. }) => heard.missed.push(cause),
            LogItem::Reconnected { .. } => heard.losses += 1,
            opened @ LogItem::Opened(_) => panic!("{opened:?}"),
        }
    }
    heard
}

/// Writes a line each 10 ms for as long as this.
async fn write(ring: &Ring, from: u64, time: Duration) -> u64 {
    let lines = time.as_millis() as u64 / 10;
    for number in from..from + lines {
        append(ring, [number]);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    from + lines
}

/// What an old instance has to say after it was told to stop, for as long as it may.
const LAST_WORDS: Duration = MOVE.checked_sub(Duration::from_millis(50)).unwrap();

const SILENCE: Duration = Duration::from_secs(20);

/// The first number that a new instance writes.
const NEW: u64 = 1_000_000;

fn count(numbers: std::ops::Range<u64>) -> Vec<u64> {
    numbers.collect()
}

/// Returns the lines of one instance, which writes numbers from here on.
fn of(lines: &[u64], from: u64) -> Vec<u64> {
    let own = from..from + NEW;
    let of = lines.iter().filter(|line| own.contains(line));
    of.copied().collect()
}

#[tokio::test(start_paused = true)]
async fn a_stream_brings_the_last_lines_of_the_old_instance_and_all_of_the_new_each_once() {
    let mut play = Play::begin(ring_of(10_000)).await;
    let mut stream = play.follow().await;
    let old_ring = Arc::clone(&play.ring);
    let new_ring = Arc::new(ring_of(10_000));
    append(&new_ring, NEW..NEW + 10);
    let old = play.deploy(Arc::clone(&new_ring));
    let writing = async {
        let written = write(&old_ring, 0, Duration::from_secs(1)).await;
        old.stop();
        write(&old_ring, written, LAST_WORDS).await
    };
    let (heard, old_end, new_end) = tokio::join!(
        hear(&mut stream),
        writing,
        write(&new_ring, NEW + 10, Duration::from_secs(8)),
    );
    assert_eq!(of(&heard.lines, 0), count(0..old_end));
    assert_eq!(of(&heard.lines, NEW), count(NEW..new_end));
    assert_eq!((heard.losses, heard.missed), (0, vec![Cause::Restart]));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_moves_to_another_door_of_the_same_ring_brings_each_line_once() {
    let mut play = Play::begin(ring_of(10_000)).await;
    let mut stream = play.follow().await;
    let ring = Arc::clone(&play.ring);
    let old = play.deploy(Arc::clone(&ring));
    let writing = async {
        let written = write(&ring, 0, Duration::from_secs(1)).await;
        old.stop();
        write(&ring, written, Duration::from_secs(8)).await
    };
    let (heard, end) = tokio::join!(hear(&mut stream), writing);
    assert_eq!(heard.lines, count(0..end));
    assert_eq!((heard.losses, heard.missed), (0, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn two_deploys_in_a_row_lose_no_line_and_repeat_none() {
    let mut play = Play::begin(ring_of(10_000)).await;
    let mut stream = play.follow().await;
    let first_ring = Arc::clone(&play.ring);
    let (second_ring, third_ring) = (Arc::new(ring_of(10_000)), Arc::new(ring_of(10_000)));
    append(&third_ring, [2 * NEW]);
    let first = play.deploy(Arc::clone(&second_ring));
    let deploys = async {
        let written = write(&first_ring, 0, Duration::from_millis(500)).await;
        first.stop();
        let last_words = write(&first_ring, written, LAST_WORDS);
        let next = async {
            let written = write(&second_ring, NEW, Duration::from_secs(1)).await;
            let second = play.deploy(Arc::clone(&third_ring));
            second.stop();
            (second, write(&second_ring, written, LAST_WORDS).await)
        };
        tokio::join!(last_words, next)
    };
    let (heard, (first_end, (_second, second_end))) = tokio::join!(hear(&mut stream), deploys);
    assert_eq!(of(&heard.lines, 0), count(0..first_end));
    assert_eq!(of(&heard.lines, NEW), count(NEW..second_end));
    assert_eq!(of(&heard.lines, 2 * NEW), [2 * NEW]);
    assert_eq!((heard.losses, heard.missed.len()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn another_instance_that_answers_after_a_loss_gives_all_it_has_and_says_so() {
    let mut play = Play::begin(ring_of(100)).await;
    let mut stream = play.follow().await;
    play.append(0..5);
    assert_eq!(numbers(&mut stream, 5).await, [0, 1, 2, 3, 4]);
    let other = Arc::new(ring_of(100));
    append(&other, NEW..NEW + 3);
    let old = play.deploy(other);
    old.kill().await;
    let heard = hear(&mut stream).await;
    assert_eq!(heard.lines, count(NEW..NEW + 3));
    assert_eq!((heard.losses, heard.missed), (1, vec![Cause::Restart]));
}
