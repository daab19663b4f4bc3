//! The built-in demo production: a database that looks like a school's, its services' logs, its
//! flags, and the webhooks that providers send to it.
//!
//! Everything here is invented and is the same on every machine: a small generator picks from
//! embedded words, so that two people who try the tunnel see the same courses. The people have
//! domains under `.test` and telephone numbers that are kept for fiction, which the sanitiser
//! takes for real ones; what it puts in their place looks different.

mod calendar;
mod database;
mod draw;
mod environment;
mod flags;
mod logs;
mod person;
mod text;
mod webhooks;
mod words;

pub use database::{DemoError, database};
pub use environment::{VARIABLES, variable, with_environment};
pub use flags::Flags;
pub use logs::Logs;
pub use webhooks::Webhooks;
