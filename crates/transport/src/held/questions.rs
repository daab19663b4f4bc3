//! What else a holder can be asked: what it holds, and to end.

use std::time::Duration;

use thiserror::Error;
use tokio::time::timeout;

use super::greeting::PROTOCOL;
use super::place::{Place, PlaceError};
use super::talk::{ANSWER_TIME, Talk, TalkError};
use super::wire::{FromHolder, Status, ToHolder};

/// Asks what is held; `None` if nobody holds.
///
/// # Errors
/// [`AskError`] if whoever listens there cannot be asked.
pub async fn status(place: &Place, version: &str) -> Result<Option<Status>, AskError> {
    let Some((_, answer)) = ask(place, version, &ToHolder::Status).await? else {
        return Ok(None);
    };
    match answer {
        FromHolder::Status(status) => Ok(Some(*status)),
        _ => Err(TalkError::OutOfTurn.into()),
    }
}

/// Asks the holder to end and waits until it has; `None` if nobody holds.
///
/// # Errors
/// [`AskError`] if whoever listens there cannot be asked, or does not end.
pub async fn disconnect(place: &Place, version: &str) -> Result<Option<()>, AskError> {
    let Some((mut talk, answer)) = ask(place, version, &ToHolder::Stop).await? else {
        return Ok(None);
    };
    if answer != FromHolder::Stopping {
        return Err(TalkError::OutOfTurn.into());
    }
    match timeout(STOP_TIME, talk.hear::<FromHolder>()).await {
        // The connection ends with the process.
        Ok(Err(_)) => Ok(Some(())),
        Ok(Ok(_)) => Err(TalkError::OutOfTurn.into()),
        Err(_) => Err(AskError::DoesNotEnd),
    }
}

async fn ask(
    place: &Place,
    version: &str,
    question: &ToHolder,
) -> Result<Option<(Talk, FromHolder)>, AskError> {
    let Some(stream) = place.connect().await? else {
        return Ok(None);
    };
    let asking = async {
        let (mut talk, theirs) = Talk::open(stream, version, question).await?;
        if theirs.protocol != PROTOCOL {
            return Err(AskError::OtherProtocol {
                theirs: theirs.version,
            });
        }
        let answer = talk.hear().await?;
        Ok(Some((talk, answer)))
    };
    timeout(ANSWER_TIME, asking)
        .await
        .unwrap_or_else(|_| Err(TalkError::Slow.into()))
}

/// A holder that gives no answer.
#[derive(Debug, Error)]
pub enum AskError {
    /// Its place is not to be trusted.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// It does not speak as it should.
    #[error(transparent)]
    Talk(#[from] TalkError),
    /// It is so old, or so new, that it cannot be asked anything.
    #[error("the session is held by version {theirs}, which speaks otherwise")]
    OtherProtocol {
        /// Its version.
        theirs: String,
    },
    /// It was asked to end, and has not.
    #[error("the holder was asked to end, and has not within {} seconds", STOP_TIME.as_secs())]
    DoesNotEnd,
}

/// A holder ends its own work in order; a sync commits what it has, which takes a second or two.
const STOP_TIME: Duration = Duration::from_secs(10);
