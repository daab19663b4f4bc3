//! `tunnel-server probe`: asks the server beside it for its health, where there is no curl.
//!
//! ```text
//! probe ── GET /_tunnel/health ──▶ front
//! exit code ◀── status line ────────┘
//! ```

use std::fmt;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use http::Uri;
use http::uri::Scheme;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::environment::Environment;
use crate::exit::Failure;
use crate::settings;

/// Asks a server for its health, for the health check of an image.
///
/// Exit codes: 0 it answers with 2xx, 1 it does not, 2 usage.
#[derive(Debug, Args)]
pub(super) struct Probe {
    /// What to ask [default: /_tunnel/health on PORT of this machine]
    #[arg(value_name = "URL")]
    url: Option<Target>,
}

/// Where a probe asks, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    /// The name or the address, without brackets.
    host: String,
    port: u16,
    /// The path, with its query.
    path: String,
}

impl Probe {
    /// Asks once.
    ///
    /// # Errors
    /// [`Failure`] if the server does not answer with 2xx in time.
    pub(super) async fn run(self, environment: &Environment) -> Result<(), Failure> {
        let target = match self.url {
            Some(target) => target,
            None => Target::beside(settings::port(None, environment)?),
        };
        let asked = timeout(PATIENCE, target.status()).await;
        let failed = |error| Failure::failed(format!("{target}: {error}"));
        match asked.unwrap_or(Err(ProbeError::Late)) {
            Ok(status) if (200..300).contains(&status) => Ok(()),
            Ok(status) => Err(failed(ProbeError::Unwell(status))),
            Err(error) => Err(failed(error)),
        }
    }
}

impl Target {
    /// The server's own health, on this machine.
    fn beside(port: u16) -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port,
            path: "/_tunnel/health".to_owned(),
        }
    }

    /// Asks, and reads the answer as far as its status.
    async fn status(&self) -> Result<u16, ProbeError> {
        let address = (&*self.host, self.port);
        let connected = TcpStream::connect(address).await;
        let mut stream = connected.map_err(ProbeError::Connect)?;
        let request = format!(
            "GET {} HTTP/1.1\r\nhost: {}\r\nuser-agent: {PROGRAM}\r\nconnection: close\r\n\r\n",
            self.path,
            self.authority(),
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = [0; STATUS_LINE];
        stream.read_exact(&mut head).await?;
        status(head).ok_or(ProbeError::NotHttp)
    }

    /// The host and the port as a request names them.
    fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Reads the status from the beginning of a status line: `HTTP/1.1 200`.
fn status(head: [u8; STATUS_LINE]) -> Option<u16> {
    let head = std::str::from_utf8(&head).ok()?;
    let (version, status) = head.split_once(' ')?;
    let is_http = version.starts_with("HTTP/1.") && status.bytes().all(|it| it.is_ascii_digit());
    is_http.then(|| status.parse().ok()).flatten()
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let uri: Uri = text.parse()?;
        if uri.scheme() != Some(&Scheme::HTTP) {
            return Err(TargetError::NotPlain);
        }
        let host = uri.host().unwrap_or_default();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(80),
            path: path.to_owned(),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.path)
    }
}

/// Why an argument is nothing to ask.
#[derive(Debug, Error)]
enum TargetError {
    #[error("this is no URL: {0}")]
    NoUrl(#[from] http::uri::InvalidUri),
    #[error("a probe asks http:// alone, as in http://127.0.0.1:3001/_tunnel/health")]
    NotPlain,
}

/// Why a server does not count as well.
#[derive(Debug, Error)]
enum ProbeError {
    #[error("nothing listens there ({0})")]
    Connect(#[source] io::Error),
    #[error("the connection ended before the answer ({0})")]
    Ended(#[from] io::Error),
    #[error("what answers there speaks no HTTP/1")]
    NotHttp,
    #[error("it answers {0}")]
    Unwell(u16),
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Late,
}

/// How the probe calls itself.
const PROGRAM: &str = concat!("tunnel-server-probe/", env!("CARGO_PKG_VERSION"));

/// The length of `HTTP/1.1 200`: all of an answer that matters here.
const STATUS_LINE: usize = 12;

/// Less than the 5 s that Render's probe and the image's health check wait, so that the reason is told
/// before whoever asked for it has gone.
const PATIENCE: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Plays a server that reads a request and answers with these bytes.
    async fn probed(answer: &'static str) -> (String, Result<(), Failure>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            String::from_utf8(request).unwrap()
        };
        let port = port.to_string();
        let environment = Environment::of(&[("PORT", &port)], &[]);
        tokio::join!(server, Probe { url: None }.run(&environment))
    }

    fn why(ended: Result<(), Failure>) -> String {
        ended.unwrap_err().message().unwrap_or_default().to_owned()
    }

    #[tokio::test]
    async fn a_server_that_answers_is_well() {
        let (request, ended) = probed("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert_eq!(ended, Ok(()));
        assert!(
            request.starts_with("GET /_tunnel/health HTTP/1.1\r\nhost: 127.0.0.1:"),
            "{request}"
        );
    }

    #[tokio::test]
    async fn every_other_answer_says_what_is_wrong() {
        for (answer, said) in [
            ("HTTP/1.1 503 Service Unavailable\r\n\r\n", "it answers 503"),
            ("HTTP/1.1 302 Found\r\n\r\n", "it answers 302"),
            ("220 mail.example.com ready\r\n", "speaks no HTTP/1"),
            ("HTTP/1.1 2", "ended before the answer"),
            ("", "ended before the answer"),
        ] {
            let message = why(probed(answer).await.1);
            assert!(message.contains(said), "{answer:?}: {message}");
        }
    }

    #[tokio::test]
    async fn a_port_without_a_server_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let url = Some(format!("http://{address}/").parse().unwrap());
        let message = why(Probe { url }.run(&Environment::default()).await);
        assert!(message.starts_with(&format!("http://{address}/: nothing listens")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let url = Some(url.parse().unwrap());
        let message = why(Probe { url }.run(&Environment::default()).await);
        assert!(message.ends_with("no answer within 4 s"), "{message}");
    }

    #[test]
    fn what_to_ask_is_read_as_a_url() {
        let target = |text: &str| text.parse::<Target>().map(|it| it.to_string());
        assert_eq!(
            target("http://[::1]:8080/a?b").unwrap(),
            "http://[::1]:8080/a?b"
        );
        assert_eq!(target("http://app").unwrap(), "http://app:80/");
        for wrong in ["https://app/", "/healthz", "app:3001", "", "http://"] {
            assert!(target(wrong).is_err(), "{wrong}");
        }
    }
}
