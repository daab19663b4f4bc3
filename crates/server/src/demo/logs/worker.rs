//! Lines of the worker: plain text for people, with time, level and the part that speaks.

use super::service::Level;
use crate::demo::calendar::Moment;
use crate::demo::database::{COURSES, USERS};
use crate::demo::draw::Draw;

/// Writes a line.
pub(super) fn line(level: Level, at: Moment, draw: &mut Draw) -> String {
    let job = draw.within(10_000..=99_999);
    let (course, user) = (draw.within(1..=COURSES), draw.within(1..=USERS));
    let took = draw.within(20..=4_000);
    let choice = draw.below(3);
    let story = match (level, choice) {
        (Level::Debug, 0) => format!("[queue] polled, {} waiting", took / 100),
        (Level::Debug, _) => format!("[queue] job {job} locked"),
        (Level::Info, 0) => format!("[mailer] sent template welcome to user {user} in {took} ms"),
        (Level::Info, 1) => format!("[video] transcoded lesson 3 of course {course} in {took} ms"),
        (Level::Info, _) => format!("[queue] job {job} done in {took} ms"),
        (Level::Warn, 0) => format!("[queue] job {job} is late by {took} ms"),
        (Level::Warn, 1) => format!("[mailer] provider asks to slow down, waiting {took} ms"),
        (Level::Warn, _) => format!("[video] course {course} has no captions, published without"),
        (Level::Error, 0) => {
            format!("[mailer] gave up on job {job} after 5 attempts: 421 try again later")
        }
        (Level::Error, 1) => {
            format!("[video] transcoding course {course} failed: moov atom not found")
        }
        (Level::Error, _) => format!("[queue] job {job} failed: connection reset by peer"),
    };
    format!("{} {:<5} {story}", at.to_millisecond(), name(level))
}

const fn name(level: Level) -> &'static str {
    match level {
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warn => "WARN",
        Level::Error => "ERROR",
    }
}
