//! A ring that is on a disk as well: what is there again after the server has ended, however it did.

use std::fs::{self, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use tokio::time::advance;

use super::super::StoreError;
use super::super::wire::{Cause, Missed};
use super::*;

fn segments(folder: &TempDir) -> Vec<PathBuf> {
    let files = fs::read_dir(folder.path().join("logs")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut segments: Vec<_> = files.filter(|file| !file.ends_with("lock")).collect();
    segments.sort();
    segments
}

/// Returns the segment that is written to, and how long its head is.
pub(super) fn last_segment(folder: &TempDir) -> (PathBuf, u64) {
    let last = segments(folder).pop().unwrap();
    let bytes = fs::read(&last).unwrap();
    let second = memchr::memmem::find(&bytes[1..], &bytes[..4]);
    let head = second.map_or(bytes.len(), |at| at + 1);
    (last, head as u64)
}

fn size(folder: &TempDir) -> u64 {
    let sizes = segments(folder).into_iter();
    sizes.map(|file| fs::metadata(file).unwrap().len()).sum()
}

/// Changes a byte of a file.
fn damage(file: &PathBuf, at: u64) {
    let before = fs::read(file).unwrap()[at as usize];
    let mut file = OpenOptions::new().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[before ^ 0x40]).unwrap();
}

fn texts(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

fn count(messages: &[String], what: &str) -> usize {
    messages.iter().filter(|message| *message == what).count()
}

#[test]
fn what_was_appended_outlives_a_kill_to_the_last_line() {
    let folder = folder();
    let config = disk_of(1000, &folder);
    let ring = start(&config);
    append(&ring, 0..100);
    let before = everything(&ring);
    kill(ring);
    let ring = start(&config);
    let after = everything(&ring);
    assert_eq!(after[..101], before);
    assert_eq!(messages(&ring)[0], "first");
    assert_eq!(messages(&ring)[101], "cut off");
    assert_eq!(ring.append(line("on")), 102);
}

#[test]
fn a_server_that_ends_in_order_says_so_to_the_next() {
    let folder = folder();
    let config = disk_of(1000, &folder);
    let ring = start(&config);
    append(&ring, 0..2);
    ring.finish();
    drop(ring);
    let ring = start(&config);
    ring.finish();
    // A line that comes after the end makes it none.
    append(&ring, 2..3);
    drop(ring);
    let ring = start(&config);
    let expected = ["first", "0", "1", "started", "2", "cut off"];
    assert_eq!(messages(&ring), expected);
}

#[test]
fn a_batch_is_kept_and_restored_like_single_lines() {
    let folder = folder();
    let config = disk_of(10_000, &folder);
    let ring = start(&config);
    ring.append_all((0..5000).map(|number| Record::Line(line(&number.to_string()))));
    let before = everything(&ring);
    assert_eq!(before.len(), 5001);
    kill(ring);
    assert_eq!(everything(&start(&config))[..5001], before);
}

#[test]
fn a_cursor_of_a_former_start_is_resumed_at_its_place() {
    let folder = folder();
    let config = disk_of(1000, &folder);
    let ring = start(&config);
    append(&ring, 0..10);
    let cursor = ring.cursor(5);
    ring.finish();
    drop(ring);
    for _ in 0..3 {
        let ring = start(&config);
        let begun = ring.begin(&Start::At(vec![cursor]), &all());
        assert_eq!((begun.at, begun.missed), (5, None));
        assert_eq!(begun.reader, ring.cursor(5));
        kill(ring);
    }
}

#[test]
fn a_cursor_beyond_what_the_disk_has_is_a_gap_that_says_so_and_nothing_comes_twice() {
    let folder = folder();
    let config = disk_of(1000, &folder);
    let ring = start(&config);
    append(&ring, 0..10);
    let length = fs::metadata(&segments(&folder)[0]).unwrap().len();
    append(&ring, 10..20);
    let seen = ring.cursor(ring.end());
    kill(ring);
    // The machine has crashed before the system had written the rest.
    let file = OpenOptions::new().write(true).open(&segments(&folder)[0]);
    file.unwrap().set_len(length + 7).unwrap();
    let ring = start(&config);
    let begun = ring.begin(&Start::At(vec![seen]), &all());
    assert_eq!(begun.missed.map(|missed| missed.entries), Some(None));
    let rest = read_all(&ring, begun.at, &all()).into_iter().map(message);
    assert_eq!(rest.collect::<Vec<_>>(), ["cut off"]);
    assert_eq!(messages(&ring)[1..11], texts(0..10));
}

#[test]
fn a_torn_last_write_is_not_there_and_costs_nothing_else() {
    let folder = folder();
    let config = disk_of(1000, &folder);
    let ring = start(&config);
    append(&ring, 0..10);
    ring.finish();
    drop(ring);
    let file = segments(&folder)[0].clone();
    let whole = fs::read(&file).unwrap();
    let mut seen = 0;
    for length in (0..whole.len()).rev().step_by(7) {
        fs::write(&file, &whole[..length]).unwrap();
        let ring = start(&config);
        let messages = messages(&ring);
        let lines = messages.len() - 1;
        assert_eq!(messages.last().unwrap(), "cut off");
        let all: Vec<_> = ["first".to_owned()]
            .into_iter()
            .chain(texts(0..10))
            .collect();
        assert_eq!(messages[..lines], all[..lines]);
        seen += lines;
        drop(ring);
        segments(&folder)[1..]
            .iter()
            .for_each(|file| fs::remove_file(file).unwrap());
    }
    assert!(seen > 0);
}

#[test]
fn a_damaged_middle_is_counted_in_its_place_and_the_rest_is_served() {
    let folder = folder();
    let config = disk_of(1000, &folder);
    let ring = start(&config);
    append(&ring, 0..10);
    let middle = fs::metadata(&segments(&folder)[0]).unwrap().len();
    append(&ring, 10..20);
    ring.finish();
    drop(ring);
    damage(&segments(&folder)[0], middle + 20);
    let ring = start(&config);
    let mut at = 0;
    let mut missed = Vec::new();
    let mut seen = Vec::new();
    while at < ring.end() {
        let batch = ring.read(at, &all(), MOST);
        missed.extend(batch.missed);
        seen.extend(batch.entries.iter().map(|entry| message((**entry).clone())));
        at = batch.next;
    }
    let one = Missed {
        until: Some(1),
        ..Missed::new(Some(1), Cause::Damaged)
    };
    assert_eq!(missed, [one]);
    let mut expected = vec!["first".to_owned()];
    expected.extend(texts(0..10));
    expected.extend(texts(11..20));
    expected.push("started".to_owned());
    assert_eq!(seen, expected);
    // A tail counts what is there.
    assert_eq!(ring.begin(&Start::Tail(9), &all()).at, 12);
    assert_eq!(ring.begin(&Start::Tail(10), &all()).at, 10);
}

#[test]
fn a_folder_is_one_servers_at_a_time() {
    let folder = folder();
    let config = disk_of(1000, &folder);
    let ring = start(&config);
    let other = Ring::open(config.clone(), &Origin::service("server"), None);
    assert!(matches!(other, Err(StoreError::InUse { .. })), "{other:?}");
    drop(ring);
    start(&config);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_that_names_it() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let config = LogsConfig {
        path: Some(file.join("logs")),
        ..LogsConfig::default()
    };
    let error = Ring::open(config, &Origin::service("server"), None).unwrap_err();
    assert!(error.to_string().ends_with("file/logs"), "{error}");
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_what_is_on_the_disk() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let ring = start(&disk_of(1000, &folder));
    append(&ring, 0..3);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder.path().join("logs")), 0o700);
    for file in segments(&folder) {
        assert_eq!(mode(file), 0o600);
    }
}

#[test]
fn the_disk_is_bounded_and_has_what_the_memory_has() {
    let folder = folder();
    let config = disk_of(1000, &folder);
    let ring = start(&config);
    append(&ring, 0..20_000);
    let most = config.max_bytes as u64 * 9 / 8;
    assert!(
        (most / 2..most).contains(&size(&folder)),
        "{}",
        size(&folder)
    );
    let before = everything(&ring);
    kill(ring);
    let ring = start(&config);
    // The mark has taken the place of some.
    let after = everything(&ring);
    assert_eq!(
        after[..after.len() - 1],
        before[before.len() + 1 - after.len()..]
    );
    assert!(after.len() >= before.len());
}

#[tokio::test(start_paused = true)]
async fn what_is_over_the_retention_leaves_the_disk_too_though_nobody_appends() {
    let folder = folder();
    let config = LogsConfig {
        retention: Duration::from_secs(80),
        ..disk_of(1000, &folder)
    };
    let ring = start(&config);
    append(&ring, 0..10);
    let one = segments(&folder);
    advance(Duration::from_secs(11)).await;
    append(&ring, 10..20);
    assert_eq!(segments(&folder).len(), 2);
    advance(Duration::from_secs(75)).await;
    ring.tidy();
    let rest = segments(&folder);
    assert!(rest.len() == 1 && rest != one, "{rest:?}");
    advance(Duration::from_secs(20)).await;
    ring.tidy();
    assert_eq!(segments(&folder).len(), 1);
    assert!(size(&folder) < 200, "{}", size(&folder));
    assert_eq!(everything(&ring).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn age_is_counted_through_a_restart() {
    let folder = folder();
    let config = LogsConfig {
        retention: Duration::from_secs(60),
        ..disk_of(1000, &folder)
    };
    let start_at = |seconds: u64| {
        let clock = Clock::start_at(seconds * 1_000_000_000);
        Ring::open_at(clock, config.clone(), &Origin::service("server"), None).unwrap()
    };
    let ring = start_at(1000);
    append(&ring, 0..2);
    advance(Duration::from_secs(40)).await;
    append(&ring, 2..4);
    kill(ring);
    let ring = start_at(1070);
    assert_eq!(messages(&ring), ["2", "3", "cut off"]);
    advance(Duration::from_secs(31)).await;
    assert_eq!(messages(&ring), ["cut off"]);
    kill(ring);
    // A clock that was set back does not keep anything for ever.
    let ring = start_at(10);
    advance(Duration::from_secs(61)).await;
    assert_eq!(messages(&ring), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fails_is_told_once_and_the_memory_goes_on() {
    let folder = folder();
    let config = disk_of(300, &folder);
    let ring = start(&config);
    let path = folder.path().join("logs");
    append(&ring, 0..10);
    let end = ring.end();
    // The file that is open can still be written to; the next one cannot be made.
    fs::remove_dir_all(&path).unwrap();
    append(&ring, 10..340);
    let told = messages(&ring);
    assert_eq!(count(&told, "disk lost"), 1);
    let lines = told.iter().filter(|it| it.parse::<u64>().is_ok()).cloned();
    assert_eq!(lines.collect::<Vec<_>>(), texts(0..340));
    // It is tried again after a while, and not before.
    fs::create_dir(&path).unwrap();
    append(&ring, 340..341);
    assert_eq!(segments(&folder).len(), 0);
    advance(Duration::from_secs(61)).await;
    append(&ring, 341..343);
    let told = messages(&ring);
    assert_eq!((count(&told, "disk back"), segments(&folder).len()), (1, 1));
    kill(ring);
    // What the disk does not have is missing at the next start, and counted.
    let ring = start(&config);
    assert_eq!(messages(&ring), ["disk back", "341", "342", "cut off"]);
    let batch = ring.read(end, &all(), MOST);
    assert_eq!(
        batch.missed.and_then(|missed| missed.entries),
        Some(batch.from - end)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whoever_appends_in_a_task_keeps_no_other_waiting_for_the_disk() {
    let folder = folder();
    let ring = Arc::new(start(&disk_of(1000, &folder)));
    let tasks = Tasks::new();
    let (say, hear) = std::sync::mpsc::channel();
    let (others, appended) = (tasks.clone(), Arc::clone(&ring));
    let held = ring.hold_store();
    tasks.spawn("appends", async move {
        others.spawn("other", async move { say.send(()) });
        appended.append(line("waits"));
    });
    // This is not the thread that tasks run on.
    hear.recv_timeout(Duration::from_secs(30)).unwrap();
    drop(held);
    assert!(tasks.shutdown(Duration::from_secs(30)).await.is_empty());
    assert_eq!(messages(&ring), ["first", "waits"]);
}
