//! How much memory a process has, and has had at the most.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Child;

/// Returns the peak of a running process's resident memory, in MiB; `None` if it has ended.
pub(crate) fn peak(process: u32) -> Option<f64> {
    mebibytes(process, "VmHWM:")
}

/// Returns a running process's resident memory, in MiB; `None` if it has ended.
pub(crate) fn resident(process: u32) -> Option<f64> {
    mebibytes(process, "VmRSS:")
}

fn mebibytes(process: u32, name: &str) -> Option<f64> {
    parse(
        &std::fs::read_to_string(format!("/proc/{process}/status")).ok()?,
        name,
    )
}

/// Waits until a process ends well and returns its peak as it was last seen, in MiB.
///
/// A process that has ended has no memory to ask for, so it is asked while it runs: what it takes
/// in its very last moment is missed.
pub(crate) async fn peak_of(mut child: Child) -> Result<f64> {
    let process = child.id().context("the process has ended already")?;
    let mut last = None;
    loop {
        last = peak(process).or(last);
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "the process ended with {status}");
            return last.context("the process ended before its memory was seen");
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn parse(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// Often enough for a sync of 10,000 rows, and seldom enough to cost it nothing.
const LOOK: Duration = Duration::from_millis(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_status() {
        let status = "Name:\tx\nVmPeak:\t  900000 kB\nVmHWM:\t   20480 kB\nVmRSS:\t  10240 kB\n";
        assert_eq!(parse(status, "VmHWM:"), Some(20.0));
        assert_eq!(parse(status, "VmRSS:"), Some(10.0));
        assert_eq!(parse("Name:\tzombie\n", "VmHWM:"), None);
    }

    #[test]
    fn this_process_has_a_peak_and_no_process_has_none() {
        assert!(peak(std::process::id()).unwrap() > 1.0);
        assert_eq!(peak(u32::MAX), None);
    }
}
