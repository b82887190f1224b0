//! CPU time and memory of processes and threads, from Linux' `/proc`. Elsewhere there are no such figures.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `utime` and `stime` are counted in hundredths of a second on every Linux (`USER_HZ`, proc_pid_stat(5)).
const TICK: Duration = Duration::from_millis(10);

/// User and system time so far, with that of children that were waited for.
fn time_of(stat: &Path) -> Option<(u32, Duration)> {
    let text = fs::read_to_string(stat).ok()?;
    // The second field, the program's name, may hold anything, parentheses included.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u32>().ok()).sum::<u32>();
    Some((fields.get(1)?.parse().ok()?, TICK * ticks))
}

/// What the calling thread has used so far.
#[must_use]
pub fn of_this_thread() -> Option<Duration> {
    time_of(Path::new("/proc/thread-self/stat")).map(|(_, time)| time)
}

/// Where the calling thread's times stand, for another thread to read.
#[must_use]
pub fn this_thread() -> Option<PathBuf> {
    Some(Path::new("/proc").join(fs::read_link("/proc/thread-self").ok()?).join("stat"))
}

/// What that thread has used so far.
#[must_use]
pub fn of_thread(stat: &Path) -> Option<Duration> {
    time_of(stat).map(|(_, time)| time)
}

/// What a process and all its descendants have used so far; none if there is no such process.
#[must_use]
pub fn of_tree(root: u32) -> Option<Duration> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut times = HashMap::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Some((parent, time)) = time_of(&entry.path().join("stat")) else { continue };
        children.entry(parent).or_default().push(pid);
        times.insert(pid, time);
    }
    let mut total = *times.get(&root)?;
    let mut left = children.remove(&root).unwrap_or_default();
    while let Some(pid) = left.pop() {
        total += times.get(&pid).copied().unwrap_or_default();
        left.extend(children.remove(&pid).unwrap_or_default());
    }
    Some(total)
}

/// The most memory that a process has had resident, in bytes.
#[must_use]
pub fn peak_memory(pid: u32) -> Option<u64> {
    memory(pid, "VmHWM:")
}

/// The memory that a process has resident now, in bytes.
#[must_use]
pub fn resident_memory(pid: u32) -> Option<u64> {
    memory(pid, "VmRSS:")
}

fn memory(pid: u32, which: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(which))?;
    let kib: u64 = line.trim().split(' ').next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_busy_thread_is_seen_at_work() {
        let (own, other) = (std::process::id(), this_thread().unwrap());
        let before = of_tree(own).unwrap();
        while of_this_thread().unwrap() < Duration::from_millis(30) {
            std::hint::black_box((0..10_000).sum::<u64>());
        }
        assert!(of_tree(own).unwrap() >= before + Duration::from_millis(20));
        assert!(of_thread(&other).unwrap() >= Duration::from_millis(30));
        assert!(peak_memory(own).unwrap() > 1 << 20);
        assert!(of_tree(u32::MAX).is_none());
    }
}
