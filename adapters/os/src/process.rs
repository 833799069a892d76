//! This process and others: whether they run, names, the mask of new files, and children that end.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, WaitOptions, test_kill_process, wait};

/// The number of bytes of a name that Linux keeps (`TASK_COMM_LEN` without its zero).
const NAME: usize = 15;

/// Whether a process of this number exists. It may belong to another user.
///
/// ```
/// assert!(stelo_os::process::is_running(std::process::id()));
/// assert!(!stelo_os::process::is_running(0));
/// ```
pub fn is_running(id: u32) -> bool {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH)))
}

/// Names the process, as `ps` and `top` show it, and the threads that this one starts from now on: the first bytes of
/// `name`, cut off so that 15 bytes remain with `suffix`. Call it in the first thread. Does nothing on systems other than
/// Linux.
pub fn set_name(name: &str, suffix: &str) {
    let room = NAME.saturating_sub(suffix.len());
    let end = (0..=room.min(name.len())).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    let name = format!("{}{suffix}", &name[..end]);
    #[cfg(target_os = "linux")]
    if let Ok(name) = std::ffi::CString::new(name) {
        // Fails only for a pointer that is not valid.
        let _ = rustix::thread::set_name(&name);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = name;
}

/// Sets the mask of the permissions of new files, for the whole process.
pub fn set_umask(mask: u32) {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(mask as _));
}

/// Returns a child that has ended, of any kind: one that this process has started, or an orphan that it has inherited as
/// process 1. `None` if none has ended.
///
/// # Errors
/// Returns the errors of the system, except that there are no children.
pub fn ended_child() -> io::Result<Option<(u32, ExitStatus)>> {
    match wait(WaitOptions::NOHANG) {
        Ok(ended) => Ok(ended.map(|(pid, status)| {
            let id = pid.as_raw_nonzero().get().unsigned_abs();
            (id, ExitStatus::from_raw(status.as_raw()))
        })),
        Err(rustix::io::Errno::CHILD) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_has_ended_does_not_run() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert!(!is_running(child.id()));
        assert!(!is_running(u32::MAX));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_keeps_its_suffix() {
        let name = || std::fs::read_to_string("/proc/thread-self/comm").unwrap();
        for (long, expected) in [
            ("shop", "shop:worker\n"),
            ("storefront-server", "storefro:worker\n"),
            ("ééééé", "éééé:worker\n"),
        ] {
            set_name(long, ":worker");
            assert_eq!(name(), expected);
        }
    }
}
