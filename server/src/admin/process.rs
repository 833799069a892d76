//! Memory, time and descriptors of the process, under the names that Prometheus' own clients use.

use super::page::{Kind, Page};

/// Returns the figures of this process. Systems without `/proc` have none.
pub(super) fn page() -> Page {
    let mut page = Page::default();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    if let Some(kilobytes) = field("VmRSS:") {
        let help = "Resident memory, without what is swapped out.";
        page.single("process_resident_memory_bytes", Kind::Gauge, help, kilobytes * 1024.0);
    }
    if let Some(threads) = field("Threads:") {
        page.single("process_threads", Kind::Gauge, "Threads of the process.", threads);
    }
    if let Some(seconds) = seconds(&std::fs::read_to_string("/proc/self/stat").unwrap_or_default()) {
        let help = "Time on a processor, of the process and of the system for it.";
        page.single("process_cpu_seconds_total", Kind::Counter, help, seconds);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        page.single("process_open_fds", Kind::Gauge, "Open file descriptors.", open.count() as f64);
    }
    page
}

/// Returns the time on a processor, from `/proc/self/stat`.
fn seconds(stat: &str) -> Option<f64> {
    /// The kernel counts in this unit on every architecture (`USER_HZ`).
    const TICKS: f64 = 100.0;
    // The name of the process, in parentheses, may have spaces. Fields 14 and 15 follow it as the 12th and 13th.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_on_a_processor_is_that_of_process_and_system() {
        let stat = "42 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0";
        assert_eq!(seconds(stat), Some(2.0));
        assert_eq!(seconds(""), None);
    }
}
