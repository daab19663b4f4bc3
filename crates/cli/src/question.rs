//! A question to the person before the terminal.

use std::io::{self, BufRead as _, IsTerminal as _};

use crate::context::Context;
use crate::exit::Failure;
use crate::output::text::printable;

/// Whether somebody is there who can be asked.
#[must_use]
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To go ahead.
    Yes,
    /// Anything else.
    No,
}

/// Asks, and waits for a line.
///
/// # Errors
/// [`Failure`] if it is interrupted, or there is nothing to read.
pub async fn ask(context: &Context, question: &str) -> Result<Answer, Failure> {
    context.screen.warn(&printable(question));
    // A thread of its own: ^C is heard while it waits.
    let read = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map(|_| answer)
    });
    let answered = async { read.await.map_err(io::Error::from).flatten() };
    let answer = context.interrupt.or(async {
        answered
            .await
            .map_err(|error| Failure::failed(format!("cannot read the answer: {error}")))
    });
    Ok(match answer.await?.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Answer::Yes,
        _ => Answer::No,
    })
}
