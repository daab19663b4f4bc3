//! The client end as a library: one connection to a server, and what runs over it.
//!
//! ```no_run
//! # async fn run() -> Result<(), client::TunnelError> {
//! use client::TunnelClient;
//!
//! let client = TunnelClient::builder()
//!     .server("quic://app.example.com:3001")
//!     .secret(std::fs::read_to_string("secret.txt").unwrap_or_default())
//!     .connect()
//!     .await?;
//! let health = client.health_check().await?;
//! println!("{} is {:?} away", health.report.server_id, health.round_trip(50));
//! client.disconnect().await;
//! # Ok(())
//! # }
//! ```

mod builder;
mod client;
mod error;
mod event;

pub use builder::ClientBuilder;
pub use client::{Events, Logs, TunnelClient};
pub use error::{Chain, ErrorKind, TunnelError};
pub use event::TunnelEvent;
pub use features::{health, logs, sync};
pub use transport::backoff::BackoffPolicy;
pub use transport::keeper::Reconnect;
