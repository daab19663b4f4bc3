//! What is typed while lines go by, where there is somebody to type.

use std::future::pending;
use std::io::{self, IsTerminal as _, Stdin};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;
use tokio::sync::mpsc;

/// The hand of a user at a terminal; of nobody, where standard input is no terminal.
#[derive(Debug)]
pub(super) struct Hand {
    lines: Option<mpsc::Receiver<String>>,
}

impl Hand {
    /// Looks for somebody, and listens from then on.
    ///
    /// On a thread: a task cannot wait for a terminal without `unsafe`, and a read on tokio's
    /// threads would hold up the program's end.
    pub(super) fn find() -> Self {
        let stdin = io::stdin();
        if !stdin.is_terminal() || !in_front(&stdin) {
            return Self::nobodys();
        }
        let (line_tx, lines) = mpsc::channel(LINES);
        let listener = thread::Builder::new().name("typed lines".to_owned());
        let started = listener.spawn(move || listen(&stdin, &line_tx));
        Self {
            lines: started.is_ok().then_some(lines),
        }
    }

    /// Is nobody's.
    pub(super) const fn nobodys() -> Self {
        Self { lines: None }
    }

    /// Whether there is somebody.
    pub(super) const fn is_there(&self) -> bool {
        self.lines.is_some()
    }

    /// Waits for a line, without its end: for ever, if there is nobody. Cancel-safe.
    pub(super) async fn line(&mut self) -> String {
        if let Some(lines) = &mut self.lines
            && let Some(line) = lines.recv().await
        {
            return line;
        }
        self.lines = None;
        pending().await
    }
}

/// Hands on what is typed until nobody listens or ^D.
///
/// It asks before it reads: a program that was sent to the background would be stopped for reading,
/// and lines are to go by there as well.
fn listen(stdin: &Stdin, line_tx: &mpsc::Sender<String>) {
    while !line_tx.is_closed() {
        match poll(&mut [PollFd::new(stdin, PollFlags::IN)], Some(&MOMENT)) {
            Ok(0) => {}
            Ok(_) if !in_front(stdin) => thread::sleep(PAUSE),
            Ok(_) => {
                let mut line = String::new();
                // A terminal hands out whole lines: none is waited for here.
                match stdin.read_line(&mut line) {
                    Ok(1..) => drop(line_tx.try_send(line)),
                    Ok(0) | Err(_) => return,
                }
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// Whether what is typed is for this program. Where the terminal knows of no foreground, nobody is
/// stopped for reading.
fn in_front(stdin: &Stdin) -> bool {
    tcgetpgrp(stdin).map_or(true, |foreground| foreground == getpgrp())
}

/// More are not typed before the first is read; of a text that is pasted, the rest is left out.
const LINES: usize = 16;

/// How soon the thread sees that nobody listens any more.
const MOMENT: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// While somebody types for another program: short enough not to be noticed when it is our turn.
const PAUSE: Duration = Duration::from_millis(200);
