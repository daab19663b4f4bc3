//! Copies a channel's bytes between a connection of the control socket and a stream of the session.
//!
//! ```text
//! command ── Data ──▶ ── write ──▶ server        End: finish
//! command ◀── Data ── ◀── read ─── server        finish: End, reset: Cut, the session's end: Lost
//! ```
//! There is no buffer in between but the system's: who does not read closes the other's window.

use ::wire::CloseCode;
use quinn::{ReadError, RecvStream, SendStream, VarInt};

use super::pieces::{PIECE, Piece, PieceReader, PieceWriter};
use super::talk::{Talk, TalkError};
use super::wire::End;
use crate::channel::{ChannelError, Priority};
use crate::session::Session;

/// Pumps until the command is done with the channel.
pub(super) async fn pump(
    talk: Talk,
    session: &Session,
    priority: Priority,
) -> Result<(), TalkError> {
    let (stream, ahead) = talk.into_parts();
    let (read, write) = stream.into_split();
    let mut writer = PieceWriter::new(write, b"");
    // Waits while too many channels are open.
    let (send, mut receive, _counted) = match session.stream_of_bytes(priority).await {
        Ok(opened) => opened,
        Err(error) => {
            let end = end_of(session, &error);
            return Ok(writer.end(&end).await?);
        }
    };
    let ended = {
        let down = async {
            down(&mut receive, &mut writer, session).await?;
            // The command knows how it ended. What it still sends is taken, and it hangs up.
            std::future::pending().await
        };
        tokio::select! {
            ended = up(PieceReader::new(read, ahead), send) => ended,
            ended = down => ended,
        }
    };
    // The server learns at once that nobody reads. Fails only when all is read.
    receive.stop(VarInt::from_u32(CloseCode::DONE.0)).ok();
    ended
}

/// Copies what the command sends, until it hangs up.
async fn up(mut reader: PieceReader, mut send: SendStream) -> Result<(), TalkError> {
    while let Some(piece) = reader.next().await? {
        match piece {
            // A server that wants no more of it has said all that there is to say, or will: the
            // command hears that in the other direction, and what it sends meanwhile is dropped.
            Piece::Data(bytes) => drop(send.write_chunk(bytes).await),
            // Fails only if it was finished or stopped before.
            Piece::End | Piece::Cut | Piece::Lost(_) => drop(send.finish()),
        }
    }
    // A direction that is dropped unfinished ends without an end frame, as it does on QUIC itself.
    Ok(())
}

/// Copies what the server sends, and says how that ends.
async fn down(
    receive: &mut RecvStream,
    writer: &mut PieceWriter,
    session: &Session,
) -> Result<(), TalkError> {
    loop {
        let end = match receive.read_chunk(PIECE, true).await {
            Ok(Some(chunk)) => {
                writer.data(chunk.bytes).await?;
                continue;
            }
            Ok(None) => Piece::End,
            Err(ReadError::ConnectionLost(lost)) => end_of(session, &lost.into()),
            Err(_) => Piece::Cut,
        };
        return Ok(writer.end(&end).await?);
    }
}

/// Says how a channel ends that the session has not carried.
fn end_of(session: &Session, error: &ChannelError) -> Piece {
    match (session.close_reason(), error) {
        // It knows more of its end than its streams do.
        (Some(reason), _) => Piece::Lost(End::from(&reason)),
        (None, ChannelError::Lost(reason)) => Piece::Lost(End::from(reason)),
        (None, _) => Piece::Cut,
    }
}
