//! Deliveries on the screen: live, in a list, whole, and as JSON.
//!
//! All that a provider sends is text from elsewhere: a terminal acts upon none of it.

mod curl;
mod event;
mod hex;
mod json;
mod list;
mod live;
#[cfg(test)]
mod live_tests;
mod show;
#[cfg(test)]
mod tests;
mod words;

pub use self::curl::curl;
pub use self::event::{AnsweredJson, ArrivedJson, EventJson, ProviderJson};
pub use self::hex::dump;
pub use self::json::{LineJson, SavedDelivery, SavedError, SavedHeader, SavedRequest, TryJson};
pub use self::list::table;
pub use self::live::Live;
pub use self::show::{body, show};
