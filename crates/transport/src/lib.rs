//! Sessions and channels over one QUIC connection, whatever carries it.
//!
//! ```text
//! carrier   UDP, or any quinn::AsyncUdpSocket         carrier
//!    │ packets
//! endpoint  Listener (server) and Dialer (client)     endpoint
//!    │ handshake: pinned identity, mutual proof       trust
//! session   one authenticated connection              session, control, path, held
//!    │ streams
//! channel   frames of typed messages                  channel, call, first_call, flow
//!    │
//! router    hands each channel to its feature         router, oversight
//! ```
//! Nothing here knows what a feature does.

pub mod address;
pub mod backoff;
pub mod call;
pub mod carrier;
pub mod channel;
pub mod choice;
pub mod congestion;
mod control;
pub mod endpoint;
pub mod first_call;
pub mod flow;
#[cfg(unix)]
pub mod held;
pub mod keeper;
pub mod oversight;
pub mod path;
pub mod reach;
pub mod router;
pub mod session;
pub mod tasks;
pub mod trust;
