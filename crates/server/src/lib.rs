//! The server end as a library: listens, lets in who holds a key, and serves the features.
//!
//! ```no_run
//! # async fn run() -> Result<(), server::ServerError> {
//! use server::TunnelServer;
//!
//! let server = TunnelServer::builder()
//!     .port(3001)
//!     .secret(std::fs::read_to_string("secret.txt").unwrap_or_default())
//!     .start()
//!     .await?;
//! tokio::signal::ctrl_c().await.ok();
//! server.stop().await;
//! # Ok(())
//! # }
//! ```

mod builder;
pub mod config;
pub mod demo;
mod error;
mod front;
mod server;

pub use builder::ServerBuilder;
pub use error::ServerError;
pub use features::logs;
pub use features::sync::database::{DatabaseUrl, DatabaseUrlError};
pub use server::TunnelServer;
pub use transport::trust::{Allow, NoSanitize, Scopes};
