//! A connection to the app, driven by whoever has an exchange on it.
//!
//! No task of its own reads it: the exchange that needs its bytes polls it, on the same thread and
//! without a wake-up in between. While nobody has one, it lies in the [`Pool`](super::pool::Pool).

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tracing::debug;

use super::body::RequestBody;
use super::stream::AppStream;
use crate::front::presence::Presence;
use crate::front::{MOST_APP_HEADER_LINES, MOST_APP_HEADERS};

/// A connection to the app.
pub(super) struct AppConnection {
    sender: SendRequest<RequestBody>,
    /// Tells the stream that nothing more is to be said.
    said_all: Arc<AtomicBool>,
    driver: Driver,
    /// When its last exchange ended.
    free_since: Instant,
}

/// What reads and writes; `None` when it has ended. Its type has no name outside of hyper.
type Driver = Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>;

impl AppConnection {
    /// Speaks HTTP on a stream.
    pub(super) async fn open(stream: TcpStream) -> hyper::Result<Self> {
        let said_all = Arc::new(AtomicBool::new(false));
        let stream = AppStream::new(stream, Arc::clone(&said_all));
        let (sender, driver) = Builder::new()
            .preserve_header_case(true)
            .title_case_headers(true)
            .max_buf_size(MOST_APP_HEADERS)
            .max_headers(MOST_APP_HEADER_LINES)
            .handshake(TokioIo::new(stream))
            .await?;
        Ok(Self {
            sender,
            said_all,
            driver: Some(Box::pin(driver.with_upgrades())),
            free_since: Instant::now(),
        })
    }

    /// Sends a client's request and waits for the head of the answer.
    pub(super) async fn exchange(
        &mut self,
        request: Request<RequestBody>,
        client: &Presence,
    ) -> Result<Response<Incoming>, TrySendError<Request<RequestBody>>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let (driver, said_all) = (&mut self.driver, &self.said_all);
        poll_fn(|cx| {
            drive(driver, cx);
            if client.has_said_all() && !said_all.swap(true, Ordering::Relaxed) {
                drive(driver, cx);
            }
            answer.as_mut().poll(cx)
        })
        .await
    }

    /// Reads and writes what can be read and written now, for a client.
    pub(super) fn drive(&mut self, client: &Presence, cx: &mut Context<'_>) {
        if client.has_said_all() {
            self.said_all.store(true, Ordering::Relaxed);
        }
        drive(&mut self.driver, cx);
    }

    /// Reads and writes until the connection ends or is upgraded.
    pub(super) async fn finish(mut self) {
        poll_fn(|cx| {
            drive(&mut self.driver, cx);
            match self.driver {
                Some(_) => Poll::Pending,
                None => Poll::Ready(()),
            }
        })
        .await;
    }

    /// Whether it can take another request. Sees whether the app has closed it meanwhile.
    pub(super) fn is_free(&mut self) -> bool {
        // Who drives it next leaves a waker of its own.
        drive(&mut self.driver, &mut Context::from_waker(Waker::noop()));
        let has_said_all = self.said_all.load(Ordering::Relaxed);
        self.driver.is_some() && self.sender.is_ready() && !has_said_all
    }

    pub(super) const fn free_since(&self) -> Instant {
        self.free_since
    }

    pub(super) fn freed(&mut self) {
        self.free_since = Instant::now();
    }
}

fn drive(driver: &mut Driver, cx: &mut Context<'_>) {
    if let Some(running) = driver
        && let Poll::Ready(ended) = running.as_mut().poll(cx)
    {
        if let Err(error) = ended {
            debug!("a connection to the app ended early: {error}");
        }
        *driver = None;
    }
}

impl fmt::Debug for AppConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppConnection")
            .field("has_ended", &self.driver.is_none())
            .field("free_since", &self.free_since)
            .finish_non_exhaustive()
    }
}
