//! A session that other commands run over: `tunnel connect`, a process of its own.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::process::Child;

use super::{ServerEnd, Stage};

/// A running `tunnel connect`. It is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Holder {
    _process: Child,
}

impl Holder {
    /// Starts it, and waits until `tunnel status` finds it.
    pub(crate) async fn start(stage: &Stage, server: &ServerEnd) -> Result<Self> {
        let log = stage.new_file("holder.log");
        let mut process = server
            .tunnel(stage)
            .arg("connect")
            .stderr(std::fs::File::create(&log)?)
            .spawn()
            .context("start tunnel connect")?;
        let began = Instant::now();
        while !server.tunnel(stage).arg("status").status().await?.success() {
            if began.elapsed() > START_TIME || process.try_wait()?.is_some() {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                bail!("tunnel connect holds no session: {said}");
            }
            tokio::time::sleep(START_PAUSE).await;
        }
        Ok(Self { _process: process })
    }
}

/// On a machine that is busy beyond reason.
const START_TIME: Duration = Duration::from_secs(15);

const START_PAUSE: Duration = Duration::from_millis(20);
