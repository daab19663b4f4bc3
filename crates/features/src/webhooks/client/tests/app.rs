//! A local app: answers as it is told to, and notes what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use transport::tasks::Tasks;

/// What it does with one request.
#[derive(Clone, Debug)]
pub(in crate::webhooks) enum Deed {
    /// Answers with these bytes.
    Say(Vec<u8>),
    /// Answers with these bytes and closes.
    SayAndClose(Vec<u8>),
    /// Closes without a word.
    Close,
    /// Says nothing.
    Hang,
    /// Answers 200 and this many bytes.
    Pour(usize),
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(in crate::webhooks) struct Asked {
    pub(in crate::webhooks) head: String,
    pub(in crate::webhooks) body: Vec<u8>,
    /// Counts connections from 0.
    pub(in crate::webhooks) connection: usize,
}

/// A local app.
pub(in crate::webhooks) struct App {
    pub(in crate::webhooks) port: u16,
    asked: mpsc::UnboundedReceiver<Asked>,
}

struct Inside {
    deeds: Mutex<VecDeque<Deed>>,
    asked: mpsc::UnboundedSender<Asked>,
}

impl App {
    /// Starts an app that does these deeds, and then answers 200 to everything.
    pub(in crate::webhooks) async fn start(deeds: impl IntoIterator<Item = Deed>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, deeds)
    }

    pub(in crate::webhooks) fn on(
        listener: TcpListener,
        deeds: impl IntoIterator<Item = Deed>,
    ) -> Self {
        let (say, asked) = mpsc::unbounded_channel();
        let inside = Arc::new(Inside {
            deeds: Mutex::new(deeds.into_iter().collect()),
            asked: say,
        });
        let port = listener.local_addr().unwrap().port();
        let tasks = Tasks::new();
        tasks.spawn("app", accept(listener, inside, tasks.clone()));
        Self { port, asked }
    }

    /// Waits for the next request.
    pub(in crate::webhooks) async fn asked(&mut self) -> Asked {
        self.asked.recv().await.unwrap()
    }

    /// Returns the next request, if there is one.
    pub(in crate::webhooks) fn asked_already(&mut self) -> Option<Asked> {
        self.asked.try_recv().ok()
    }
}

impl Asked {
    /// Returns the value of a header.
    pub(in crate::webhooks) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Returns an answer with this status and body.
pub(in crate::webhooks) fn answer(status: u16, body: &str) -> Deed {
    let length = body.len();
    Deed::Say(format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{body}").into())
}

async fn accept(listener: TcpListener, inside: Arc<Inside>, tasks: Tasks) {
    for connection in 0.. {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        let inside = Arc::clone(&inside);
        tasks.spawn("connection", async move {
            serve(stream, &inside, connection).await;
        });
    }
}

/// Serves a connection until it ends.
async fn serve(stream: TcpStream, inside: &Inside, connection: usize) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let asked = read(&mut stream, connection).await?;
        let deed = inside.deeds.lock().unwrap().pop_front();
        inside.asked.send(asked).ok()?;
        match deed.unwrap_or_else(|| answer(200, "ok")) {
            Deed::Say(bytes) => stream.write_all(&bytes).await.ok()?,
            Deed::SayAndClose(bytes) => {
                stream.write_all(&bytes).await.ok()?;
                return None;
            }
            Deed::Close => return None,
            Deed::Hang => std::future::pending().await,
            Deed::Pour(length) => {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
                stream.write_all(head.as_bytes()).await.ok()?;
                let piece = vec![b'x'; 64 * 1024];
                for _ in 0..length / piece.len() {
                    stream.write_all(&piece).await.ok()?;
                }
            }
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>, connection: usize) -> Option<Asked> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let mut asked = Asked {
        head,
        body: Vec::new(),
        connection,
    };
    let length = asked.header("content-length").unwrap_or("0").parse();
    asked.body = vec![0; length.unwrap()];
    stream.read_exact(&mut asked.body).await.ok()?;
    Some(asked)
}
