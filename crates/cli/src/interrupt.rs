//! ^C and SIGTERM: the first asks a program to end in order, the second ends it at once.

use std::future::Future;
use std::io;
use std::time::Duration;

use server::asked_to_stop;
use tokio_util::sync::CancellationToken;

use crate::exit::{Exit, Failure};

/// Knows whether the user has asked the program to stop. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(CancellationToken);

impl Interrupt {
    /// Waits for the first ^C. Cancel-safe.
    pub async fn wait(&self) {
        self.0.cancelled().await;
    }

    /// Whether the user has asked the program to stop.
    pub fn is_asked(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Asks the program to stop, as the first ^C does.
    pub fn ask(&self) {
        self.0.cancel();
    }

    /// Does some work, unless it is interrupted; then the work is dropped.
    ///
    /// # Errors
    /// What the work fails with, or that it was interrupted.
    pub async fn or<T, E: Into<Failure>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            done = work => done.map_err(Into::into),
            () = self.wait() => Err(Failure::new(Exit::Interrupted, "interrupted")),
        }
    }
}

/// Runs a program on a runtime of its own, until it ends or the second ^C.
///
/// # Errors
/// What the program fails with.
pub fn run<F>(program: impl FnOnce(Interrupt) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let interrupt = Interrupt::default();
    let running = program(interrupt.clone());
    run_uninterrupted(until_the_second(running, &interrupt, asked_to_stop))
}

/// Runs a program on a runtime of its own, until it ends: it hears signals itself.
///
/// # Errors
/// What the program fails with.
pub fn run_uninterrupted<T>(
    program: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error: io::Error| {
        Failure::failed(format!("cannot start the program's threads: {error}"))
    })?;
    let ended = runtime.block_on(program);
    // A thread may wait for a line that nobody will type.
    runtime.shutdown_timeout(LAST_WORDS);
    ended
}

/// Runs a program until it ends, or is asked to stop for the second time.
async fn until_the_second(
    program: impl Future<Output = Result<(), Failure>>,
    interrupt: &Interrupt,
    mut asked_to_stop: impl AsyncFnMut(),
) -> Result<(), Failure> {
    let twice = async {
        asked_to_stop().await;
        interrupt.0.cancel();
        asked_to_stop().await;
    };
    tokio::select! {
        // First, so that ^C is heard before the program does anything.
        biased;
        () = twice => Err(Failure::silent(Exit::Interrupted)),
        ended = program => ended,
    }
}

/// Database threads that were told to end need no longer.
const LAST_WORDS: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_dropped_when_it_is_interrupted() {
        let interrupt = Interrupt::default();
        interrupt.0.cancel();
        let work = std::future::pending::<Result<(), Failure>>();
        assert_eq!(
            interrupt.or(work).await.unwrap_err().exit(),
            Exit::Interrupted
        );
    }

    #[tokio::test]
    async fn the_first_request_is_the_programs_to_follow() {
        let interrupt = Interrupt::default();
        let program = async {
            interrupt.wait().await;
            Ok(())
        };
        let mut requests = 0;
        let asked = async || {
            requests += 1;
            if requests > 1 {
                std::future::pending::<()>().await;
            }
        };
        assert_eq!(until_the_second(program, &interrupt, asked).await, Ok(()));
    }

    #[tokio::test]
    async fn the_second_request_ends_a_program_that_hangs() {
        let hangs = std::future::pending();
        let ended = until_the_second(hangs, &Interrupt::default(), async || {}).await;
        assert_eq!(ended.unwrap_err(), Failure::silent(Exit::Interrupted));
    }

    #[test]
    fn a_program_is_run_to_its_end() {
        assert_eq!(run(|_| async { Ok(()) }), Ok(()));
        let failed = run(|_| async { Err(Failure::failed("why")) });
        assert_eq!(failed, Err(Failure::failed("why")));
    }
}
