//! What the server says of its own process: memory, processor, descriptors.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use features::vitals::{Check, Observed, Reading, Vitals};
use tokio::time::Instant;
use transport::tasks::heavy;

/// How much of the processor was used up to a moment.
#[derive(Clone, Copy, Debug)]
struct Used {
    at: Instant,
    time: Duration,
}

/// Registers what the system says of this process. Where it says nothing, nothing is said.
pub(crate) fn register(vitals: &Vitals) {
    let last = Arc::new(Mutex::new(Used {
        at: Instant::now(),
        time: processor_time().unwrap_or_default(),
    }));
    vitals.several(MEMORY, move || {
        let last = Arc::clone(&last);
        async move { heavy(|| checks(&last)) }
    });
}

fn checks(last: &Mutex<Used>) -> Vec<Check> {
    [
        resident().map(|reading| (MEMORY, reading)),
        container().map(|reading| ("memory:container", reading)),
        processor(last).map(|reading| ("cpu:utilization", reading)),
        descriptors().map(|reading| ("descriptors:open", reading)),
    ]
    .into_iter()
    .flatten()
    .map(|(name, reading)| Check::new(name, reading))
    .collect()
}

fn resident() -> Option<Reading> {
    let bytes = resident_of(&fs::read_to_string("/proc/self/status").ok()?)?;
    Some(Reading::pass().seen(Observed::Bytes(bytes)))
}

/// Reads `VmRSS:     1234 kB`.
fn resident_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Reads what the whole container takes, the app included, of what it may: where that ends, the system
/// ends one of them.
fn container() -> Option<Reading> {
    let number = |name| {
        let text = fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?;
        text.trim().parse::<u64>().ok()
    };
    let (used, most) = (number("memory.current")?, number("memory.max")?);
    let idle = fs::read_to_string("/sys/fs/cgroup/memory.stat").ok();
    let idle = idle.and_then(|stat| inactive_of(&stat)).unwrap_or_default();
    let used = used.saturating_sub(idle);
    Some(Reading::within(used, most, Observed::Bytes, NO_MEMORY))
}

/// Reads how much of it are files' pages that are given back as soon as somebody needs room.
fn inactive_of(stat: &str) -> Option<u64> {
    let line = stat
        .lines()
        .find_map(|it| it.strip_prefix("inactive_file "))?;
    line.trim().parse().ok()
}

/// Says how much of a processor was used since somebody asked last, or since the start.
fn processor(last: &Mutex<Used>) -> Option<Reading> {
    let time = processor_time()?;
    let now = Instant::now();
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    let (wall, busy) = (now - last.at, time.saturating_sub(last.time));
    *last = Used { at: now, time };
    let percent = busy.as_secs_f64() * 100.0 / wall.as_secs_f64().max(SHORTEST);
    Some(Reading::pass().seen(Observed::Percent(percent.round() as u32)))
}

fn processor_time() -> Option<Duration> {
    processor_time_of(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// Reads the times of the process, in it and in the system: fields 14 and 15, behind a name in
/// parentheses that may hold spaces and parentheses itself.
fn processor_time_of(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let ticks = ticks()?.checked_add(ticks()?)?;
    Some(Duration::from_millis(ticks.checked_mul(TICK)?))
}

fn descriptors() -> Option<Reading> {
    let open = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    // The one that counts.
    let open = open.saturating_sub(1);
    Some(match most_descriptors() {
        Some(most) => Reading::within(open, most, Observed::Count, NO_DESCRIPTORS),
        None => Reading::pass().seen(Observed::Count(open)),
    })
}

#[cfg(unix)]
fn most_descriptors() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};

    getrlimit(Resource::Nofile).current
}

#[cfg(not(unix))]
const fn most_descriptors() -> Option<u64> {
    None
}

const MEMORY: &str = "memory:resident";

const NO_MEMORY: &str = "hardly any memory is left, and the system ends what wants more";

const NO_DESCRIPTORS: &str = "hardly any descriptors are left: connections will be refused";

/// In milliseconds: Linux tells every program times in hundredths of a second, whatever it counts in.
const TICK: u64 = 10;

/// In seconds, the shortest time over which something is told: the ticks are no finer.
const SHORTEST: f64 = 0.01;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_writes_is_read() {
        let status = "Name:\ttunnel-server\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n";
        assert_eq!(resident_of(status), Some(10 << 20));
        assert_eq!(resident_of("VmRSS: many"), None);
        let stat = "42 (a) name) S 1 42 42 0 -1 4194560 1 0 0 0 150 50 7 8 20 0 9 0";
        assert_eq!(processor_time_of(stat), Some(Duration::from_secs(2)));
        assert_eq!(processor_time_of("42 (name) S 1"), None);
        let memory = "anon 5\nfile 9\ninactive_file 4096\nactive_file 1\n";
        assert_eq!(inactive_of(memory), Some(4096));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn this_process_has_memory_and_descriptors() {
        let vitals = Vitals::default();
        register(&vitals);
        let checks = vitals.ask().await;
        for name in [MEMORY, "cpu:utilization", "descriptors:open"] {
            let check = checks.iter().find(|check| check.name == name).unwrap();
            assert_ne!(check.observed, None, "{name}");
        }
    }
}
