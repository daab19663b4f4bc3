//! What a user sees: data on standard output, everything else on standard error.

pub mod clock;
pub mod event;
pub mod line;
pub mod number;
mod screen;
mod style;
pub mod text;
pub mod webhook;

pub use screen::{Format, Loudness, Screen};
pub use style::{Ink, Style, Surface};
