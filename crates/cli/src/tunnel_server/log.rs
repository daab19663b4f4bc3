//! The server's own log.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::environment::Environment;
use crate::exit::Failure;
use crate::output::{Style, Surface};

/// Writes what happens as `RUST_LOG` wants it, to what leads to standard error.
pub(super) fn write(
    environment: &Environment,
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
) -> Result<(), Failure> {
    let directives = environment.text("RUST_LOG")?.unwrap_or("info");
    let filter = EnvFilter::try_new(directives)
        .map_err(|error| Failure::usage(format!("RUST_LOG makes no sense: {error}")))?;
    let style = Style::of(Surface::of(&io::stderr()), environment);
    tracing_subscriber::fmt()
        .compact()
        .with_env_filter(filter)
        .with_ansi(style == Style::Coloured)
        .with_target(false)
        .with_writer(writer)
        .init();
    Ok(())
}
