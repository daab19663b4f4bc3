//! Reads what a sender posts, whole and bounded: what it may weigh, and how long it may take.

use std::io::{self, Read};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use thiserror::Error;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use transport::tasks::heavy;

/// Where bodies lie until they are lines: so much of them, and no more, at any time.
#[derive(Debug)]
pub(super) struct Room(Semaphore);

/// A body that was read, and the room that it takes until it is dropped.
#[derive(Debug)]
pub(super) struct Taken<'r> {
    pub(super) bytes: Bytes,
    _room: SemaphorePermit<'r>,
}

impl Default for Room {
    fn default() -> Self {
        Self(Semaphore::new(ROOM))
    }
}

impl Room {
    /// Reads the body of a request, and decompresses it.
    ///
    /// # Errors
    /// [`BodyError`].
    pub(super) async fn take(&self, request: Request<Body>) -> Result<Taken<'_>, BodyError> {
        let (head, body) = request.into_parts();
        let encoding = Encoding::of(&head.headers)?;
        let length = announced(&head.headers)?;
        let room = self.0.acquire_many(weight(length, encoding));
        let room = timeout(WAIT, room).await.map_err(|_| BodyError::Busy)?;
        let room = room.map_err(|_| BodyError::Busy)?;
        let body = timeout(READING, Limited::new(body, MOST).collect()).await;
        let body = body.map_err(|_| BodyError::Slow)?.map_err(BodyError::of)?;
        let bytes = heavy(|| encoding.decode(body.to_bytes()))?;
        Ok(Taken { bytes, _room: room })
    }
}

/// Returns how long a sender says that the body is.
fn announced(headers: &HeaderMap) -> Result<usize, BodyError> {
    let length = headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok());
    let length = length.and_then(|it| it.parse::<u64>().ok());
    match length {
        Some(length) if length > MOST as u64 => Err(BodyError::Large),
        // At most ten MiB, which every machine can count.
        Some(length) => Ok(usize::try_from(length).unwrap_or(MOST)),
        None => Ok(MOST),
    }
}

/// Returns how much room a body takes: its own length, and what it may become.
fn weight(length: usize, encoding: Encoding) -> u32 {
    let whole = match encoding {
        Encoding::Identity => length,
        Encoding::Gzip | Encoding::Zlib | Encoding::Zstd => length + MOST,
    };
    u32::try_from(whole.max(1)).unwrap_or(u32::MAX)
}

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
    Zlib,
    Zstd,
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Result<Self, BodyError> {
        let Some(name) = headers.get(CONTENT_ENCODING) else {
            return Ok(Self::Identity);
        };
        match name.to_str().unwrap_or_default().trim() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Zlib),
            "zstd" => Ok(Self::Zstd),
            _ => Err(BodyError::Encoding),
        }
    }

    fn decode(self, body: Bytes) -> Result<Bytes, BodyError> {
        match self {
            Self::Identity => Ok(body),
            Self::Gzip => bounded(MultiGzDecoder::new(&*body)),
            Self::Zlib => bounded(ZlibDecoder::new(&*body)),
            Self::Zstd => {
                let decoder = zstd::stream::read::Decoder::new(&*body).and_then(|mut decoder| {
                    decoder.window_log_max(ZSTD_WINDOW)?;
                    Ok(decoder)
                });
                bounded(decoder.map_err(BodyError::Corrupt)?)
            }
        }
    }
}

fn bounded(decoder: impl Read) -> Result<Bytes, BodyError> {
    let mut whole = Vec::new();
    let most = MOST as u64 + 1;
    decoder
        .take(most)
        .read_to_end(&mut whole)
        .map_err(BodyError::Corrupt)?;
    if whole.len() > MOST {
        return Err(BodyError::Large);
    }
    Ok(whole.into())
}

/// A body that is not read. The sender is at fault, but for [`BodyError::Busy`].
#[derive(Debug, Error)]
pub(super) enum BodyError {
    #[error("the body is longer than 10 MiB: send smaller batches")]
    Large,
    #[error("the content encoding is not known: use gzip, deflate, zstd or none")]
    Encoding,
    #[error("the body is not compressed as its content encoding says")]
    Corrupt(#[source] io::Error),
    #[error("the body did not come within 10 s")]
    Slow,
    #[error("the body broke off")]
    Broken,
    #[error("too much is being sent at once: try again")]
    Busy,
}

impl BodyError {
    #[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
    fn of(error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        if error.is::<LengthLimitError>() {
            Self::Large
        } else {
            Self::Broken
        }
    }

    /// Returns the status that it is answered with.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::Large => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Corrupt(_) | Self::Broken => StatusCode::BAD_REQUEST,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// The longest body, compressed or not: ten thousand lines of a kilobyte.
const MOST: usize = 10 * 1024 * 1024;

/// The longest compressed body beside what it becomes. Batches of senders have some 100 KB.
const ROOM: usize = 2 * MOST;

/// How long a body waits until others are done, which takes a moment each.
const WAIT: Duration = Duration::from_secs(5);

/// Ten MiB at 8 Mbit/s: a body holds its place while it comes.
const READING: Duration = Duration::from_secs(10);

/// 8 MiB, as RFC 8878 asks of every decoder; more would be a sender's way to our memory.
const ZSTD_WINDOW: u32 = 23;
