//! Socket activation: the sockets that systemd has opened for the service (`sd_listen_fds(3)`).

use std::ffi::OsString;

use crate::Listen;

/// The descriptor of the first socket.
const FIRST: i32 = 3;

/// Returns the sockets that systemd has passed to the process of this number. `LISTEN_PID` tells them from those that were
/// passed to a parent.
pub(super) fn sockets(environment: &[(OsString, OsString)], process: u32) -> Vec<Listen> {
    let number = |wanted: &str| {
        let (_, value) = environment.iter().find(|(name, _)| name == wanted)?;
        value.to_str()?.parse::<u32>().ok()
    };
    let count = number("LISTEN_FDS").filter(|_| number("LISTEN_PID") == Some(process)).unwrap_or(0);
    let end = i32::try_from(count).unwrap_or(0).saturating_add(FIRST);
    (FIRST..end).map(Listen::Descriptor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sockets_of_this_process_are_taken() {
        let count = |count: &str, process: &str| {
            let pair = |name: &str, value: &str| (name.into(), value.into());
            sockets(&[pair("LISTEN_FDS", count), pair("LISTEN_PID", process)], 7)
        };
        assert_eq!(count("2", "7"), [Listen::Descriptor(3), Listen::Descriptor(4)]);
        for (number, process) in [("2", "8"), ("2", ""), ("0", "7"), ("x", "7"), ("-1", "7"), ("", "7")] {
            assert_eq!(count(number, process), [], "{number} {process}");
        }
    }
}
