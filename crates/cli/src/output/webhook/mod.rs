//! Deliveries on the screen: live, in a list, whole, and as JSON.
//!
//! All that a provider sends is text from elsewhere: a terminal acts upon none of it.

mod curl;
mod hex;
mod json;
mod list;
mod show;
#[cfg(test)]
mod tests;
mod words;

pub use self::curl::curl;
pub use self::hex::dump;
pub use self::json::{LineJson, SavedDelivery, SavedError, TryJson};
pub use self::list::table;
pub use self::show::{body, show};
