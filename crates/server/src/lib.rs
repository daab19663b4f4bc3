//! The server end as a library: listens, lets in who holds a key, and serves the features.
//!
//! ```
//! use server::{Secret, TunnelServer};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = TunnelServer::builder()
//!     .quic_address("127.0.0.1:0".parse()?)
//!     .http_address(None)
//!     .secret(Secret::generate()?.expose())
//!     .environment("staging")
//!     .start()
//!     .await?;
//! println!("listening on {}", server.quic_address()?);
//!
//! // Lines for `tunnel logs`.
//! let mut feed = server::logs::Feed::new(server.ring().clone(), server::logs::Origin::service("app"));
//! feed.push(b"level=info msg=\"ready\"\n");
//!
//! # let a_signal = std::future::ready(());
//! // A service waits for `server::asked_to_stop()`: SIGTERM or ^C.
//! let late = server.serve_until(a_signal).await;
//! assert!(late.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! An axum app may serve the tunnel itself, on its own port:
//!
//! ```no_run
//! use std::net::SocketAddr;
//!
//! use axum::Router;
//! use axum::routing::get;
//! use server::TunnelServer;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let secret = "";
//! let tunnel = TunnelServer::builder().embedded().secret(secret).start().await?;
//! let app = Router::new().route("/", get(async || "hello")).merge(tunnel.router());
//!
//! let listener = tokio::net::TcpListener::bind("0.0.0.0:3000").await?;
//! axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
//!     .with_graceful_shutdown(server::asked_to_stop())
//!     .await?;
//! tunnel.stop().await;
//! # Ok(())
//! # }
//! ```

pub mod app;
mod audit;
mod builder;
pub mod config;
pub mod demo;
mod error;
mod front;
mod guests;
mod keys;
mod oversight;
mod process;
mod server;
mod signal;
mod tracing_layer;

pub use builder::{ServerBuilder, Udp};
pub use error::ServerError;
pub use features::sync::database::{DatabaseUrl, DatabaseUrlError};
pub use features::{logs, vitals};
pub use front::manners::OriginError;
pub use keys::{Keys, ServerKeys};
pub use server::{ClosedFront, TunnelServer};
pub use signal::{Hangups, asked_to_stop};
pub use tracing_layer::{LogsLayer, logs_layer};
pub use transport::router::MOVE;
pub use transport::trust::{Allow, Change, KeyChange, KeyId, NoSanitize, Scopes, Secret};
