//! Syncs with a server that follows a script: what a client makes of losses and refusals.

mod script;

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use testkit::net::Link;
use testkit::pair::Pair;
use tokio::time::Instant;
use transport::backoff::BackoffPolicy;
use transport::channel::ChannelError;
use transport::keeper::{Keeper, Reconnect};
use transport::router::Router;
use transport::trust::Scopes;
use wire::Status;

use self::script::{Act, Script, table};
use super::*;
use crate::sync::database::DatabaseUrl;
use crate::sync::target::{Commits, Destination, Mode};
use crate::sync::wire::{Begin, Cursor, Sanitising, Selection};

/// A laptop with a database of its own.
struct Laptop {
    folder: TempDir,
    mode: Mode,
}

/// What a sync came to, and all that was seen of it.
struct Played {
    ended: Result<Summary, SyncError>,
    steps: Vec<Progress>,
    starts: Vec<Vec<Begin>>,
    took: Duration,
}

impl Laptop {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            mode: Mode::Merge,
        }
    }

    /// Syncs with a server that follows a script.
    async fn sync(
        &self,
        tables: &[&'static str],
        key: u8,
        reconnect: Reconnect,
        acts: &[Act],
    ) -> Played {
        let script = Arc::new(Script::new(acts, tables, key));
        let mut router = Router::default();
        router.add(PROTOCOL, Arc::<Script>::clone(&script));
        let pair = Pair::serve(router, Scopes::default(), Link::default());
        let keeper = Keeper::start(pair.dial_from(2), reconnect).await.unwrap();
        let request = self.request();
        let (mut steps, began) = (Vec::new(), Instant::now());
        let ended = run(&keeper, &request, &mut |step| steps.push(step)).await;
        let took = began.elapsed();
        keeper.close().await;
        let starts = script.starts();
        Played {
            ended,
            steps,
            starts,
            took,
        }
    }
}

impl Laptop {
    fn request(&self) -> SyncRequest {
        SyncRequest {
            open: Open {
                tables: Selection::All,
                limit: None,
                sanitising: Sanitising::On,
            },
            destination: Destination::Database(DatabaseUrl::Sqlite(
                self.folder.path().join("local.db"),
            )),
            mode: self.mode,
            theirs: Theirs::Ask,
        }
    }
}

impl Played {
    /// Returns how many rows came as chunks.
    fn rows(&self) -> u64 {
        let rows = self.steps.iter().map(|step| match step {
            Progress::Chunk { rows, .. } => *rows,
            _ => 0,
        });
        rows.sum()
    }

    /// Returns how many rows were said to be here already, each time that it was said.
    fn resumed(&self) -> Vec<u64> {
        let resumed = self.steps.iter().filter_map(|step| match step {
            Progress::Started { resumed, .. } => Some(*resumed),
            _ => None,
        });
        resumed.collect()
    }
}

/// Reconnects at once, and without end.
const ON: Reconnect = Reconnect::On(BackoffPolicy {
    first: Duration::from_millis(10),
    longest: Duration::from_millis(10),
    attempts: None,
});

const ONE: &[&str] = &["a"];
const TWO: &[&str] = &["a", "b"];

fn after(number: u8) -> Begin {
    Begin::After {
        cursor: Cursor(vec![number]),
        rows: u64::from(number) + 1,
    }
}

fn status(ended: &Result<Summary, SyncError>) -> Option<Status> {
    match ended {
        Err(SyncError::Server(ChannelError::Fault(fault))) => Some(fault.status),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_sync_that_is_not_interrupted_comes_from_one_moment() {
    let played = Laptop::new().sync(TWO, 1, ON, &[]).await;
    let summary = played.ended.as_ref().unwrap();
    assert_eq!(
        summary.tables.iter().map(|table| table.rows).sum::<u64>(),
        8
    );
    assert!(!summary.spans_snapshots && !summary.mixed_pseudonyms);
    let name = || table("a").table.name;
    let commits = Commits::EachChunk;
    assert_eq!(
        played.steps[1],
        Progress::Table {
            name: name(),
            commits
        }
    );
    assert_eq!(played.steps[6], Progress::TableDone { name: name() });
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_sync_goes_on_and_says_that_it_spans_moments_and_keys() {
    let laptop = Laptop::new();
    let cut = laptop.sync(ONE, 1, Reconnect::Off, &[Act::Cut(2)]).await;
    assert!(matches!(cut.ended, Err(SyncError::GaveUp(_))));
    let played = laptop.sync(ONE, 2, ON, &[]).await;
    assert_eq!(played.starts, [[after(1)]]);
    let summary = played.ended.as_ref().unwrap();
    assert!(summary.spans_snapshots && summary.mixed_pseudonyms);
    assert_eq!((summary.tables[0].rows, played.rows()), (4, 2));
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_was_forgotten_leaves_nothing_behind() {
    let laptop = Laptop::new();
    laptop.sync(ONE, 1, Reconnect::Off, &[Act::Cut(2)]).await;
    let played = laptop.sync(ONE, 2, ON, &[Act::Forget]).await;
    assert_eq!(played.starts, [[after(1)], [Begin::First]]);
    assert_eq!(played.resumed(), [2, 0]);
    assert!(played.steps.contains(&Progress::Anew));
    let summary = played.ended.as_ref().unwrap();
    assert!(!summary.spans_snapshots && !summary.mixed_pseudonyms);
    assert_eq!((summary.tables[0].rows, played.rows()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn a_table_that_began_anew_goes_on_after_a_loss() {
    let laptop = Laptop::new();
    laptop.sync(ONE, 1, Reconnect::Off, &[Act::Cut(3)]).await;
    let played = laptop.sync(ONE, 1, ON, &[Act::Forget, Act::Cut(1)]).await;
    assert_eq!(played.starts, [[after(2)], [Begin::First], [after(0)]]);
    let summary = played.ended.as_ref().unwrap();
    assert!(summary.spans_snapshots && !summary.mixed_pseudonyms);
    assert_eq!((summary.losses, played.rows()), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn a_loss_between_tables_spans_moments_and_counts_what_is_here() {
    let played = Laptop::new().sync(TWO, 1, ON, &[Act::Cut(6)]).await;
    assert_eq!(
        played.starts,
        [[Begin::First, Begin::First], [Begin::Skip, after(1)]]
    );
    assert_eq!((played.resumed(), played.rows()), (vec![0, 6], 8));
    assert!(played.ended.unwrap().spans_snapshots);
}

fn serving(acts: &[Act]) -> (Arc<Script>, Router) {
    let script = Arc::new(Script::new(acts, ONE, 1));
    let mut router = Router::default();
    router.add(PROTOCOL, Arc::<Script>::clone(&script));
    (script, router)
}

#[tokio::test(start_paused = true)]
async fn a_sync_stays_with_a_server_that_leaves_and_goes_on_at_once_where_the_next_is_open() {
    let laptop = Laptop::new();
    let (_, old) = serving(&[Act::Linger(2)]);
    let (script, new) = serving(&[]);
    let mut pair = Pair::serve(old, Scopes::default(), Link::default());
    let keeper = Keeper::start(pair.dial_from(2), ON).await.unwrap();
    let first = keeper.session().await.unwrap();
    let old = pair.deploy(new, Scopes::default());
    let (request, mut rows) = (laptop.request(), 0);
    let mut count = |step| {
        if let Progress::Chunk { rows: more, .. } = step {
            rows += more;
        }
    };
    let deploy = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        old.stop();
        let open = async {
            first.superseded().await;
            first.close_reason()
        };
        let ends = async {
            first.closed().await;
            Instant::now()
        };
        tokio::join!(open, ends)
    };
    let (summary, (open, ended)) = tokio::join!(run(&keeper, &request, &mut count), deploy);
    assert_eq!(open, None, "there was a gap");
    let summary = summary.unwrap();
    assert_eq!((summary.tables[0].rows, rows, summary.losses), (4, 4, 1));
    assert_eq!(script.starts(), [[after(1)]]);
    // The next session was there: nothing was dialled after the loss.
    assert!(ended.elapsed() < Duration::from_secs(1));
    let record = keeper.record();
    assert_eq!((record.moves, record.reconnects), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_while_it_is_told_of_chunks_is_a_loss_and_no_more() {
    for chunks in 0..=3 {
        let played = Laptop::new().sync(ONE, 1, ON, &[Act::Stop(chunks)]).await;
        let summary = played.ended.as_ref().unwrap();
        assert_eq!((summary.losses, summary.tables[0].rows), (1, 4));
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_forgotten_cursor_begins_anew() {
    let laptop = Laptop::new();
    laptop.sync(ONE, 1, Reconnect::Off, &[Act::Cut(2)]).await;
    for refusal in [Status::BAD_REQUEST, Status::UNAVAILABLE, Status::TOO_MANY] {
        let played = laptop.sync(ONE, 1, ON, &[Act::Refuse(refusal)]).await;
        assert_eq!(status(&played.ended), Some(refusal));
        assert_eq!(played.starts, [[]; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_loss_a_busy_server_is_waited_for() {
    let busy = Act::Refuse(Status::TOO_MANY);
    let played = Laptop::new()
        .sync(ONE, 1, ON, &[Act::Cut(2), busy, busy, busy])
        .await;
    assert_eq!(played.starts, [[Begin::First], [after(1)]]);
    let summary = played.ended.as_ref().unwrap();
    assert_eq!((summary.losses, played.rows()), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_not_waited_for_without_end_but_longer_than_a_dead_session_lives() {
    let acts = [
        &[Act::Cut(2)],
        [Act::Refuse(Status::TOO_MANY); 50].as_slice(),
    ]
    .concat();
    let played = Laptop::new().sync(ONE, 1, ON, &acts).await;
    assert_eq!(status(&played.ended), Some(Status::TOO_MANY));
    assert!(played.took > Duration::from_secs(10), "{:?}", played.took);
    assert!(played.took < Duration::from_secs(60), "{:?}", played.took);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_an_interrupted_sync_has_finished_is_not_sent_again() {
    let laptop = Laptop::new();
    laptop.sync(TWO, 1, Reconnect::Off, &[Act::Cut(6)]).await;
    let played = laptop.sync(TWO, 2, ON, &[]).await;
    assert_eq!(played.starts, [[Begin::Skip, after(1)]]);
    assert_eq!((played.resumed(), played.rows()), (vec![6], 2));
    let summary = played.ended.as_ref().unwrap();
    assert_eq!(
        summary
            .tables
            .iter()
            .map(|table| table.rows)
            .collect::<Vec<_>>(),
        [4, 4]
    );
    assert!(summary.spans_snapshots && summary.mixed_pseudonyms);
    // What has come to its end begins anew.
    let again = laptop.sync(TWO, 2, ON, &[]).await;
    assert_eq!(again.starts, [[Begin::First, Begin::First]]);
    assert!(!again.ended.unwrap().spans_snapshots);
}

#[tokio::test(start_paused = true)]
async fn a_finished_table_is_sent_again_when_something_else_is_asked_for() {
    let laptop = Laptop::new();
    laptop.sync(TWO, 1, Reconnect::Off, &[Act::Cut(6)]).await;
    let alone = laptop.sync(ONE, 1, ON, &[]).await;
    assert_eq!(alone.starts, [[Begin::First]]);
}

#[tokio::test(start_paused = true)]
async fn who_replaces_gets_all_tables_from_one_moment() {
    let mut laptop = Laptop::new();
    laptop.mode = Mode::Replace;
    laptop.sync(TWO, 1, Reconnect::Off, &[Act::Cut(6)]).await;
    let played = laptop.sync(TWO, 1, ON, &[]).await;
    assert_eq!(played.starts, [[Begin::First, Begin::First]]);
    assert!(!played.ended.unwrap().spans_snapshots);
}
