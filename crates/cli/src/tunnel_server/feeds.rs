//! Where log lines come from: files, and standard input.

use std::path::Path;
use std::sync::Arc;

use features::logs::{Feed, Follower, Origin, Position, pump};
use server::TunnelServer;
use tracing::{info, warn};

/// Serves the lines that are written to a file from now on, under the file's name.
pub(super) fn follow_file(server: &TunnelServer, path: &Path) {
    let service = path
        .file_stem()
        .map_or_else(|| APP.into(), |stem| stem.to_string_lossy());
    let feed = Feed::new(Arc::clone(server.ring()), Origin::service(&service));
    let follower = Follower::new(path.to_owned(), feed, Position::End);
    let (tasks, path) = (server.helpers().clone(), path.to_owned());
    server.helpers().spawn("log file", async move {
        if let Err(error) = follower.run(&tasks).await {
            warn!("{} is followed no further: {error}", path.display());
        }
    });
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
