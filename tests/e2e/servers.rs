//! Servers that end without a word, come back, stand still, or are others than before.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use client::logs::client::LogItem;
use client::{BackoffPolicy, CarrierChoice, Logs, Reconnect, TunnelClient};
use server::TunnelServer;

use crate::harness::{ANY, SECRET, Story, from_the_oldest, production};
use crate::support::relay::Relay;

const QUICKLY: Reconnect = Reconnect::On(BackoffPolicy {
    first: Duration::from_millis(50),
    longest: Duration::from_millis(500),
    attempts: None,
});

async fn client_of(address: SocketAddr) -> TunnelClient {
    TunnelClient::builder()
        .server(format!("http://{address}").parse().expect("an address"))
        .secret(SECRET.parse().expect("a good secret"))
        .carrier(CarrierChoice::WebSocket)
        .reconnect(QUICKLY)
        .connect()
        .await
        .expect("a session")
}

async fn instance() -> TunnelServer {
    let server = production("sqlite:///nowhere.db").http_address(Some(ANY));
    server.start().await.expect("a server")
}

#[tokio::test(flavor = "multi_thread")]
async fn where_another_instance_answers_the_reconnect_flows_go_on_there() {
    let (one, other) = (instance().await, instance().await);
    let relay = Relay::before(one.http_address().unwrap()).await;
    let client = client_of(relay.address).await;
    let mut story = Story::begin(&one, &client).await;
    story.tell(3);
    story.heard().await;

    relay.lead_to(other.http_address().unwrap());
    // The WebSocket that would go on with the session, and after its refusal that of another.
    relay.requests(3).await;
    story.move_to(&other);
    story.tell(3);
    story.heard().await;
    assert_eq!(client.connection().unwrap().record.reconnects, 1);
    assert_eq!(story.missed.len(), 1, "what was not heard there is said");
    client.disconnect().await;
    // It would wait for the session to move, of which it does not know that it has.
    drop(one);
    other.stop().await;
}

/// A server in a process of its own, whose standard input is its log; killed when it is dropped.
struct Other {
    process: Child,
    says: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Other {
    /// Starts one at an address, as soon as the system gives it.
    fn start(address: SocketAddr) -> Self {
        let program = std::env::current_exe().expect("the tests have a program");
        let mut process = Command::new(program)
            .args([
                "--ignored",
                "--exact",
                "--nocapture",
                "servers::another_process",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let says = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut other = Self {
            process,
            says,
            address,
        };
        other.tell(&address.to_string());
        let listening = other.said("listening on ");
        other.address = listening.parse().expect("an address");
        other
    }

    /// Writes a line to its log.
    fn tell(&mut self, line: &str) {
        let log = self.process.stdin.as_mut().expect("it is piped");
        writeln!(log, "{line}").expect("it reads");
    }

    fn said(&mut self, beginning: &str) -> String {
        let mut line = String::new();
        while self.says.read_line(&mut line).expect("text") > 0 {
            if let Some((_, rest)) = line.trim().split_once(beginning) {
                return rest.to_owned();
            }
            line.clear();
        }
        panic!("it ended without {beginning:?}")
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status();
        assert!(sent.expect("kill").success());
    }

    /// Kills it without a last word, and starts another in its place.
    fn kill_and_start_again(mut self) -> Self {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
        Self::start(self.address)
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[tokio::test]
#[ignore = "it is not a test, but the program that tests start"]
async fn another_process() {
    let mut lines = BufReader::new(std::io::stdin()).lines();
    // Nobody has started it but a run of the tests that are ignored.
    let Some(Ok(address)) = lines.next() else {
        return;
    };
    let address: SocketAddr = address.parse().unwrap();
    let server = loop {
        let server = production("sqlite:///nowhere.db").http_address(Some(address));
        match server.start().await {
            Ok(server) => break server,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    println!("\nlistening on {}", server.http_address().unwrap());
    let ring = server.ring().clone();
    let reading = tokio::task::spawn_blocking(move || {
        let mut feed = client::logs::Feed::new(ring, client::logs::Origin::service("app"));
        for line in lines.map_while(Result::ok) {
            feed.push(format!("{line}\n").as_bytes());
        }
    });
    reading.await.unwrap();
    server.stop().await;
}

/// Waits for a line, whatever comes before it.
async fn hear(logs: &mut Logs, wanted: &str) {
    loop {
        match logs.next().await.expect("the stream goes on") {
            Some(LogItem::Entry(entry))
                if entry.line().is_some_and(|line| line.message == wanted) =>
            {
                return;
            }
            Some(_) => {}
            None => panic!("a log that is followed has no end"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_and_comes_back_twice_in_a_row_is_found_again() {
    let mut server = Other::start(ANY);
    let client = client_of(server.address).await;
    let mut logs = client.stream_logs(from_the_oldest()).await.unwrap();
    for life in 1..=3 {
        server.tell(&format!("life {life}"));
        hear(&mut logs, &format!("life {life}")).await;
        if life < 3 {
            server = server.kill_and_start_again();
        }
    }
    assert_eq!(client.connection().unwrap().record.reconnects, 2);
    client.disconnect().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stands_still_for_a_while_keeps_its_session() {
    let mut server = Other::start(ANY);
    let client = client_of(server.address).await;
    let mut logs = client.stream_logs(from_the_oldest()).await.unwrap();
    server.signal("-STOP");
    server.tell("while it stood still");
    // Longer than the other end waits before it asks whether anybody is there.
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.signal("-CONT");
    hear(&mut logs, "while it stood still").await;
    assert_eq!(client.connection().unwrap().record.reconnects, 0);
    client.disconnect().await;
}
