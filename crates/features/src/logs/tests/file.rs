//! Following files that are real.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use super::super::Feed;
use super::super::file::{Follower, Polled, Position};
use super::*;

struct Log {
    _folder: TempDir,
    path: PathBuf,
    ring: Arc<Ring>,
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            path: folder.path().join("app.log"),
            _folder: folder,
            ring: Arc::new(Ring::new(LogsConfig::default())),
        }
    }

    fn follow(&self, position: Position) -> Follower {
        let feed = Feed::new(Arc::clone(&self.ring), Origin::service("api"));
        Follower::new(self.path.clone(), feed, position)
    }

    fn write(&self, text: &str) {
        let mut options = fs::OpenOptions::new();
        let mut file = options.create(true).append(true).open(&self.path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until this is all that was fed.
    async fn until(&self, expected: &[&str]) {
        loop {
            let fed = messages(&self.ring);
            assert!(
                expected.starts_with(&fed.iter().map(|it| &**it).collect::<Vec<_>>()),
                "{fed:?}"
            );
            if fed.len() == expected.len() {
                return;
            }
            self.ring.wait(self.ring.end()).await;
        }
    }

    /// Reads until nothing is new and returns all that was fed so far.
    async fn fed(&self, follower: &mut Follower) -> Vec<String> {
        while follower.poll_once().await.unwrap() == Polled::Read {}
        messages(&self.ring)
    }
}

#[tokio::test]
async fn a_file_is_read_from_its_start_or_its_end() {
    let log = Log::new();
    log.write("old\n");
    let mut from_end = log.follow(Position::End);
    assert_eq!(log.fed(&mut from_end).await, [""; 0]);
    log.write("new\n");
    assert_eq!(log.fed(&mut from_end).await, ["new"]);
    let mut from_start = log.follow(Position::Start);
    assert_eq!(log.fed(&mut from_start).await, ["new", "old", "new"]);
}

#[tokio::test]
async fn a_file_that_comes_later_is_read_from_its_start() {
    let log = Log::new();
    let mut follower = log.follow(Position::End);
    assert_eq!(log.fed(&mut follower).await, [""; 0]);
    log.write("first\n");
    assert_eq!(log.fed(&mut follower).await, ["first"]);
}

#[tokio::test]
async fn a_line_is_fed_when_it_is_whole() {
    let log = Log::new();
    let mut follower = log.follow(Position::Start);
    log.write("be");
    assert_eq!(log.fed(&mut follower).await, [""; 0]);
    log.write("gun\n");
    assert_eq!(log.fed(&mut follower).await, ["begun"]);
}

#[tokio::test]
async fn a_file_that_was_renamed_is_read_to_its_end_before_the_new_one() {
    let log = Log::new();
    let mut follower = log.follow(Position::Start);
    log.write("one\n");
    assert_eq!(log.fed(&mut follower).await, ["one"]);
    log.write("two\nno end");
    fs::rename(&log.path, log.path.with_extension("1")).unwrap();
    assert_eq!(log.fed(&mut follower).await, ["one", "two"]);
    log.write("three\n");
    assert_eq!(
        log.fed(&mut follower).await,
        ["one", "two", "no end", "three"]
    );
}

#[tokio::test]
async fn what_is_written_to_a_renamed_file_after_the_look_at_its_name_is_read() {
    let log = Log::new();
    let mut follower = log.follow(Position::Start);
    log.write("one\n");
    log.fed(&mut follower).await;
    let old = log.path.with_extension("1");
    fs::rename(&log.path, &old).unwrap();
    log.write("three\n");
    let mut file = fs::OpenOptions::new().append(true).open(old).unwrap();
    file.write_all(b"two\n").unwrap();
    assert_eq!(log.fed(&mut follower).await, ["one", "two", "three"]);
}

#[tokio::test]
async fn a_file_that_was_cut_is_read_from_its_start() {
    let log = Log::new();
    let mut follower = log.follow(Position::Start);
    log.write("one, which is long\n");
    assert_eq!(log.fed(&mut follower).await.len(), 1);
    fs::write(&log.path, "two\n").unwrap();
    assert_eq!(log.fed(&mut follower).await, ["one, which is long", "two"]);
}

#[tokio::test]
async fn a_file_is_read_in_bounded_pieces() {
    let log = Log::new();
    let mut follower = log.follow(Position::Start);
    log.write(&"0123456789\n".repeat(30_000));
    let mut polls = 0;
    while follower.poll_once().await.unwrap() == Polled::Read {
        polls += 1;
    }
    assert_eq!(messages(&log.ring).len(), 30_000);
    assert!(polls >= 330_000 / (64 * 1024), "{polls}");
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_read_for_a_while_is_told_once_and_followed_on() {
    let log = Log::new();
    log.write("one\n");
    let tasks = Tasks::new();
    let (follower, own) = (log.follow(Position::Start), tasks.clone());
    tasks.spawn("follower", async move { follower.run(&own).await });
    log.until(&["one"]).await;
    // Whoever asks for it goes round in a circle: that fails for the superuser too.
    fs::rename(&log.path, log.path.with_extension("1")).unwrap();
    std::os::unix::fs::symlink(&log.path, &log.path).unwrap();
    log.until(&["one", "away"]).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    fs::remove_file(&log.path).unwrap();
    log.write("two\n");
    log.until(&["one", "away", "two"]).await;
    // What passes at once, as in the midst of a rotation, is not told.
    fs::remove_file(&log.path).unwrap();
    std::os::unix::fs::symlink(&log.path, &log.path).unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    fs::remove_file(&log.path).unwrap();
    log.write("three\n");
    log.until(&["one", "away", "two", "three"]).await;
    assert!(tasks.shutdown(Duration::from_secs(1)).await.is_empty());
}

#[tokio::test]
async fn what_takes_the_place_of_a_file_that_cannot_be_read_is_read() {
    let log = Log::new();
    let mut follower = log.follow(Position::Start);
    fs::create_dir(&log.path).unwrap();
    // Where a folder can be opened, it is the reading that fails.
    follower.poll_once().await.unwrap_err();
    fs::remove_dir(&log.path).unwrap();
    log.write("one\n");
    // The look that turns to it may fail once more.
    follower.poll_once().await.ok();
    assert_eq!(log.fed(&mut follower).await, ["one"]);
}
