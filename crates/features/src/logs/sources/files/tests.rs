//! Patterns, and files that come, are rotated and go.

use std::io::Write as _;

use tempfile::TempDir;

use super::*;
use crate::logs::LogsConfig;
use crate::logs::sources::log;

struct Play {
    folder: TempDir,
    ring: Arc<Ring>,
    tasks: Tasks,
}

impl Play {
    fn begin() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            ring: Arc::new(Ring::new(LogsConfig::default())),
            tasks: Tasks::new(),
        }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.append(true).create(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn start(&self, name: &str) {
        let pattern = self.folder.path().join(name).to_string_lossy().into_owned();
        start(&[pattern.try_into().unwrap()], &self.ring, &self.tasks);
    }

    /// Waits for so many lines, and returns service and message of each.
    async fn lines(&self, count: usize) -> Vec<(String, String)> {
        let lines = log::until(&self.ring, count).await;
        let shown = |line: crate::logs::Line| (line.origin.service.to_string(), line.message);
        lines.into_iter().map(shown).collect()
    }
}

fn line(service: &str, message: &str) -> (String, String) {
    (service.to_owned(), message.to_owned())
}

#[test]
fn a_star_stands_for_any_characters_in_the_files_name() {
    for (name, pattern) in [
        ("a.log", "*.log"),
        ("a.log", "a*"),
        ("ab.c.log", "a*.*g"),
        ("a", "a"),
    ] {
        assert!(is_like(name, pattern), "{name} {pattern}");
    }
    for (name, pattern) in [
        ("a.log.1", "*.log"),
        ("b", "a"),
        ("a", "a*a"),
        ("ba.log", "a*.log"),
    ] {
        assert!(!is_like(name, pattern), "{name} {pattern}");
    }
    let read = |text: &str| FilePattern::try_from(text.to_owned()).map_err(|it| it.to_string());
    assert!(read("/var/*/a.log").unwrap_err().contains("own name alone"));
    assert!(read("/").unwrap_err().contains("names no file"));
    assert!(read("a.log").is_ok());
}

#[tokio::test(start_paused = true)]
async fn files_are_followed_under_their_names_and_new_ones_from_their_start() {
    let play = Play::begin();
    play.write("api.log", "before\n");
    play.start("*.log");
    // The first look of its follower puts it behind what is there.
    tokio::time::sleep(LOOK / 2).await;
    play.write("api.log", "level=warn msg=one\n");
    play.write("worker.log", "two\n");
    play.write("notes.txt", "not a log\n");
    let lines = play.lines(2).await;
    assert_eq!(lines, [line("api", "one"), line("worker", "two")]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_rotated_under_a_name_of_the_same_pattern_is_not_read_again() {
    let play = Play::begin();
    play.write("app.log", "");
    play.start("app*.log");
    tokio::time::sleep(LOOK / 2).await;
    play.write("app.log", "one\n");
    play.lines(1).await;
    let path = |name| play.folder.path().join(name);
    std::fs::rename(path("app.log"), path("app-1.log")).unwrap();
    play.write("app.log", "two\n");
    play.lines(2).await;
    tokio::time::sleep(LOOK * 3).await;
    play.write("app.log", "three\n");
    let lines = play.lines(3).await;
    assert_eq!(
        lines,
        ["one", "two", "three"].map(|message| line("app", message))
    );
}

#[tokio::test(start_paused = true)]
async fn a_copy_and_a_cut_are_followed_too() {
    let play = Play::begin();
    play.write("app.log", "");
    play.start("app.log");
    tokio::time::sleep(LOOK / 2).await;
    play.write("app.log", "a first line that is long\n");
    play.lines(1).await;
    let path = play.folder.path().join("app.log");
    std::fs::copy(&path, play.folder.path().join("app.log.1")).unwrap();
    std::fs::write(&path, "").unwrap();
    tokio::time::sleep(LOOK).await;
    play.write("app.log", "short\n");
    assert_eq!(play.lines(2).await[1], line("app", "short"));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_gone_for_long_is_followed_no_more() {
    let play = Play::begin();
    let mut watch = Watch {
        patterns: vec![
            FilePattern::try_from(
                play.folder
                    .path()
                    .join("*.log")
                    .to_string_lossy()
                    .into_owned(),
            )
            .unwrap(),
        ],
        ring: Arc::clone(&play.ring),
        tasks: play.tasks.clone(),
        known: BTreeMap::new(),
        crowd: Crowd::Fits,
    };
    play.write("day-1.log", "");
    watch.look(Position::End);
    assert_eq!(watch.known.len(), 1);
    std::fs::remove_file(play.folder.path().join("day-1.log")).unwrap();
    for _ in 0..FORGET {
        watch.look(Position::Start);
    }
    assert!(watch.known.is_empty());
    // Its follower ends by itself; the others would be named as late.
    assert!(play.tasks.shutdown(LOOK).await.is_empty());
}
