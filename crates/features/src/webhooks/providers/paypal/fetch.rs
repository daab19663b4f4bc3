//! Fetches one file over https, and goes nowhere else for it.

use axum::http::header::{HOST, USER_AGENT};
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use transport::reach::{ByteStream, ProxySettingsError, ReachError, TrustError};

/// Where a certificate is.
#[derive(Clone, Copy)]
pub(super) struct Place<'u> {
    /// With its port, if one is written.
    pub(super) host: &'u str,
    pub(super) path: &'u str,
}

/// Asks for a file over a connection of its own, and goes nowhere else for it.
pub(super) async fn ask(stream: ByteStream, place: Place<'_>) -> Result<Bytes, FetchError> {
    let Place { host, path } = place;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let program = concat!("render-tunnel/", env!("CARGO_PKG_VERSION"));
    let request = Request::get(path)
        .header(HOST, host)
        .header(USER_AGENT, program)
        .body(Empty::<Bytes>::new())
        .map_err(|_| FetchError::Broken)?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Refused(response.status()));
        }
        let body = Limited::new(response.into_body(), LONGEST_FILE).collect();
        let body = body
            .await
            .map_err(|error| match error.downcast::<LengthLimitError>() {
                Ok(_) => FetchError::Long,
                Err(_) => FetchError::Broken,
            });
        Ok(body?.to_bytes())
    };
    // The connection moves the bytes of the exchange; its end is not that of the exchange.
    let moving = async {
        connection.await.ok();
        std::future::pending().await
    };
    tokio::select! {
        biased;
        answer = exchange => answer,
        never = moving => never,
    }
}

/// A certificate that cannot be had.
#[derive(Debug, Error)]
pub(super) enum FetchError {
    /// It has just failed, or too many others have.
    #[error("too many that cannot be had were asked for")]
    TooOften,
    #[error("{0}")]
    Trust(#[from] TrustError),
    #[error("{0}")]
    Proxy(#[from] ProxySettingsError),
    #[error("{0}")]
    Reach(#[from] Box<ReachError>),
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("the answer is {0}")]
    Refused(StatusCode),
    #[error("the answer broke off")]
    Broken,
    #[error("the answer is longer than any certificate")]
    Long,
    #[error("the answer is no certificate")]
    NoCertificate,
    #[error("there was no answer in time")]
    Slow,
}

/// Four certificates are 8 KiB.
const LONGEST_FILE: usize = 64 * 1024;
