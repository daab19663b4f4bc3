//! Fetches one file over https, and goes nowhere else for it.

use axum::http::{Response, StatusCode};
use bytes::Bytes;
use http_body_util::Full;
use thiserror::Error;
use transport::reach::{ByteStream, ProxySettingsError, ReachError, TrustError};

use crate::exchange::{ExchangeError, exchange, to};

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
    let request = to(host).uri(path).body(Full::default());
    let request = request.map_err(|_| FetchError::Broken)?;
    let answer = exchange(stream, request, LONGEST_FILE, |answer| {
        match answer.status {
            StatusCode::OK => Ok(()),
            status => Err(FetchError::Refused(status)),
        }
    });
    answer.await.map(Response::into_body)
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
    Http(hyper::Error),
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

impl From<ExchangeError> for FetchError {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Http(error) => Self::Http(error),
            ExchangeError::Broken => Self::Broken,
            ExchangeError::Long => Self::Long,
        }
    }
}

/// Four certificates are 8 KiB.
const LONGEST_FILE: usize = 64 * 1024;
