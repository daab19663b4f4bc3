//! Where sessions begin: a [`Listener`] on the server, a [`Dialer`] on the client.

mod arrival;
mod dialer;
mod error;
mod listener;

use std::io;
use std::sync::Arc;

use quinn::{AsyncUdpSocket, Endpoint, ServerConfig, TokioRuntime};

pub use self::arrival::{Arrival, Reception};
pub use self::dialer::Dialer;
pub use self::error::{BindError, DialError};
pub use self::listener::Listener;
pub(crate) use self::listener::server_config;
use crate::carrier::{self, Carrier};

/// Makes an endpoint over a socket of ours.
pub(crate) fn abstract_endpoint(
    socket: Arc<dyn AsyncUdpSocket>,
    carrier: Carrier,
    server: Option<ServerConfig>,
) -> io::Result<Endpoint> {
    let config = carrier::endpoint_config(carrier);
    Endpoint::new_with_abstract_socket(config, server, socket, Arc::new(TokioRuntime))
}
