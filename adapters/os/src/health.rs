//! The health of processes and threads: memory, the state of a thread, ending a child with a core dump.
//!
//! Memory and states are read from `/proc`, which only Linux has in this form.

use std::fs;
use std::io;
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

/// Returns the memory of this process that is resident, in bytes.
///
/// # Errors
/// Returns an error if the system has no `/proc/self/status`.
pub fn resident_memory() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    resident(&status).ok_or(io::ErrorKind::InvalidData.into())
}

/// Reads the line `VmRSS:     1234 kB`.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim_end().parse::<u64>().ok()?.checked_mul(1024)
}

/// Returns the number of the thread that calls; 0 if the system has no `/proc`.
pub fn this_thread() -> u32 {
    let number = || fs::read_link("/proc/thread-self").ok()?.file_name()?.to_str()?.parse().ok();
    number().unwrap_or(0)
}

/// Describes what a thread of this process does: its state, and the function of the kernel that it waits in, if the system
/// tells. `None` if there is no such thread.
pub fn thread_state(thread: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?;
    // The name is in parentheses, and may contain some.
    let state = match stat.rsplit_once(") ")?.1.chars().next()? {
        'R' => "running",
        'S' => "waiting",
        'D' => "waiting for a device",
        'T' | 't' => "stopped",
        _ => "ending",
    };
    let place = fs::read_to_string(format!("/proc/self/task/{thread}/wchan")).unwrap_or_default();
    Some(match place.as_str() {
        "" | "0" => state.to_owned(),
        place => format!("{state} in {place}"),
    })
}

/// Sends `SIGABRT` to a child that has not been waited for. By default it ends the child with a core dump, if the limits of
/// the process and `core_pattern` of the system allow one.
///
/// # Errors
/// Returns an error if the child has ended.
pub fn abort(child: &Child) -> io::Result<()> {
    Ok(kill_process(Pid::from_child(child), Signal::ABORT)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_process_knows_its_memory() {
        assert!(resident_memory().unwrap() > 100_000);
        assert_eq!(resident("VmPeak: 9 kB\nVmRSS:\t    1234 kB\n"), Some(1234 * 1024));
        for status in ["", "VmRSS: 5 MB", "VmRSS: kB", "VmRSS: 99999999999999999999 kB"] {
            assert_eq!(resident(status), None, "{status}");
        }
    }

    #[test]
    fn a_thread_that_waits_is_described() {
        let (number, numbers) = channel();
        let (end, wait) = channel::<()>();
        let thread = std::thread::spawn(move || {
            number.send(this_thread()).unwrap();
            // Ends when the other end is dropped.
            let _ = wait.recv();
        });
        let number = numbers.recv().unwrap();
        assert!(number != 0 && number != this_thread());
        while !thread_state(number).unwrap().starts_with("waiting") {
            std::thread::yield_now();
        }
        assert!(thread_state(this_thread()).unwrap().starts_with("running"));
        drop(end);
        thread.join().unwrap();
        assert_eq!(thread_state(u32::MAX), None);
    }

    #[test]
    fn an_abort_ends_a_child_by_its_signal() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        abort(&child).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGABRT));
    }
}
