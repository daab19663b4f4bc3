//! One HTTP exchange over a connection of its own: for what is asked seldom, of somebody far away.

use axum::http::header::{HOST, USER_AGENT};
use axum::http::response::Parts;
use axum::http::{HeaderValue, Request, Response, request};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use transport::reach::ByteStream;

/// Begins a request to `authority`, with what every request of this program has.
pub(crate) fn to(authority: &str) -> request::Builder {
    let program = concat!("render-tunnel/", env!("CARGO_PKG_VERSION"));
    Request::builder()
        .header(HOST, authority)
        .header(USER_AGENT, HeaderValue::from_static(program))
}

/// Sends a request, and takes the answer in once `accept` has nothing against how it begins. The caller
/// bounds the time.
///
/// # Errors
/// What `accept` says; else [`ExchangeError`], also if the body is longer than `longest`.
pub(crate) async fn exchange<E: From<ExchangeError>>(
    stream: ByteStream,
    request: Request<Full<Bytes>>,
    longest: usize,
    accept: impl FnOnce(&Parts) -> Result<(), E>,
) -> Result<Response<Bytes>, E> {
    let http = ExchangeError::Http;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(http)?;
        let (parts, body) = response.into_parts();
        accept(&parts)?;
        let body = Limited::new(body, longest).collect().await;
        let body = body.map_err(|error| ExchangeError::of_body(&*error))?;
        Ok(Response::from_parts(parts, body.to_bytes()))
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

/// An exchange that did not come to its end.
#[derive(Debug, Error)]
pub(crate) enum ExchangeError {
    /// It broke off before the answer's body, or the answer is no HTTP.
    #[error(transparent)]
    Http(hyper::Error),
    /// It broke off in the body.
    #[error("the answer broke off")]
    Broken,
    /// There is more of the body than is taken.
    #[error("the answer is too long")]
    Long,
}

impl ExchangeError {
    fn of_body(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Self {
        if error.is::<LengthLimitError>() {
            Self::Long
        } else {
            Self::Broken
        }
    }
}
