//! Senders: each lane is a connection of one provider that is kept, and has a thread while it sends.

use std::mem;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow, ensure};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;

use super::load::Load;
use super::period::Period;
use super::provider::{PROVIDERS, Signer};
use crate::lab::Machine;
use crate::messages::{Messages, field};

/// All lanes to one address.
#[derive(Debug)]
pub(crate) struct Lanes(Vec<Lane>);

/// One lane: it sends the next delivery when the one before it is answered.
#[derive(Debug)]
struct Lane {
    index: usize,
    provider: &'static str,
    signer: Signer,
    messages: Messages,
    sent: Vec<Sent>,
}

/// A delivery that was sent and taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// When it was due, or when it was written if nothing kept it.
    pub(super) began: Instant,
    /// When its sender had the answer.
    pub(super) answered: Instant,
}

/// The name that a delivery bears in its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) lane: usize,
    pub(super) number: usize,
}

impl Lanes {
    /// Connects from a machine. The providers take turns.
    pub(crate) async fn open(
        machine: &Machine,
        to: SocketAddr,
        lanes: Range<usize>,
    ) -> Result<Self> {
        let count = lanes.len();
        let streams = machine.run(async move {
            let mut streams = Vec::new();
            for _ in 0..count {
                streams.push(TcpStream::connect(to).await.context("connect a sender")?);
            }
            Ok(streams)
        });
        let lanes = lanes.zip(streams.await?);
        let lanes = lanes.map(|(index, stream)| Lane::new(index, stream));
        Ok(Self(lanes.collect::<Result<_>>()?))
    }

    /// Sends, and returns when that was.
    ///
    /// # Errors
    /// If a delivery is not taken.
    pub(crate) async fn send(&mut self, load: Load) -> Result<Period> {
        let mut lanes = mem::take(&mut self.0);
        let sending = spawn_blocking(move || {
            let period = send_all(&mut lanes, &load)?;
            anyhow::Ok((lanes, period))
        });
        let (lanes, period) = sending.await??;
        self.0 = lanes;
        Ok(period)
    }

    /// Returns how many deliveries were taken.
    pub(crate) fn sent(&self) -> u64 {
        self.0.iter().map(|lane| lane.sent.len() as u64).sum()
    }

    /// Returns what was sent in a period.
    pub(super) fn during(&self, period: Period) -> impl Iterator<Item = (Name, Sent)> {
        self.0.iter().flat_map(move |lane| {
            let named = lane.sent.iter().enumerate().map(|(number, sent)| {
                let lane = lane.index;
                (Name { lane, number }, *sent)
            });
            named.filter(move |(_, sent)| period.holds(sent.began))
        })
    }
}

/// Lets each lane send on a thread of its own.
fn send_all(lanes: &mut [Lane], load: &Load) -> Result<Period> {
    let (count, since) = (lanes.len(), Instant::now());
    std::thread::scope(|scope| {
        let running = lanes.iter_mut().enumerate().map(|(place, lane)| {
            let turn = place as f64 / count as f64;
            scope.spawn(move || lane.send(load, count, turn, since))
        });
        let running: Vec<_> = running.collect();
        let panicked = |_| Err(anyhow!("a sender has panicked"));
        let ended = running
            .into_iter()
            .map(|it| it.join().unwrap_or_else(panicked));
        ended.collect::<Result<()>>()
    })?;
    let until = Instant::now();
    Ok(Period { since, until })
}

impl Lane {
    fn new(index: usize, stream: TcpStream) -> Result<Self> {
        let provider = &PROVIDERS[index % PROVIDERS.len()];
        Ok(Self {
            index,
            provider: provider.name,
            signer: Signer::of(provider),
            messages: Messages::over(stream).context("take a connection over")?,
            sent: Vec::new(),
        })
    }

    /// Sends until it is over. Lanes take turns: their deliveries are due at even distances.
    fn send(&mut self, load: &Load, lanes: usize, turn: f64, start: Instant) -> Result<()> {
        let before = self.sent.len();
        let period = load.rate.map(|rate| lanes as f64 / rate);
        while !load.until.is_over(start, self.sent.len() - before) {
            let number = (self.sent.len() - before) as f64;
            let due = period.map(|it| start + Duration::from_secs_f64(it * (number + turn)));
            let late = due.is_none_or(|due| Instant::now() > due);
            if let Some(due) = due {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            let message = self.message();
            // One that the delivery before it has kept waiting was to be sent in time.
            let began = due.filter(|_| late).unwrap_or_else(Instant::now);
            self.post(&message)
                .with_context(|| format!("send a delivery of {}", self.provider))?;
            let answered = Instant::now();
            self.sent.push(Sent { began, answered });
        }
        Ok(())
    }

    fn message(&self) -> Vec<u8> {
        let name = Name {
            lane: self.index,
            number: self.sent.len(),
        };
        let body = name.body();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let time = now.unwrap_or_default().as_secs();
        let headers = self.signer.headers(&name.id(), time, body.as_bytes());
        let (provider, length) = (self.provider, body.len());
        let head = format!(
            "POST /api/webhooks/{provider} HTTP/1.1\r\nhost: app.example.com\r\n\
             user-agent: bench\r\ncontent-type: application/json\r\n\
             {headers}content-length: {length}\r\n\r\n"
        );
        (head + &body).into_bytes()
    }

    fn post(&mut self, message: &[u8]) -> Result<()> {
        self.messages.write(message)?;
        let answer = self.messages.read()?.context("the connection was closed")?;
        let status = answer.head.split(' ').nth(1).unwrap_or_default();
        ensure!(status == "200", "it was answered with {status}");
        let last = field(answer.head, "connection").is_some_and(|it| it == "close");
        ensure!(!last, "the connection is to be closed");
        Ok(())
    }
}

impl Name {
    /// Returns the provider's own name for it.
    fn id(self) -> String {
        format!("{MARK}{:04}_{:08}", self.lane, self.number)
    }

    /// Returns a body of 1 KiB.
    fn body(self) -> String {
        let id = self.id();
        let mut body = format!(
            r#"{{"id":"{id}","event_id":"{id}","type":"bench.sent","event_type":"bench.sent","data":""#
        );
        let end = r#""}"#;
        while body.len() < BODY - end.len() {
            body.push('.');
        }
        body + end
    }

    /// Reads the name of a body; `None` if it has none.
    pub(super) fn of(body: &[u8]) -> Option<Self> {
        let at = memchr::memmem::find(body, MARK.as_bytes())? + MARK.len();
        let text = std::str::from_utf8(body.get(at..at + 13)?).ok()?;
        let (lane, number) = text.split_once('_')?;
        Some(Self {
            lane: lane.parse().ok()?,
            number: number.parse().ok()?,
        })
    }
}

const MARK: &str = "evt_bench_";

/// What an ordinary webhook has.
const BODY: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_of_a_kibibyte_and_tells_its_name() {
        let name = Name {
            lane: 39,
            number: 1_000_000,
        };
        let body = name.body();
        assert_eq!((body.len(), Name::of(body.as_bytes())), (BODY, Some(name)));
        assert_eq!(Name::of(b"{}"), None);
    }
}
