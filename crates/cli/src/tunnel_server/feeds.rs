//! Where log lines come from: files, and standard input.

use std::path::Path;
use std::sync::Arc;

use features::logs::{self, Feed, Origin, pump};
use server::TunnelServer;
use tokio::runtime::Handle;
use tracing::{info, warn};

/// Serves the lines that are written to a file from now on, under the file's name.
pub(super) fn follow_file(server: &TunnelServer, path: &Path) {
    match path.try_exists() {
        Ok(false) => warn!(
            "{} is not there yet: it is followed when it comes",
            path.display()
        ),
        Ok(true) | Err(_) => info!("following {}", path.display()),
    }
    logs::follow_file(path, server.ring(), server.helpers());
}

/// Serves the lines of standard input, as those of an instance.
pub(super) fn read_standard_input(server: &TunnelServer, instance: &str) {
    let feed = Feed::new(Arc::clone(server.ring()), Origin::new(APP, instance));
    let (tasks, runtime) = (server.helpers().clone(), Handle::current());
    // All on one thread, which frees what it has allocated: a task that wanders leaves holes in the
    // memory of each thread that it was on, as much as the ring itself.
    let reading = move || match runtime.block_on(pump(tokio::io::stdin(), feed, &tasks)) {
        Ok(()) => info!("standard input has ended"),
        Err(error) => warn!("standard input is read no further: {error}"),
    };
    server.helpers().spawn("standard input", async move {
        // It fails only if reading has panicked, which was told.
        tokio::task::spawn_blocking(reading).await.ok();
    });
}

/// Who writes lines that do not say so.
const APP: &str = "app";
