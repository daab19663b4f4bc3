//! The local app: posts requests to it one after the other, over a connection that is kept.
//!
//! No task reads the connection: whoever has an exchange on it drives it, on the same thread and
//! without a wake-up in between.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

use super::answer::{Reading, read};
use super::target::Target;
use crate::webhooks::delivery::{NotDelivered, Outcome};

/// A local app, and the connection to it.
#[derive(Debug)]
pub(super) struct LocalApp {
    target: Target,
    connection: Option<Connection>,
}

/// A connection that somebody has to drive.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
    /// When its last exchange ended.
    free_since: Instant,
}

/// What reads and writes; `None` when it has ended. Its type has no name outside of hyper.
type Driver = Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>;

impl LocalApp {
    pub(super) const fn new(target: Target) -> Self {
        Self {
            target,
            connection: None,
        }
    }

    pub(super) const fn target(&self) -> &Target {
        &self.target
    }

    /// Posts a request and waits for the answer, at most for `longest`. What was on its way when
    /// this is dropped may have been taken: the connection is closed.
    pub(super) async fn post(
        &mut self,
        request: Request<Full<Bytes>>,
        longest: Duration,
    ) -> Outcome {
        let until = Instant::now() + longest;
        match timeout_at(until, self.exchange(request)).await {
            Err(_) => Outcome::NotDelivered(NotDelivered::TooLate),
            Ok(Err(why)) => Outcome::NotDelivered(why),
            Ok(Ok((response, mut connection))) => {
                let reading = read(response, until);
                let (answer, reading) = connection.drive_while(reading).await;
                if reading == Reading::Whole {
                    connection.free_since = Instant::now();
                    self.connection = Some(connection);
                }
                Outcome::Answered(answer)
            }
        }
    }

    /// Sends a request, over the kept connection if it is fresh enough, and waits for the head of the
    /// answer.
    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Connection), NotDelivered> {
        let mut request = request;
        if let Some(mut kept) = self.connection.take().filter_map_free() {
            match kept.send(request).await {
                Ok(response) => return Ok((response, kept)),
                // Not a byte of it has left: it may go over another connection.
                Err(Unsent::Whole(whole)) => request = *whole,
                Err(Unsent::Sent(why)) => return Err(why),
            }
        }
        let mut fresh = connect(&self.target).await?;
        match fresh.send(request).await {
            Ok(response) => Ok((response, fresh)),
            Err(Unsent::Whole(_)) => Err(NotDelivered::Closed),
            Err(Unsent::Sent(why)) => Err(why),
        }
    }
}

/// Keeps a connection only if it can take another request.
trait FilterFree {
    fn filter_map_free(self) -> Option<Connection>;
}

impl FilterFree for Option<Connection> {
    fn filter_map_free(self) -> Option<Connection> {
        self.and_then(Connection::if_free)
    }
}

/// A request that got no answer.
enum Unsent {
    /// It has not left.
    Whole(Box<Request<Full<Bytes>>>),
    /// It may have been taken.
    Sent(NotDelivered),
}

impl Connection {
    async fn open(stream: TcpStream) -> hyper::Result<Self> {
        // What is written is a whole request.
        stream.set_nodelay(true).ok();
        let (sender, driver) = Builder::new()
            .title_case_headers(true)
            .max_headers(MOST_HEADER_LINES)
            .max_buf_size(MOST_HEAD)
            .handshake(TokioIo::new(stream))
            .await?;
        Ok(Self {
            sender,
            driver: Some(Box::pin(driver)),
            free_since: Instant::now(),
        })
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Unsent> {
        let sending = self.sender.try_send_request(request);
        let driver = &mut self.driver;
        let sent = drive_while(driver, sending).await;
        sent.map_err(|mut failed| match failed.take_message() {
            Some(request) => Unsent::Whole(Box::new(request)),
            None => Unsent::Sent(why(failed.error())),
        })
    }

    /// Reads and writes until something else is done.
    async fn drive_while<F: Future>(&mut self, other: F) -> F::Output {
        drive_while(&mut self.driver, other).await
    }

    /// Returns the connection if it can take another request. Sees whether the app has closed it
    /// meanwhile.
    fn if_free(mut self) -> Option<Self> {
        // Who drives it next leaves a waker of its own.
        drive(&mut self.driver, &mut Context::from_waker(Waker::noop()));
        let is_fresh = self.free_since.elapsed() < KEPT;
        (self.driver.is_some() && self.sender.is_ready() && is_fresh).then_some(self)
    }
}

async fn drive_while<F: Future>(driver: &mut Driver, other: F) -> F::Output {
    let mut other = pin!(other);
    poll_fn(|cx| {
        drive(driver, cx);
        match other.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(done),
            Poll::Pending => {
                // What it has asked for may be there already.
                drive(driver, cx);
                other.as_mut().poll(cx)
            }
        }
    })
    .await
}

fn drive(driver: &mut Driver, cx: &mut Context<'_>) {
    if let Some(running) = driver
        && running.as_mut().poll(cx).is_ready()
    {
        // How it has ended, the exchange says.
        *driver = None;
    }
}

/// Connects to a local app: to IPv4's address of this machine first, as most apps listen there.
async fn connect(target: &Target) -> Result<Connection, NotDelivered> {
    let (host, port) = (target.host(), target.port());
    let addresses: Vec<SocketAddr> = match host {
        "localhost" => vec![
            ([127, 0, 0, 1], port).into(),
            ([0, 0, 0, 0, 0, 0, 0, 1], port).into(),
        ],
        _ => match timeout(CONNECT_TIME, lookup_host((host, port))).await {
            Ok(Ok(found)) => found.take(MOST_ADDRESSES).collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        },
    };
    let mut failed = NotDelivered::Unreachable;
    for address in addresses {
        match timeout(CONNECT_TIME, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                return Connection::open(stream)
                    .await
                    .map_err(|_| NotDelivered::Closed);
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                failed = NotDelivered::Refused;
            }
            Ok(Err(_)) | Err(_) => {}
        }
    }
    Err(failed)
}

/// Says why there is no answer to what was sent.
fn why(error: &hyper::Error) -> NotDelivered {
    if error.is_parse() {
        NotDelivered::NotHttp
    } else {
        NotDelivered::Closed
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("has_ended", &self.driver.is_none())
            .field("free_since", &self.free_since)
            .finish_non_exhaustive()
    }
}

/// How long a connection is kept that nobody uses: less than gunicorn (2 s) and Node (5 s) keep it,
/// so that a request seldom meets one that is being closed.
const KEPT: Duration = Duration::from_secs(1);

/// A host that is there answers within milliseconds.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// A name with more addresses is not a local app's.
const MOST_ADDRESSES: usize = 4;

/// As many as an answer of the app has that the server stands before.
const MOST_HEADER_LINES: usize = 256;

/// As long as the head of any answer that browsers take.
const MOST_HEAD: usize = 256 * 1024;
