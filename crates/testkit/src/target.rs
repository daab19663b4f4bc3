//! A local app that takes webhooks: it keeps what comes, byte for byte, and can die at any moment.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use transport::tasks::Tasks;

/// A running local app.
#[derive(Debug)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    heard: Heard,
    tasks: Tasks,
}

/// What an app has heard, in all its lives.
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<watch::Sender<Vec<Arc<Posted>>>>);

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// For example `POST`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Every header in its order, the names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Target {
    /// Starts an app that answers 200 at once, on a port that the system chooses.
    ///
    /// # Panics
    /// If there is no port.
    pub async fn start() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let started = Self::start_at(any, Heard::default(), Duration::ZERO).await;
        started.expect("a port")
    }

    /// Starts an app that adds to what it has heard before, and takes its time for an answer.
    ///
    /// # Errors
    /// What the system says if the port is not to be had.
    pub async fn start_at(address: SocketAddr, heard: Heard, pace: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let (address, tasks) = (listener.local_addr()?, Tasks::new());
        tasks.spawn(
            "target",
            accept(listener, heard.clone(), pace, tasks.clone()),
        );
        Ok(Self {
            address,
            heard,
            tasks,
        })
    }

    /// Waits until so many requests have come in all, and returns them.
    ///
    /// # Panics
    /// Never: it holds what it waits for.
    pub async fn heard(&self, count: usize) -> Vec<Arc<Posted>> {
        let mut heard = self.heard.0.subscribe();
        let enough = heard.wait_for(|all| all.len() >= count).await;
        enough.expect("its sender is held here").clone()
    }

    /// Dies: nobody listens any more, and whoever waits for an answer gets none.
    pub async fn kill(self) {
        self.tasks.shutdown(Duration::ZERO).await;
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

impl Heard {
    /// Returns all that has come so far.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Posted>> {
        self.0.borrow().clone()
    }

    /// Returns how much has come so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// Waits until so many requests have come in all.
    pub async fn wait_for(&self, count: usize) {
        let mut heard = self.0.subscribe();
        // Its sender is held here.
        heard.wait_for(|all| all.len() >= count).await.ok();
    }
}

impl Posted {
    /// Returns the values of a header, in their order.
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let is = |(it, _): &&(String, Vec<u8>)| it == name;
        let named: Vec<_> = self.headers.iter().filter(is).collect();
        named.into_iter().map(|(_, value)| value.as_slice())
    }

    /// Returns a header that is there once, as text.
    ///
    /// # Panics
    /// If it is not there once, or no text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.values(name);
        let (first, second) = (values.next(), values.next());
        let value = first.unwrap_or_else(|| panic!("no {name} in {self:?}"));
        assert_eq!(second, None, "{name} twice in {self:?}");
        std::str::from_utf8(value).expect("text")
    }
}

async fn accept(listener: TcpListener, heard: Heard, pace: Duration, tasks: Tasks) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            () = tasks.stopping() => return,
        };
        // A client may be gone before it is accepted.
        let Ok((stream, _)) = stream else { continue };
        let (heard, stop) = (heard.clone(), tasks.clone());
        tasks.spawn("target's connection", async move {
            tokio::select! {
                served = serve(stream, &heard, pace) => drop(served),
                () = stop.stopping() => {}
            }
        });
    }
}

/// Answers the requests of a connection until it ends.
async fn serve(stream: TcpStream, heard: &Heard, pace: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(posted) = read(&mut stream).await? {
        let is_last = posted.values("connection").any(|it| it == b"close");
        heard.0.send_modify(|all| all.push(Arc::new(posted)));
        if !pace.is_zero() {
            tokio::time::sleep(pace).await;
        }
        stream.write_all(ANSWER).await?;
        if is_last {
            break;
        }
    }
    Ok(())
}

async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Posted>> {
    let Some(first) = line(stream).await? else {
        return Ok(None);
    };
    let first = String::from_utf8(first).map_err(io::Error::other)?;
    let mut words = first.split(' ').map(ToOwned::to_owned);
    let mut word = || words.next().ok_or(io::ErrorKind::InvalidData);
    let mut posted = Posted {
        method: word()?,
        target: word()?,
        headers: Vec::new(),
        body: Vec::new(),
    };
    while let Some(header) = line(stream).await?.filter(|line| !line.is_empty()) {
        let colon = header.iter().position(|&byte| byte == b':');
        let (name, value) = header.split_at(colon.ok_or(io::ErrorKind::InvalidData)?);
        let name = String::from_utf8_lossy(name).to_lowercase();
        posted
            .headers
            .push((name, value[1..].trim_ascii().to_vec()));
    }
    let length = posted.values("content-length").next().unwrap_or(b"0");
    let length: usize = String::from_utf8_lossy(length).parse().unwrap_or(0);
    posted.body.resize(length, 0);
    stream.read_exact(&mut posted.body).await?;
    Ok(Some(posted))
}

/// Reads a line without its end; `None` at the end of everything.
async fn line(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if stream.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    while line.ends_with(b"\n") || line.ends_with(b"\r") {
        line.pop();
    }
    Ok(Some(line))
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::post::post;

    #[tokio::test]
    async fn what_is_posted_is_kept_byte_for_byte_in_all_lives_of_the_app() {
        let target = Target::start().await;
        let (address, heard) = (target.address, target.heard.clone());
        let headers = [("X-Twice", "1"), ("x-twice", "\u{e9}"), ("host", "a")];
        let answered = post(address, "/a?b=%2F", &headers, b"\0\xff")
            .await
            .unwrap();
        assert_eq!(answered.status, 200);

        target.kill().await;
        post(address, "/", &headers, b"")
            .await
            .expect_err("nobody listens");
        let again = Target::start_at(address, heard, Duration::ZERO)
            .await
            .unwrap();
        post(address, "/", &headers, b"").await.unwrap();

        let [first, second] = &again.heard(2).await[..] else {
            panic!("two of three have come");
        };
        let (values, body) = (first.values("x-twice").collect::<Vec<_>>(), &first.body[..]);
        assert_eq!((&first.target[..], body), ("/a?b=%2F", &b"\0\xff"[..]));
        assert_eq!(
            (values, first.header("host")),
            (vec![&b"1"[..], "\u{e9}".as_bytes()], "a")
        );
        assert_eq!((&second.method[..], second.body.len()), ("POST", 0));
    }
}
