//! A session that one process holds and others run over: a virtual network behind the holder, a real
//! control socket before it.
#![cfg(test)]
#![cfg(unix)]

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use tempfile::TempDir;
use testkit::net::Link;
use testkit::pair::Pair;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use transport::backoff::BackoffPolicy;
use transport::channel::{Channel, ChannelError, Priority};
use transport::endpoint::DialError;
use transport::flow::{Drain, Pour};
use transport::held::{
    About, Bound, Claim, Holder, Place, PlaceError, SharedDial, disconnect, status,
};
use transport::keeper::{Dial, Event, GiveUp, Keeper, Reconnect};
use transport::router::{Handler, Router, ServeError, Visit};
use transport::session::{Protocol, Session, close_code};
use transport::tasks::Tasks;
use transport::trust::{HandshakeError, KeyId, Scopes};
use wire::{CloseCode, Fault, Status, WelcomeBody};

/// Answers a number with its double; refuses 13, and revokes the key for 0.
#[derive(Debug)]
struct Double;

/// Pours numbers without end, 1,000 bytes each, and counts those who leave.
#[derive(Debug)]
struct Count {
    poured: Arc<AtomicU64>,
    left: Arc<Semaphore>,
}

const DOUBLE: Protocol = protocol("double", Priority::Call);
const COUNT: Protocol = protocol("count", Priority::Bulk);
const VERSION: &str = "1.0.0";
const RECONNECT: Reconnect = Reconnect::On(BackoffPolicy {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(4),
    attempts: None,
});

const fn protocol(feature: &'static str, priority: Priority) -> Protocol {
    Protocol {
        feature,
        version: 1,
        priority,
        longest_request: 1024,
        longest_reply: 4096,
    }
}

impl Handler for Double {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            while let Some(number) = channel.receive::<u64>().await? {
                match number {
                    0 => visit.session.close(CloseCode::REVOKED).await,
                    13 => return Err(Fault::new(Status::CONFLICT, "not today").into()),
                    _ => channel.send(&(number * 2)).await?,
                }
            }
            Ok(channel.finish().await?)
        })
    }
}

impl Handler for Count {
    fn serve<'a>(
        &'a self,
        channel: &'a mut Channel,
        _visit: &'a Visit,
    ) -> BoxFuture<'a, Result<(), ServeError>> {
        Box::pin(async move {
            let first: Option<u64> = channel.receive().await?;
            let mut number = first.ok_or(ChannelError::Missing("a number"))?;
            let mut pour = Pour::<u64>::new(channel);
            let left = loop {
                if let Err(error) = pour.send(&(number, vec![0_u8; 1000])).await {
                    break error;
                }
                self.poured.fetch_add(1, Ordering::Relaxed);
                number += 1;
            };
            self.left.add_permits(1);
            Err(left.into())
        })
    }
}

/// Finds another server than it looks for, and counts the tries.
#[derive(Debug, Default)]
struct Imposter(AtomicU64);

impl Dial for Imposter {
    fn dial(&self) -> BoxFuture<'_, Result<(Session, WelcomeBody), DialError>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Err(DialError::Handshake(HandshakeError::Imposter)) })
    }
}

/// A server, a holder of a session with it, and a folder for the control socket.
struct Play {
    pair: Pair,
    holder: Keeper,
    tasks: Tasks,
    serving: Holder,
    folder: TempDir,
    poured: Arc<AtomicU64>,
    left: Arc<Semaphore>,
    /// Who was the last to dial: each has an address of its own.
    host: AtomicU8,
}

impl Play {
    async fn begin() -> Self {
        Self::on(Link::default()).await
    }

    async fn on(link: Link) -> Self {
        let (poured, left) = (Arc::default(), Arc::new(Semaphore::new(0)));
        let router = router(&poured, &left);
        let pair = Pair::serve(router, Scopes::default(), link);
        let holder = Keeper::start(pair.dial_from(2), RECONNECT).await.unwrap();
        let (folder, tasks) = (tempfile::tempdir().unwrap(), Tasks::new());
        let bound = place(&folder).claim().unwrap().listen().unwrap();
        let serving = serve(bound, &holder, &tasks);
        Self {
            pair,
            holder,
            tasks,
            serving,
            folder,
            poured,
            left,
            host: AtomicU8::new(2),
        }
    }

    fn place(&self) -> Place {
        place(&self.folder)
    }

    /// Returns what a command of this version dials with, and what it is told.
    fn shared(&self, version: &str) -> (Arc<dyn Dial>, Arc<Mutex<Vec<String>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let hear = {
            let told = Arc::clone(&told);
            move |error: &transport::held::JoinError| {
                told.lock().unwrap().push(error.to_string());
            }
        };
        let host = self.host.fetch_add(1, Ordering::Relaxed) + 1;
        let own = self.pair.dial_from(host);
        let dial = SharedDial::new(own, self.place(), "play", version, hear);
        (Arc::new(dial), told)
    }

    async fn command(&self) -> Keeper {
        let (dial, _) = self.shared(VERSION);
        Keeper::start(dial, RECONNECT).await.unwrap()
    }

    async fn session(&self) -> Session {
        let (session, _) = self.shared(VERSION).0.dial().await.unwrap();
        assert!(session.is_held());
        session
    }
}

fn router(poured: &Arc<AtomicU64>, left: &Arc<Semaphore>) -> Router {
    let mut router = Router::default();
    router.add(DOUBLE, Arc::new(Double));
    let (poured, left) = (Arc::clone(poured), Arc::clone(left));
    router.add(COUNT, Arc::new(Count { poured, left }));
    router
}

fn place(folder: &TempDir) -> Place {
    Place::new(Some(folder.path()), "quic://play", KeyId([7; 8]))
}

fn serve(bound: Bound, keeper: &Keeper, tasks: &Tasks) -> Holder {
    let about = About {
        version: VERSION.to_owned(),
        server: "quic://play".to_owned(),
        runs: vec!["logs".to_owned()],
    };
    Holder::start(bound, keeper.clone(), about, tasks)
}

async fn double(session: &Session, number: u64) -> Result<u64, ChannelError> {
    session.call(&DOUBLE, &number).await
}

#[tokio::test]
async fn a_call_over_a_held_session_is_answered_and_a_fault_comes_through() {
    let play = Play::begin().await;
    let command = play.command().await;
    let session = command.session().await.unwrap();
    assert_eq!(double(&session, 21).await.unwrap(), 42);
    let refused = double(&session, 13).await;
    assert!(matches!(refused, Err(ChannelError::Fault(fault)) if fault.status == Status::CONFLICT));
    assert_eq!(command.welcome(), play.holder.welcome());
    let (theirs, ours) = (play.holder.snapshot().unwrap(), command.snapshot().unwrap());
    assert_eq!((ours.carrier, ours.record), (theirs.carrier, theirs.record));
    let held = play.holder.session().await.unwrap();
    assert_eq!(session.binding(), held.binding());
    assert!(session.received_bytes() > 0);
}

#[tokio::test]
async fn messages_go_both_ways_until_each_end_has_finished() {
    let play = Play::begin().await;
    let session = play.session().await;
    let mut channel = session.open(&DOUBLE, &20_u64).await.unwrap();
    for number in 20..100_u64 {
        assert_eq!(channel.receive().await.unwrap(), Some(number * 2));
        channel.send(&(number + 1)).await.unwrap();
    }
    channel.finish().await.unwrap();
    assert_eq!(channel.receive().await.unwrap(), Some(200_u64));
    assert_eq!(channel.receive::<u64>().await.unwrap(), None);
}

#[tokio::test]
async fn a_flow_waits_for_who_is_slow_and_ends_at_once_with_who_leaves() {
    let play = Play::begin().await;
    let session = play.session().await;
    let mut drain = Drain::<(u64, Vec<u8>)>::new(session.open(&COUNT, &0_u64).await.unwrap());
    for expected in 0..5_000 {
        let (number, _) = drain.next().await.unwrap().unwrap();
        assert_eq!(number, expected);
    }
    // Other commands go on meanwhile.
    assert_eq!(double(&play.session().await, 4).await.unwrap(), 8);
    drop(drain);
    let _left = play.left.acquire().await.unwrap();
    // What stood in windows and sockets: a window each, and the system's buffers.
    let ahead = play.poured.load(Ordering::Relaxed) - 5_000;
    assert!(ahead < 8_000, "{ahead} kB were on the way");
}

#[tokio::test(start_paused = true)]
async fn six_commands_at_once_over_a_bad_link_do_not_disturb_each_other() {
    let play = Play::on(Link {
        rate: Some(250_000),
        delay: Duration::from_millis(40),
        loss: 5,
        ..Link::default()
    })
    .await;
    let bulk = join_all((0..2_u64).map(|first| {
        let play = &play;
        async move {
            let flow = play.session().await.open(&COUNT, &first).await.unwrap();
            let mut drain = Drain::<(u64, Vec<u8>)>::new(flow);
            for step in 0..1_000 {
                let (number, _) = drain.next().await.unwrap().unwrap();
                assert_eq!(number, first + step);
            }
        }
    }));
    let calls = join_all((0..4).map(|_| {
        let play = &play;
        async move {
            let session = play.session().await;
            let mut took = Vec::new();
            for number in 20..60 {
                let asked = Instant::now();
                assert_eq!(double(&session, number).await.unwrap(), 2 * number);
                took.push(asked.elapsed());
            }
            took
        }
    }));
    let ((), took) = tokio::join!(async { drop(bulk.await) }, calls);
    let mut took = took.concat();
    took.sort_unstable();
    let (median, worst) = (took[took.len() / 2], took[took.len() - 1]);
    // The round trip is 80 ms; a loss costs another two or three.
    assert!(median < Duration::from_millis(130), "{median:?}");
    assert!(worst < Duration::from_millis(600), "{worst:?}");
}

#[tokio::test]
async fn a_revoked_key_ends_who_is_attached_as_it_ends_the_holder() {
    let play = Play::begin().await;
    let command = play.command().await;
    let session = command.session().await.unwrap();
    let error = double(&session, 0).await.unwrap_err();
    assert!(error.is_revoked(), "{error:?}");
    assert!(command.gone().await.is_revoked());
    assert!(play.holder.gone().await.is_revoked());
}

#[tokio::test]
async fn when_the_holder_is_gone_its_commands_go_on_by_themselves() {
    let play = Play::begin().await;
    for reconnect in [RECONNECT, Reconnect::Off] {
        let (dial, told) = play.shared(VERSION);
        let bound = place(&play.folder).claim().and_then(Claim::listen);
        let tasks = match bound {
            // The second time the first holder is gone.
            Ok(bound) => {
                let tasks = Tasks::new();
                serve(bound, &play.holder, &tasks);
                tasks
            }
            Err(PlaceError::Taken) => play.tasks.clone(),
            Err(error) => panic!("{error}"),
        };
        let command = Keeper::start(dial, reconnect).await.unwrap();
        let held = command.session().await.unwrap();
        assert!(held.is_held());
        let mut cut = held.open(&DOUBLE, &1_u64).await.unwrap();
        assert_eq!(cut.receive().await.unwrap(), Some(2_u64));
        tasks.shutdown(Duration::from_secs(1)).await;
        let lost = cut.receive::<u64>().await.unwrap_err();
        assert!(lost.is_lost(), "{lost:?}");
        let reason = close_code(&held.closed().await);
        assert_eq!(reason, Some(CloseCode::HOLDER_GONE));
        let own = command.session().await.unwrap();
        assert!(!own.is_held());
        assert_eq!(double(&own, 5).await.unwrap(), 10);
        assert_eq!(command.record().reconnects, 0, "nothing was lost");
        assert_eq!(told.lock().unwrap().len(), 0);
    }
}

#[tokio::test]
async fn who_cannot_go_on_by_itself_hears_why_and_does_not_try_what_is_hopeless_again() {
    let play = Play::begin().await;
    let mut keepers = Vec::new();
    for reconnect in [RECONNECT, Reconnect::Off] {
        let own = Arc::new(Imposter::default());
        let dial = SharedDial::new(own.clone(), play.place(), "play", VERSION, |_| {});
        let keeper = Keeper::start(Arc::new(dial), reconnect).await.unwrap();
        keepers.push((keeper, own));
    }
    play.tasks.shutdown(Duration::from_secs(1)).await;
    for (keeper, own) in keepers {
        let why = keeper.gone().await;
        assert!(matches!(why, GiveUp::Dial(_)), "{why:?}");
        assert_eq!(own.0.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn commands_move_with_their_holder_and_old_flows_go_on() {
    let mut play = Play::begin().await;
    let (say, mut events) = tokio::sync::mpsc::unbounded_channel();
    let (dial, _) = play.shared(VERSION);
    let listener = Box::new(move |event| drop(say.send(event)));
    let command = Keeper::start_heard(dial, RECONNECT, listener)
        .await
        .unwrap();
    let first = command.session().await.unwrap();
    let mut old = first.open(&DOUBLE, &1_u64).await.unwrap();
    assert_eq!(old.receive().await.unwrap(), Some(2_u64));
    let next = router(&play.poured, &play.left);
    let before = play.pair.deploy(next, Scopes::default());
    before.stop();
    first.superseded().await;
    assert!(matches!(events.recv().await, Some(Event::Leaving)));
    assert!(matches!(
        events.recv().await,
        Some(Event::Authenticated { .. })
    ));
    assert!(first.close_reason().is_none(), "there was a gap");
    old.send(&2_u64).await.unwrap();
    assert_eq!(old.receive().await.unwrap(), Some(4_u64));
    let second = command.session().await.unwrap();
    assert!(second.is_held());
    assert_eq!(double(&second, 3).await.unwrap(), 6);
    assert_eq!(command.welcome(), play.holder.welcome());
}

#[tokio::test]
async fn another_version_is_named_once_and_runs_alone() {
    let play = Play::begin().await;
    let (dial, told) = play.shared("2.0.0");
    for _ in 0..2 {
        let (session, _) = dial.dial().await.unwrap();
        assert!(!session.is_held());
    }
    let words = "the session is held by version 1.0.0, and this is 2.0.0";
    assert_eq!(*told.lock().unwrap(), [words]);
}

#[tokio::test]
async fn a_holder_says_what_it_holds_and_ends_when_it_is_asked() {
    let play = Play::begin().await;
    let _command = play.command().await;
    // Whatever version asks.
    let held = status(&play.place(), "0.9.0").await.unwrap().unwrap();
    assert_eq!(held.process, std::process::id());
    assert_eq!((&*held.version, &*held.server), (VERSION, "quic://play"));
    assert_eq!(held.runs, ["logs"]);
    assert_eq!(held.welcome.as_ref(), play.holder.welcome().as_deref());
    let commands: Vec<_> = held.attached.iter().map(|one| &*one.command).collect();
    assert_eq!(commands, ["play"]);
    let place = play.place();
    let ending = async {
        play.serving.asked_to_stop().await;
        play.holder.close().await;
        play.tasks.shutdown(Duration::from_secs(1)).await;
    };
    let (ended, ()) = tokio::join!(disconnect(&place, VERSION), ending);
    assert_eq!(ended.unwrap(), Some(()));
    assert_eq!(status(&place, VERSION).await.unwrap(), None);
    assert_eq!(disconnect(&place, VERSION).await.unwrap(), None);
}

#[tokio::test]
async fn nonsense_on_the_socket_harms_nobody() {
    let play = Play::begin().await;
    let session = play.session().await;
    let greeting = b"rtcs\x00\x01\x051.0.0";
    let unknown = b"rtcs\x00\x63\x051.0.0";
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[greeting, &b"\x00\xff\xff\xff"[..]].concat(),
        &[greeting, &b"\x00\x00\x00\x01\x63"[..]].concat(),
        // A session that never was.
        &[greeting, &b"\x00\x00\x00\x03\x01\x7f\x00"[..]].concat(),
        unknown,
    ] {
        let mut stream = UnixStream::connect(play.place().socket()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // It is closed, in whichever way, and no answer follows the greeting.
        stream.read_to_end(&mut answer).await.ok();
        assert!(answer.is_empty() || answer == greeting, "{answer:?}");
    }
    assert_eq!(double(&session, 2).await.unwrap(), 4);
}

#[tokio::test]
async fn there_is_a_bound_on_connections_and_who_finds_no_room_runs_alone() {
    let play = Play::begin().await;
    let mut idle = Vec::new();
    for _ in 0..128 + 8 {
        idle.push(UnixStream::connect(play.place().socket()).await.unwrap());
    }
    let command = play.command().await;
    assert!(!command.session().await.unwrap().is_held());
}

#[tokio::test]
async fn who_asks_and_who_wants_the_end_always_find_room() {
    let play = Play::begin().await;
    let mut commands = Vec::new();
    for _ in 0..128 {
        let command = play.command().await;
        assert!(command.session().await.unwrap().is_held());
        commands.push(command);
    }
    let late = play.command().await;
    assert!(!late.session().await.unwrap().is_held());
    let place = play.place();
    let held = status(&place, VERSION).await.unwrap().unwrap();
    assert_eq!(held.attached.len(), 128);
    let ending = async {
        play.serving.asked_to_stop().await;
        play.holder.close().await;
        play.tasks.shutdown(Duration::from_secs(1)).await;
    };
    let (ended, ()) = tokio::join!(disconnect(&place, VERSION), ending);
    assert_eq!(ended.unwrap(), Some(()));
}
