//! The laptop: the program `tunnel webhook`, which posts to the app what production gets.

use std::process::Stdio;

use anyhow::{Context as _, Result};
use tokio::process::{Child, Command};

use super::{App, PROVIDERS, Production};
use crate::stage::{Stage, beside};

/// A running `tunnel webhook`. It is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Laptop {
    _process: Child,
}

impl Laptop {
    /// Starts it, for a laptop that the server does not know: it gets all that waits in the inbox.
    pub(crate) fn start(stage: &Stage, production: &Production, app: &App) -> Result<Self> {
        let mut command = Command::new(beside("tunnel")?);
        command.args(["webhook", "--json", "--since", "all", "--as", "bench"]);
        for provider in &PROVIDERS {
            let forward = format!("{}=http://127.0.0.1:{}", provider.name, app.port);
            command.args(["--forward", &forward]);
        }
        let log = std::fs::File::create(stage.new_file("laptop.log"))?;
        let process = command
            .env("RENDER_EXTERNAL_URL", production.url())
            .env("RENDER_TUNNEL_SECRET", stage.secret().expose())
            // Nothing of whoever measures is read or written.
            .env("XDG_STATE_HOME", stage.new_file("state"))
            .env_remove("DATABASE_URL")
            .current_dir(stage.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("start tunnel webhook")?;
        Ok(Self { _process: process })
    }
}
