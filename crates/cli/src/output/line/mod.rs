//! Log lines as users read them: what comes from a stream of lines, turned into bytes.
//!
//! ```text
//!                                 ┌─ pretty   for people: aligned, coloured
//! LogItem ─▶ Renderer ── a form ──┼─ json     for scripts: an object a line
//!                                 ├─ template as the user wants them
//!                                 └─ raw      as they were written
//! ```
//! Nothing here reads a clock or writes to a stream: the same items are the same bytes.

mod brush;
mod fields;
mod happened;
mod json;
mod names;
mod page;
mod pretty;
mod raw;
mod renderer;
mod safe;
mod template;
#[cfg(test)]
mod tests;

pub use fields::{Layout, Shown, ShownError};
pub use page::{Aside, Page};
pub use renderer::{Look, Renderer, Shape};
pub use template::{Template, TemplateError};
