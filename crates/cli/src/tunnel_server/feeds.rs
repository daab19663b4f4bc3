//! Where log lines come from: files, and standard input.

use std::path::Path;
use std::sync::Arc;

use features::logs::{self, Feed, Origin, pump};
use server::TunnelServer;
use tracing::{info, warn};

/// Serves the lines that are written to a file from now on, under the file's name.
pub(super) fn follow_file(server: &TunnelServer, path: &Path) {
    logs::follow_file(path, server.ring(), server.helpers());
}

/// Serves the lines of standard input.
pub(super) fn read_standard_input(server: &TunnelServer) {
    let feed = Feed::new(Arc::clone(server.ring()), Origin::service(APP));
    let tasks = server.helpers().clone();
    server.helpers().spawn("standard input", async move {
        match pump(tokio::io::stdin(), feed, &tasks).await {
            Ok(()) => info!("standard input has ended"),
            Err(error) => warn!("standard input is read no further: {error}"),
        }
    });
}

/// Who writes lines that do not say so.
const APP: &str = "app";
