//! Programs that evaluate one flag over and over, over connections that are kept.
//!
//! They share the processors with the program that they ask. So that they cost as little as can be, a
//! thread has many connections: it asks on all of them, and then reads all the answers.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;

use crate::messages::Messages;

/// Connections to a program that serves flags, with what is asked on them.
#[derive(Debug)]
pub(crate) struct Askers {
    threads: Vec<Vec<Messages>>,
    question: String,
}

impl Askers {
    /// Connects.
    pub(crate) async fn connect(to: SocketAddr, key: &str) -> Result<Self> {
        let mut threads = Vec::new();
        for _ in 0..THREADS {
            let mut connections = Vec::new();
            for _ in 0..CONNECTIONS {
                let stream = TcpStream::connect(to).await.context("connect an asker")?;
                connections.push(Messages::over(stream).context("take a connection over")?);
            }
            threads.push(connections);
        }
        let length = CONTEXT.len();
        Ok(Self {
            threads,
            question: format!(
                "POST /ofrep/v1/evaluate/flags/{key} HTTP/1.1\r\nhost: {to}\r\n\
                 content-type: application/json\r\ncontent-length: {length}\r\n\r\n{CONTEXT}"
            ),
        })
    }

    /// Asks for so long, and returns how many evaluations a second that were.
    ///
    /// # Errors
    /// If an answer is no evaluation.
    pub(crate) async fn ask(&mut self, lasts: Duration) -> Result<f64> {
        let (mut threads, question) = (std::mem::take(&mut self.threads), self.question.clone());
        let asking = spawn_blocking(move || {
            let rate = ask_all(&mut threads, question.as_bytes(), lasts)?;
            anyhow::Ok((threads, rate))
        });
        let (threads, rate) = asking.await??;
        self.threads = threads;
        Ok(rate)
    }
}

fn ask_all(threads: &mut [Vec<Messages>], question: &[u8], lasts: Duration) -> Result<f64> {
    let began = Instant::now();
    let answered = thread::scope(|scope| {
        let running = threads
            .iter_mut()
            .map(|connections| scope.spawn(move || ask(connections, question, began + lasts)));
        let running: Vec<_> = running.collect();
        let panicked = |_| Err(anyhow!("an asker has panicked"));
        let ended = running
            .into_iter()
            .map(|it| it.join().unwrap_or_else(panicked));
        ended.sum::<Result<u64>>()
    });
    Ok(answered? as f64 / began.elapsed().as_secs_f64())
}

fn ask(connections: &mut [Messages], question: &[u8], until: Instant) -> Result<u64> {
    let mut answered = 0;
    while Instant::now() < until {
        for connection in &mut *connections {
            connection.write(question)?;
        }
        for connection in &mut *connections {
            let answer = connection.read()?.context("the connection was closed")?;
            let has_value = memchr::memmem::find(answer.body, b"\"value\":").is_some();
            ensure!(has_value, "the answer is no evaluation: {}", answer.head);
            answered += 1;
        }
    }
    Ok(answered)
}

/// As an SDK asks for a user.
const CONTEXT: &str =
    r#"{"context":{"targetingKey":"user-1027","email":"anna@example.com","plan":"free"}}"#;

/// One would wait while the program works.
const THREADS: usize = 2;

/// For each thread: what a local server of a few dozen requests at once keeps open.
const CONNECTIONS: usize = 16;
