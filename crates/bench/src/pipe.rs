//! What one would use instead of a sync: the baseline, on the same machine in the same run.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

/// Copies the table `courses` from one database into the other's, which has it already:
/// `psql COPY … TO STDOUT | psql COPY … FROM STDIN`, both binary.
pub(crate) async fn copy_by_psql(from: &str, to: &str) -> Result<()> {
    let mut reader = psql(from, "COPY courses TO STDOUT (FORMAT binary)");
    let mut reader = reader
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("run psql")?;
    let rows: Stdio = reader
        .stdout
        .take()
        .context("psql has no output")?
        .try_into()?;
    let mut writer = psql(to, "COPY courses FROM STDIN (FORMAT binary)");
    let mut writer = writer
        .stdin(rows)
        .stdout(Stdio::null())
        .spawn()
        .context("run psql")?;
    let (read, written) = tokio::try_join!(reader.wait(), writer.wait())?;
    ensure!(
        read.success() && written.success(),
        "psql ended with {read} and {written}"
    );
    Ok(())
}

fn psql(database: &str, statement: &str) -> Command {
    let mut command = Command::new("psql");
    command
        .args([
            "--no-psqlrc",
            "--quiet",
            "--set",
            "ON_ERROR_STOP=1",
            "--command",
            statement,
            database,
        ])
        .kill_on_drop(true);
    command
}
