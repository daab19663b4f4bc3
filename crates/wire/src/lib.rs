//! The bytes that the two ends of a tunnel exchange inside QUIC: hello, notices, preface, frames,
//! status and close codes. `docs/PROTOCOL.md` is the same in prose, with the same bytes.
//!
//! Nothing here does IO, reads a clock or knows QUIC: a value is turned into bytes and back, and
//! every length is bounded before memory is taken for it.
//!
//! ```text
//! session:  Hello ──▶        ◀── Welcome | Refused, Notice…   (first stream)
//! channel:  Preface, Message… ──▶   ◀── Message… , End | Fault
//! ```

pub mod close;
pub mod frame;
pub mod hello;
pub mod message;
pub mod notice;
pub mod pass;
pub mod preface;
pub mod status;

pub use close::CloseCode;
pub use frame::{Fault, FrameError, FrameKind, Header};
pub use hello::{Hello, HelloBody, Refused, Reply, Versions, Welcome, WelcomeBody};
pub use message::{DecodeError, decode, encode};
pub use notice::Notice;
pub use pass::{Act, Pass, PassError};
pub use preface::{FeatureVersion, Preface};
pub use status::Status;
