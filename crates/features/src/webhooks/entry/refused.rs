//! What is answered to what is not taken: a status, a line that tells nothing about a secret, and when
//! to come again.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use thiserror::Error;

use super::room::NoRoom as Full;
use crate::webhooks::inbox::InboxError;
use crate::webhooks::{Refusal, Verification};

/// Why a request is not taken. It is the sender's fault, unless its status says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum NotTaken {
    /// No provider's.
    #[error("no webhooks come here")]
    NotFound,
    /// Nothing that providers send.
    #[error("webhooks are posted here")]
    Method,
    /// Its body is longer than what is taken.
    #[error("the body is too long")]
    TooLong,
    /// Its body does not come.
    #[error("the body took too long to come")]
    Slow,
    /// Its body is not whole, or not HTTP.
    #[error("the body did not come whole")]
    Cut,
    /// Too many for a minute.
    #[error("too many in a minute")]
    TooOften(Duration),
    /// Its signature is not the provider's.
    #[error("the signature is not good")]
    Unverified(Refusal),
    /// It would have to be verified, and cannot be.
    #[error("the signature cannot be checked")]
    NoSecret,
    /// What it is to be verified with could not be had, such as a certificate.
    #[error("the signature cannot be checked now")]
    NotNow,
    /// Too many others are under way, or too much of them.
    #[error("too much at once")]
    Busy,
    /// What cannot be verified fills its share of the inbox.
    #[error("too many that are not verified")]
    Crowded,
    /// There is no more room in the inbox.
    #[error("it cannot be kept now")]
    Full,
    /// The inbox cannot be reached, or has failed.
    #[error("it cannot be kept now")]
    Unavailable,
}

impl NotTaken {
    /// What is to be done with a request that has been looked at.
    pub(super) const fn by(verification: Verification) -> Option<Self> {
        match verification {
            Verification::Verified | Verification::NoSecret => None,
            Verification::Refused(Refusal::Unavailable) => Some(Self::NotNow),
            Verification::Refused(refusal) => Some(Self::Unverified(refusal)),
        }
    }

    /// Returns the status that says whose fault it is, and whether it may be sent again.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Cut => StatusCode::BAD_REQUEST,
            Self::TooOften(_) | Self::Crowded => StatusCode::TOO_MANY_REQUESTS,
            Self::Unverified(_) | Self::NoSecret => StatusCode::UNAUTHORIZED,
            Self::NotNow | Self::Busy | Self::Full | Self::Unavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// Returns when to come again, in whole seconds and never too early.
    fn retry_after(self) -> Option<u64> {
        match self {
            Self::TooOften(wait) => Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
            Self::Busy => Some(AT_ONCE),
            Self::NotNow | Self::Crowded | Self::Full | Self::Unavailable => Some(LATER),
            _ => None,
        }
    }

    /// Whether what is still to come of the request is not read.
    const fn leaves_rest(self) -> bool {
        matches!(self, Self::TooLong | Self::Slow | Self::Cut | Self::Busy)
    }
}

impl From<InboxError> for NotTaken {
    fn from(error: InboxError) -> Self {
        match error {
            InboxError::Full => Self::Full,
            InboxError::Busy => Self::Busy,
            InboxError::Crowded => Self::Crowded,
            InboxError::NoSuchProvider => Self::NotFound,
            InboxError::Unavailable(_) => Self::Unavailable,
        }
    }
}

impl From<Full> for NotTaken {
    fn from(Full: Full) -> Self {
        Self::Busy
    }
}

impl IntoResponse for NotTaken {
    fn into_response(self) -> Response {
        let mut response = (self.status(), format!("{self}\n")).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if self == Self::Method {
            let allowed = HeaderValue::from_static("POST, PUT, PATCH, DELETE");
            headers.insert(header::ALLOW, allowed);
        }
        if self.leaves_rest() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// What is under way is over within milliseconds, mostly.
const AT_ONCE: u64 = 1;

/// A disk is not emptied, nor a database started, in less.
const LATER: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_come_again_hears_when() {
        let seconds = |refused: NotTaken| {
            let response = refused.into_response();
            let value = response.headers().get(header::RETRY_AFTER);
            value.map(|it| it.to_str().unwrap().to_owned())
        };
        assert_eq!(
            seconds(NotTaken::TooOften(Duration::from_millis(1))).as_deref(),
            Some("1")
        );
        assert_eq!(
            seconds(NotTaken::TooOften(Duration::from_millis(2001))).as_deref(),
            Some("3")
        );
        assert_eq!(NotTaken::Crowded.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(seconds(NotTaken::Crowded).is_some());
        for refused in [NotTaken::Full, NotTaken::Unavailable, NotTaken::Busy] {
            assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(seconds(refused).is_some());
        }
        assert_eq!(seconds(NotTaken::NotFound), None);
    }

    #[test]
    fn a_refusal_says_nothing_of_the_signature() {
        let wrong = NotTaken::Unverified(Refusal::Wrong).to_string();
        for refusal in [Refusal::Missing, Refusal::Malformed, Refusal::Stale(301)] {
            assert_eq!(NotTaken::Unverified(refusal).to_string(), wrong);
        }
    }
}
