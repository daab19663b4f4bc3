//! Links, queues and doors by themselves. Sessions on them are in `tests/websocket.rs`.

mod hostile;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use http::{HeaderMap, HeaderValue, header};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{Role as WebSocketRole, WebSocketConfig};
use wire::{Act, Pass};

use super::door::{Door, Refusal};
use super::link::{LinkEnd, carry, settings};
use super::queues::{Above, Full, Queues, Standing};
use crate::endpoint::Reception;
use crate::tasks::Tasks;
use crate::trust::{
    BadPass, Key, KeyRing, Scopes, ServerName, ServerTrust, system_clock, write_pass,
};

/// Counts what it is told to have taken.
struct Quic(Arc<AtomicU64>);

impl Above for Quic {
    fn taken(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn stir(&self) {}
}

const PACKET: usize = super::MAX_PACKET as usize;

/// A link with QUIC's side of its queues, and the peer at its other end, who may write anything.
struct Stage {
    queues: Queues,
    link: JoinHandle<LinkEnd>,
    peer: WebSocketStream<DuplexStream>,
}

impl Stage {
    async fn set(tasks: &Tasks) -> Self {
        let queues = Queues::default();
        let (link, peer) = Self::link(tasks, &queues).await;
        Self { queues, link, peer }
    }

    async fn link(
        tasks: &Tasks,
        queues: &Queues,
    ) -> (JoinHandle<LinkEnd>, WebSocketStream<DuplexStream>) {
        let (ours, theirs) = duplex(WIRE);
        let role = WebSocketRole::Server;
        let ours = WebSocketStream::from_raw_socket(ours, role, Some(settings())).await;
        // The peer keeps to no bounds.
        let config = Some(WebSocketConfig::default());
        let peer = WebSocketStream::from_raw_socket(theirs, WebSocketRole::Client, config).await;
        let link = tasks.spawn("link", carry(ours, queues.clone(), queues.attach()));
        (link, peer)
    }

    /// Returns the next packet that QUIC would get.
    async fn received(&self) -> Vec<u8> {
        received(&self.queues).await
    }

    /// Returns the code that the peer is told at the end, and why the link ended.
    async fn end(mut self) -> (Option<u16>, LinkEnd) {
        let told = loop {
            match self.peer.next().await {
                Some(Ok(Message::Close(frame))) => break frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break None,
            }
        };
        (told, self.link.await.unwrap())
    }
}

async fn received(queues: &Queues) -> Vec<u8> {
    let mut packet = Vec::new();
    std::future::poll_fn(|cx| queues.poll_received(cx, 1, |bytes| packet = bytes.to_vec())).await;
    packet
}

fn send(queues: &Queues, packet: &[u8]) -> Result<(), Full> {
    queues.send(std::iter::once(packet))
}

async fn next_packet(peer: &mut WebSocketStream<DuplexStream>) -> Bytes {
    loop {
        if let Message::Binary(packet) = peer.next().await.unwrap().unwrap() {
            return packet;
        }
    }
}

/// What a socket's buffers would hold.
const WIRE: usize = 64 * 1024;

#[tokio::test(start_paused = true)]
async fn packets_pass_both_ways_with_pings_in_between() {
    let tasks = Tasks::new();
    let mut stage = Stage::set(&tasks).await;
    send(&stage.queues, b"down").unwrap();
    assert_eq!(next_packet(&mut stage.peer).await, "down");
    for message in [
        Message::Ping("are you there".into()),
        Message::Binary("up".into()),
        Message::Pong(Bytes::new()),
        Message::Binary(vec![7; PACKET].into()),
    ] {
        stage.peer.send(message).await.unwrap();
    }
    assert_eq!(stage.received().await, b"up");
    assert_eq!(stage.received().await, vec![7; PACKET]);
    let answer = stage.peer.next().await.unwrap().unwrap();
    assert_eq!(answer, Message::Pong("are you there".into()));
}

#[tokio::test(start_paused = true)]
async fn a_message_torn_into_frames_is_one_packet() {
    let tasks = Tasks::new();
    let mut stage = Stage::set(&tasks).await;
    let part = |bytes: &'static str, code, is_last| {
        Message::Frame(Frame::message(bytes, OpCode::Data(code), is_last))
    };
    for message in [
        part("one ", Data::Binary, false),
        Message::Ping(Bytes::new()),
        part("packet", Data::Continue, true),
    ] {
        stage.peer.send(message).await.unwrap();
    }
    assert_eq!(stage.received().await, b"one packet");
}

#[tokio::test(start_paused = true)]
async fn what_no_tunnel_sends_ends_the_link_with_its_code() {
    let long = vec![0; PACKET + 1];
    let half = vec![0; PACKET / 2 + 1];
    let frame = |code, bytes: Vec<u8>, is_last| {
        Message::Frame(Frame::message(bytes, OpCode::Data(code), is_last))
    };
    for (messages, code, shown) in [
        (vec![Message::Text("hello".into())], 1003, "text"),
        (
            vec![Message::Binary(Bytes::new())],
            1002,
            "an empty message",
        ),
        (vec![Message::Binary(long.into())], 1009, "too long"),
        (
            vec![
                frame(Data::Binary, half.clone(), false),
                frame(Data::Continue, half, true),
            ],
            1009,
            "too long",
        ),
        (
            vec![frame(Data::Continue, vec![1], true)],
            1002,
            "no WebSocket frame",
        ),
    ] {
        let tasks = Tasks::new();
        let mut stage = Stage::set(&tasks).await;
        for message in messages {
            // The link may have ended at the first.
            stage.peer.send(message).await.ok();
        }
        let (told, end) = stage.end().await;
        assert_eq!(told, Some(code), "{shown}");
        assert!(end.to_string().contains(shown), "{end}");
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_frames_end_the_link_and_reach_nobody() {
    let tasks = Tasks::new();
    let mut stage = Stage::set(&tasks).await;
    let raw = stage.peer.get_mut();
    raw.write_all(&[0xff; 64]).await.unwrap();
    let queues = stage.queues.clone();
    let (_, end) = stage.end().await;
    assert!(matches!(end, LinkEnd::Unusable(_)), "{end}");
    assert!(received(&queues).now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closes_leaves_the_queues_to_the_next_link() {
    let tasks = Tasks::new();
    let mut stage = Stage::set(&tasks).await;
    stage.peer.close(None).await.unwrap();
    assert!(matches!(stage.link.await.unwrap(), LinkEnd::Closed(_)));
    stage.queues.vacant().await;
    send(&stage.queues, b"kept").unwrap();
    let (_link, mut peer) = Stage::link(&tasks, &stage.queues).await;
    assert_eq!(next_packet(&mut peer).await, "kept");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_cut_is_no_frame_that_websockets_do_not_know() {
    let tasks = Tasks::new();
    let stage = Stage::set(&tasks).await;
    drop(stage.peer);
    let end = stage.link.await.unwrap();
    assert!(matches!(end, LinkEnd::Closed(None)), "{end}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_is_asked_and_given_up_within_ten_seconds() {
    let tasks = Tasks::new();
    let stage = Stage::set(&tasks).await;
    let began = Instant::now();
    // It takes what comes and answers nothing, not even a ping.
    let (_silent, link) = (stage.peer, stage.link);
    assert!(matches!(link.await.unwrap(), LinkEnd::Silent));
    assert!(
        began.elapsed() <= Duration::from_secs(11),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_pings_keeps_an_idle_link() {
    let tasks = Tasks::new();
    let mut stage = Stage::set(&tasks).await;
    let answering = async { while stage.peer.next().await.is_some() {} };
    let minute = tokio::time::timeout(Duration::from_secs(60), answering);
    assert!(minute.await.is_err(), "the link was closed");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_reading_holds_quic_back_within_bounds() {
    let tasks = Tasks::new();
    let stage = Stage::set(&tasks).await;
    let mut taken = 0;
    loop {
        while send(&stage.queues, &[1; PACKET]).is_ok() {
            taken += PACKET;
        }
        let room = std::future::poll_fn(|cx| stage.queues.poll_writable(cx));
        if tokio::time::timeout(Duration::from_secs(1), room)
            .await
            .is_err()
        {
            break;
        }
    }
    assert!(taken <= WIRE + 128 * 1024, "{taken} bytes were taken");
}

#[tokio::test(start_paused = true)]
async fn a_second_link_sends_when_quic_has_taken_a_packet_of_it_and_not_before() {
    let tasks = Tasks::new();
    let mut stage = Stage::set(&tasks).await;
    let taken = Arc::new(AtomicU64::new(5));
    stage
        .queues
        .sit_under(Some(Arc::new(Quic(Arc::clone(&taken)))));

    let (_link, mut second) = Stage::link(&tasks, &stage.queues).await;
    send(&stage.queues, b"to the first").unwrap();
    assert_eq!(next_packet(&mut stage.peer).await, "to the first");
    // Noise that QUIC cannot decrypt counts for nothing.
    second.send(Message::Binary("noise".into())).await.unwrap();
    assert_eq!(received(&stage.queues).await, b"noise");
    send(&stage.queues, b"to the first still").unwrap();
    assert_eq!(next_packet(&mut stage.peer).await, "to the first still");

    taken.fetch_add(1, Ordering::Relaxed);
    assert!(matches!(stage.link.await.unwrap(), LinkEnd::Done));
    send(&stage.queues, b"to the second").unwrap();
    assert_eq!(next_packet(&mut second).await, "to the second");
}

#[tokio::test(start_paused = true)]
async fn a_second_link_that_ends_unproved_leaves_the_first_in_place() {
    let tasks = Tasks::new();
    let mut stage = Stage::set(&tasks).await;
    let (link, second) = Stage::link(&tasks, &stage.queues).await;
    drop(second);
    link.await.unwrap();
    stage.peer.send(Message::Binary("up".into())).await.unwrap();
    assert_eq!(stage.received().await, b"up");
    send(&stage.queues, b"down").unwrap();
    assert_eq!(next_packet(&mut stage.peer).await, "down");
}

#[tokio::test(start_paused = true)]
async fn what_quic_sent_before_it_was_dropped_still_leaves() {
    let tasks = Tasks::new();
    let mut stage = Stage::set(&tasks).await;
    send(&stage.queues, b"the last word").unwrap();
    stage.queues.finish();
    assert_eq!(next_packet(&mut stage.peer).await, "the last word");
    assert!(matches!(stage.link.await.unwrap(), LinkEnd::Done));
}

#[test]
fn a_session_that_is_given_up_takes_packets_and_drops_them() {
    let queues = Queues::default();
    let link = queues.attach();
    while send(&queues, &[1; PACKET]).is_ok() {}
    queues.abandon();
    assert_eq!(send(&queues, &[1; PACKET]), Ok(()));
    let cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert_eq!(queues.poll_standing(link, &cx), Standing::Over);
    assert_eq!(queues.poll_take(link, &cx), Poll::Pending);
}

fn key(secret: &str) -> Key {
    Key::derive("test", &secret.parse().unwrap(), Scopes::default()).unwrap()
}

const OURS: &str = "5f2b8e0c9a714d36b1e7f08c2d9a6b43";
const COLLEAGUES: &str = "6f2b8e0c9a714d36b1e7f08c2d9a6b43";

fn door() -> Arc<Door> {
    let trust = ServerTrust {
        keys: Arc::new(KeyRing::new([key(OURS), key(COLLEAGUES)]).unwrap()),
        name: ServerName {
            server_id: "test".into(),
            instance: [0; 16],
            environment: "production".into(),
            program: "test".into(),
            features: Vec::new(),
            udp_port: None,
        },
        clock: system_clock(),
    };
    Arc::new(Door::new(Arc::new(Reception::new(trust))).unwrap())
}

fn headers(secret: &str, act: Act, nonce: u8) -> HeaderMap {
    let key = key(secret);
    let pass = Pass {
        key_id: key.id().0,
        time: system_clock()(),
        nonce: [nonce; 16],
        session: [7; 16],
        act,
        host: "app.example.com:443".into(),
    };
    let mut headers = HeaderMap::new();
    let value = HeaderValue::try_from(write_pass(&key, &pass)).unwrap();
    headers.insert(header::AUTHORIZATION, value);
    headers
}

const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

#[tokio::test(start_paused = true)]
async fn an_upgrade_is_granted_once() {
    let door = door();
    let headers = headers(OURS, Act::Open, 1);
    assert!(door.check(&headers, FROM).await.is_ok());
    let again = door.check(&headers, FROM).await;
    assert_eq!(again.unwrap_err(), Refusal::Pass(BadPass::Used));
}

#[tokio::test(start_paused = true)]
async fn a_link_finds_the_session_of_its_own_key_alone() {
    let door = door();
    let gone = door.check(&headers(OURS, Act::Attach, 1), FROM).await;
    assert_eq!(gone.unwrap_err(), Refusal::Gone);

    let listed = door.list_for_test(key(OURS).id(), [7; 16]);
    assert!(
        door.check(&headers(OURS, Act::Attach, 2), FROM)
            .await
            .is_ok()
    );
    let colleague = door.check(&headers(COLLEAGUES, Act::Attach, 3), FROM).await;
    assert_eq!(colleague.unwrap_err(), Refusal::Gone);
    let taken = door.check(&headers(OURS, Act::Open, 4), FROM).await;
    assert_eq!(taken.unwrap_err(), Refusal::Taken);

    drop(listed);
    let gone = door.check(&headers(OURS, Act::Attach, 5), FROM).await;
    assert_eq!(gone.unwrap_err(), Refusal::Gone);
}

#[tokio::test(start_paused = true)]
async fn a_guess_is_answered_late_and_a_good_pass_at_once() {
    let door = door();
    let began = Instant::now();
    door.check(&headers(OURS, Act::Open, 1), FROM)
        .await
        .unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    for _ in 0..5 {
        let unknown = headers("7f2b8e0c9a714d36b1e7f08c2d9a6b43", Act::Open, 2);
        let refused = door.check(&unknown, FROM).await;
        assert_eq!(refused.unwrap_err(), Refusal::Pass(BadPass::Key));
    }
    assert!(
        began.elapsed() > Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    let began = Instant::now();
    door.check(&headers(OURS, Act::Open, 3), FROM)
        .await
        .unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
}
