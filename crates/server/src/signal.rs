//! The signals that ask a service to stop.

use std::future::pending;

/// Waits for SIGTERM, with which Render and others stop a service, or for ^C. Cancel-safe.
///
/// Where the system has no signals, nothing is ever heard.
pub async fn asked_to_stop() {
    tokio::select! {
        () = interrupted() => {}
        () = terminated() => {}
    }
}

/// The hangups of a process (SIGHUP), which ask a service to read its configuration again.
///
/// Where the system has no signals, none ever comes.
#[derive(Debug)]
pub struct Hangups {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Hangups {
    /// Listens from now on: a hangup does not end the process any more.
    ///
    /// # Errors
    /// Whatever the system answers.
    #[cfg(unix)]
    pub fn listen() -> std::io::Result<Self> {
        let kind = tokio::signal::unix::SignalKind::hangup();
        Ok(Self {
            signal: tokio::signal::unix::signal(kind)?,
        })
    }

    /// Listens from now on.
    ///
    /// # Errors
    /// None.
    #[cfg(not(unix))]
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one. Cancel-safe.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        if self.signal.recv().await.is_some() {
            return;
        }
        pending::<()>().await;
    }
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        pending::<()>().await;
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    pending().await
}
