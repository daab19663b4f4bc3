//! A connection that carries one HTTP message after the other, read and written by a thread that waits.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

/// A connection between messages.
#[derive(Debug)]
pub(crate) struct Messages {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A message that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'b> {
    pub(crate) head: &'b str,
    pub(crate) body: &'b [u8],
}

impl Messages {
    /// Takes a connection of a runtime's over.
    pub(crate) fn over(stream: tokio::net::TcpStream) -> io::Result<Self> {
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            buffer: vec![0; LONGEST],
        })
    }

    pub(crate) fn write(&mut self, message: &[u8]) -> io::Result<()> {
        self.stream.write_all(message)
    }

    /// Reads the next message; `None` if the other side has closed the connection before it.
    ///
    /// # Errors
    /// What the connection says; [`io::ErrorKind::InvalidData`] for what nobody here writes: messages
    /// that are long, or chunked, or come before the one before them was answered.
    pub(crate) fn read(&mut self) -> io::Result<Option<Message<'_>>> {
        let (mut filled, mut parts) = (0, None);
        while parts.is_none_or(|(_, end)| filled < end) {
            let room = self.buffer.get_mut(filled..).filter(|it| !it.is_empty());
            let read = self.stream.read(room.ok_or_else(unknown)?)?;
            match (read, filled) {
                (0, 0) => return Ok(None),
                (0, _) => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ => filled += read,
            }
            if parts.is_none() {
                parts = measure(&self.buffer[..filled])?;
            }
        }
        let (head, end) = parts
            .filter(|(_, end)| *end == filled)
            .ok_or_else(unknown)?;
        Ok(Some(Message {
            head: std::str::from_utf8(&self.buffer[..head]).map_err(|_| unknown())?,
            body: &self.buffer[head..end],
        }))
    }
}

/// Returns where a message's head and its body end, if its head is whole.
fn measure(bytes: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = end + 4;
    let text = std::str::from_utf8(&bytes[..head]).map_err(|_| unknown())?;
    let length = field(text, "content-length").map_or(Ok(0), str::parse::<usize>);
    Ok(Some((head, head + length.map_err(|_| unknown())?)))
}

/// Returns the value of a header, trimmed.
pub(crate) fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (before, value) = line.split_once(':')?;
        before.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn unknown() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not a message of the bench's")
}

/// More than anything that the bench sends.
const LONGEST: usize = 64 * 1024;

/// Whoever says nothing for so long, in the middle of a measurement, will never say anything.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_where_its_length_says() {
        let message = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(measure(message).unwrap(), Some((38, 41)));
        assert_eq!(measure(b"HTTP/1.1 200 OK\r\n\r\n").unwrap(), Some((19, 19)));
        assert_eq!(measure(&message[..36]).unwrap(), None);
        assert!(measure(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n").is_err());
    }
}
