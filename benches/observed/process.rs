//! What a process has used so far, from `/proc`. Linux only.

use std::{fs, time::Duration};

/// Time on a processor so far, of all its threads that still run.
pub fn cpu(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("a running process").flatten();
    let nanoseconds = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// (most, now) memory in MiB.
pub fn memory(pid: u32) -> (f64, f64) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a running process");
    let mebibytes = |name: &str| number(&status, name).unwrap_or(0) as f64 / 1_024.0;
    (mebibytes("VmHWM:"), mebibytes("VmRSS:"))
}

fn number(status: &str, name: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}
