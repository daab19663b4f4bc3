//! The client end as a library: one connection to a server, and what runs over it.
//!
//! ```
//! use client::{Reconnect, Secret, TunnelClient};
//! use server::TunnelServer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A production to speak with: here in the same process, usually `tunnel-server` elsewhere.
//! let secret = Secret::generate()?;
//! let server = TunnelServer::builder()
//!     .quic_address("127.0.0.1:0".parse()?)
//!     .http_address(None)
//!     .secret(secret.expose())
//!     .start()
//!     .await?;
//!
//! let client = TunnelClient::builder()
//!     .server(format!("quic://{}", server.quic_address()?).parse()?)
//!     .secret(secret)
//!     .reconnect(Reconnect::Off)
//!     .connect()
//!     .await?;
//! let health = client.health_check().await?;
//! assert_eq!(health.report.identity.environment, "production");
//! println!("{} is {:?} away", health.report.identity.server_id, health.connection.path.round_trip);
//!
//! client.disconnect().await;
//! server.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! A sync, with its progress:
//!
//! ```no_run
//! use client::sync::client::{Progress, SyncRequest, Theirs};
//! use client::sync::target::{Destination, Mode, OutputFile};
//! use client::sync::wire::{Open, Sanitising, Selection};
//! # async fn run(client: client::TunnelClient) -> Result<(), Box<dyn std::error::Error>> {
//! let courses = SyncRequest {
//!     open: Open {
//!         tables: Selection::Named(vec!["courses".to_owned()]),
//!         limit: Some(1000),
//!         sanitising: Sanitising::On,
//!     },
//!     destination: Destination::File(OutputFile::new("courses.json")?),
//!     mode: Mode::Merge,
//!     theirs: Theirs::Ask,
//! };
//! let summary = client
//!     .sync_data(&courses, |step| {
//!         if let Progress::Chunk { rows, .. } = step {
//!             println!("{rows} more rows");
//!         }
//!     })
//!     .await?;
//! println!("{} rows in {:?}", summary.tables[0].rows, summary.took);
//! # Ok(())
//! # }
//! ```
//!
//! What happens meanwhile is one stream, for any number of listeners:
//!
//! ```no_run
//! use client::TunnelEvent;
//! # async fn run(client: client::TunnelClient) {
//! let mut events = client.events();
//! while let Some(event) = events.next().await {
//!     match event {
//!         TunnelEvent::Disconnected { reason } => println!("lost: {reason}"),
//!         TunnelEvent::Reconnecting { attempt, delay } => println!("try {attempt} in {delay:?}"),
//!         TunnelEvent::LogsMissed(missed) => println!("{:?} lines are gone", missed.entries),
//!         TunnelEvent::Missed { count } => println!("too slow for {count} events"),
//!         // Others may come.
//!         _ => {}
//!     }
//! }
//! # }
//! ```

mod builder;
mod chain;
mod client;
mod compared;
mod error;
mod event;
mod events;
mod forwarded;
#[cfg(unix)]
mod held;
mod mirrored;
mod reaching;
#[cfg(test)]
mod tests;

pub use builder::{ClientBuilder, Steps};
pub use chain::Chain;
pub use client::{Logs, TunnelClient};
pub use error::{ErrorKind, TunnelError};
pub use event::TunnelEvent;
pub use events::Events;
pub use features::{env, flags, health, logs, sync, vitals, webhooks};
pub use forwarded::Webhooks;
#[cfg(unix)]
pub use held::Sharing;
pub use transport::address::ServerAddress;
pub use transport::backoff::BackoffPolicy;
pub use transport::carrier::Carrier;
pub use transport::choice::CarrierChoice;
pub use transport::keeper::{Gap, Reconnect, Record, Snapshot};
pub use transport::path::{Path, RoundTrips};
pub use transport::trust::Secret;
