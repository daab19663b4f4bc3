//! Go's older loggers: klog and glog, `E0102 03:04:05.678901    1234 file.go:12] message`.
//!
//! Those of today write JSON, logfmt, or begin with a time as others do.

use std::borrow::Cow;

use super::found::Found;
use super::time;
use crate::logs::level::Level;

/// Reads a line that begins with the first letter of its level and a date without a year.
pub(super) fn read(text: &str, now: u64) -> Option<Found<'_>> {
    let level = match text.as_bytes() {
        [b'I', b'0' | b'1', ..] => Level::INFO,
        [b'W', b'0' | b'1', ..] => Level::WARN,
        [b'E', b'0' | b'1', ..] => Level::ERROR,
        [b'F', b'0' | b'1', ..] => Level::FATAL,
        _ => return None,
    };
    let (time, rest) = time::of_google(&text[1..], now)?;
    let (head, message) = rest.split_once("] ")?;
    let (thread, caller) = head.trim_start().split_once(' ')?;
    let mut found = Found {
        time: Some(time),
        level: Some(level),
        message: Some(Cow::Borrowed(message)),
        ..Found::default()
    };
    found.field("thread", thread);
    found.field("caller", caller);
    Some(found)
}
