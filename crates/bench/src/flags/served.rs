//! The program `tunnel flags --serve`, and its stream of events.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::lab::Machine;
use crate::stage::{ServerEnd, Stage};

/// A running `tunnel flags --serve`. It is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Served {
    _process: Child,
    address: SocketAddr,
}

impl Served {
    /// Starts it, and waits until it serves.
    pub(crate) async fn start(stage: &Stage, server: &ServerEnd) -> Result<Self> {
        let log = stage.new_file("flags.log");
        let mut process = server
            .tunnel(stage)
            .args(["flags", "--serve", "--port", "0", "--json"])
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log)?)
            .spawn()
            .context("start tunnel flags")?;
        let pipe = process.stdout.take().context("it is piped")?;
        let mut line = String::new();
        let said = timeout(START_TIME, BufReader::new(pipe).read_line(&mut line)).await;
        if !matches!(said, Ok(Ok(1..))) {
            let said = std::fs::read_to_string(log).unwrap_or_default();
            bail!("tunnel flags serves nothing: {said}");
        }
        let said: serde_json::Value = serde_json::from_str(&line)?;
        let url = said["serving"].as_str().context("it does not say where")?;
        let address = url.strip_prefix("http://").context("it is no http")?;
        Ok(Self {
            _process: process,
            address: address.parse()?,
        })
    }

    /// Returns where it serves.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens to its events on a machine: the receiver has the moment of each.
    pub(crate) async fn events(&self, machine: &Machine) -> Result<mpsc::Receiver<Instant>> {
        let address = self.address;
        let (heard, events) = mpsc::channel(QUEUE);
        let open = async move {
            let mut stream = TcpStream::connect(address).await?;
            let request = format!("GET /ofrep/v1/events HTTP/1.1\r\nhost: {address}\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            let mut buffer = vec![0; LONGEST];
            // Its first piece says that it is there.
            let mut read = 0;
            while memchr::memmem::find(&buffer[..read], b": flags\n\n").is_none() {
                let more = stream.read(&mut buffer[read..]).await?;
                ensure!(more > 0, "there is no stream of events");
                read += more;
            }
            Ok((stream, buffer))
        };
        let (stream, buffer) = machine.run(open).await.context("listen to events")?;
        machine.start("events", listen(stream, buffer, heard));
        Ok(events)
    }
}

/// Notes the moment of each event. One is written at once, and is the only one of its second.
async fn listen(mut stream: TcpStream, mut buffer: Vec<u8>, heard: mpsc::Sender<Instant>) {
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        let at = Instant::now();
        let is_event = memchr::memmem::find(&buffer[..read], b"refetchEvaluation").is_some();
        if is_event && heard.send(at).await.is_err() {
            return;
        }
    }
}

/// On a machine that is busy beyond reason.
const START_TIME: Duration = Duration::from_secs(15);

/// More than a head and an event have.
const LONGEST: usize = 16 * 1024;

/// An event is looked at before the next one.
const QUEUE: usize = 4;
