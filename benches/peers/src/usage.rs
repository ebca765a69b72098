//! The resources that the process has used so far, as the kernel counts them.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use crate::Error;

/// CPU time and context switches of all threads.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub cpu: Duration,
    pub voluntary_switches: i64,
}

pub fn usage() -> Result<Usage, Error> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok(Usage {
        cpu: duration(usage.user_time()) + duration(usage.system_time()),
        voluntary_switches: usage.voluntary_context_switches(),
    })
}

/// Bytes in memory now.
pub fn resident() -> Result<u64, Error> {
    status("VmRSS:")
}

/// The most bytes that were ever in memory.
pub fn peak() -> Result<u64, Error> {
    status("VmHWM:")
}

fn status(field: &str) -> Result<u64, Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"))
        .ok_or_else(|| format!("no {field} in /proc/self/status"))?;
    Ok(kibibytes.parse::<u64>()? * 1024)
}

fn duration(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let microseconds = u64::try_from(time.tv_usec()).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(microseconds)
}
