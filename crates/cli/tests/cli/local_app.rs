//! A local app that takes webhooks: keeps what it is sent, and answers as it is told.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// A local app. Its threads wait for connections until the test's process ends.
pub(crate) struct LocalApp {
    pub(crate) port: u16,
    requests: Receiver<Request>,
}

/// A request as it reached the app.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl LocalApp {
    /// Starts one that answers each with this status and body.
    pub(crate) fn answering(status: &'static str, body: &'static str) -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").unwrap(), status, body)
    }

    /// Starts one at a port that was kept free for it.
    pub(crate) fn at(listener: TcpListener, status: &'static str, body: &'static str) -> Self {
        let port = listener.local_addr().unwrap().port();
        let (sender, requests) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, sender) = (stream.unwrap(), sender.clone());
                thread::spawn(move || serve(stream, &sender, status, body));
            }
        });
        Self { port, requests }
    }

    /// Waits for the next request.
    #[track_caller]
    pub(crate) fn next(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("a request")
    }

    /// Returns the next request, if one has come.
    pub(crate) fn came(&self) -> Option<Request> {
        self.requests.try_recv().ok()
    }

    /// Its port as an argument.
    pub(crate) fn to(&self) -> String {
        self.port.to_string()
    }
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(it, _)| it == name);
        found.next().map(|(_, value)| &**value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

fn serve(stream: TcpStream, sender: &Sender<Request>, status: &str, body: &str) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some(request) = read(&mut reader) {
        // The test may have seen enough.
        sender.send(request).ok();
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim_end().is_empty() {
            break;
        }
        head.push(line.trim_end().to_owned());
    }
    let line = head.remove(0);
    let header = |line: &String| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    let headers: Vec<_> = head.iter().map(header).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        line,
        headers,
        body,
    })
}

/// Longer than anything here takes, on a machine that has much to do.
const PATIENCE: Duration = Duration::from_secs(60);
