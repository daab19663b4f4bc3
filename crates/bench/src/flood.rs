//! Lines in a flood: as fast as a program can write them, or at a steady rate.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// A flood of lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flood {
    /// How many lines, each of [`LINE`] bytes.
    pub(crate) lines: u64,
    /// How many bytes a second; as many as it can if `None`.
    pub(crate) rate: Option<u64>,
}

/// The command that writes a flood: this program once more.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    arguments: Vec<String>,
}

impl Flood {
    /// Returns the command that writes it.
    pub(crate) fn program(self) -> Result<Program> {
        let mut arguments = vec!["write-flood".to_owned(), self.lines.to_string()];
        arguments.extend(self.rate.map(|rate| rate.to_string()));
        Ok(Program {
            path: std::env::current_exe().context("find this program")?,
            arguments,
        })
    }

    /// Writes it to standard output.
    pub(crate) fn write(self) -> Result<()> {
        // A pipe takes so much at once.
        let lines = 64 * 1024 / LINE as u64;
        let mut out = io::stdout().lock();
        let mut buffer = Vec::with_capacity(64 * 1024);
        let began = Instant::now();
        let mut written = 0;
        while written < self.lines {
            buffer.clear();
            for number in written..(written + lines).min(self.lines) {
                line(number, &mut buffer);
            }
            out.write_all(&buffer)?;
            written += buffer.len() as u64 / LINE as u64;
            if let Some(rate) = self.rate {
                let due = Duration::from_secs_f64(written as f64 * LINE as f64 / rate as f64);
                std::thread::sleep(due.saturating_sub(began.elapsed()));
            }
        }
        Ok(())
    }
}

impl Program {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// Returns the words of the command.
    pub(crate) fn each(&self) -> Vec<&str> {
        let path = self.path.to_str().unwrap_or_default();
        let arguments = self.arguments.iter().map(String::as_str);
        std::iter::once(path).chain(arguments).collect()
    }
}

/// Writes a line as a service might: a level, a message with a number, and a field.
fn line(number: u64, buffer: &mut Vec<u8>) {
    let start = buffer.len();
    buffer.extend_from_slice(b"level=info msg=\"served a request\" number=");
    // Faster than a formatter: the writer is not what is measured.
    let mut digits = [b'0'; 12];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    buffer.extend_from_slice(&digits);
    buffer.extend_from_slice(b" path=/api/courses/42 status=200 took=12ms agent=");
    buffer.resize(start + LINE - 1, b'x');
    buffer.push(b'\n');
}

/// A line's length, with its line feed.
pub(crate) const LINE: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_its_length_and_its_number() {
        let mut buffer = Vec::new();
        line(7, &mut buffer);
        line(123_456_789, &mut buffer);
        assert_eq!(buffer.len(), 2 * LINE);
        let text = String::from_utf8(buffer).unwrap();
        assert!(text.starts_with("level=info msg=\"served a request\" number=000000000007 path"));
        assert!(
            text.lines()
                .nth(1)
                .unwrap()
                .contains("number=000123456789 ")
        );
    }
}
