//! Messages to the service manager: the protocol of `sd_notify(3)`, over the socket that `NOTIFY_SOCKET` names.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stelo_os::Clock;

use crate::messages;

/// The longest time of a watchdog, in microseconds.
const YEAR: u64 = 365 * 24 * 60 * 60 * 1_000_000;

/// The service manager that has started this process.
#[derive(Debug)]
pub(crate) struct Notify {
    socket: UnixDatagram,
    manager: SocketAddr,
    /// The time without a sign of life after which the manager ends the process.
    watchdog: Option<Duration>,
    /// The log has said that the manager does not get the messages.
    failed: Arc<AtomicBool>,
}

impl Notify {
    /// The variables of the protocol. Workers do not get them: the manager listens to the supervisor.
    pub(crate) const VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", Self::WATCHED];

    /// The variable with the number of the process that the watchdog watches.
    pub(crate) const WATCHED: &str = "WATCHDOG_PID";

    /// Returns the manager that these variables name. `process` is the number of this process.
    pub(crate) fn new(variable: impl Fn(&str) -> Option<OsString>, process: u32) -> Option<Self> {
        let [socket, time, watched] = Self::VARIABLES.map(variable);
        let number = |value: OsString| value.to_str()?.parse::<u64>().ok();
        let is_watched = watched.is_none_or(|watched| number(watched) == Some(process.into()));
        // A longer time may be beyond what the clock can represent.
        let watchdog = time.and_then(number).filter(|time| (1..=YEAR).contains(time) && is_watched);
        Some(Self {
            manager: address(&socket?)?,
            socket: UnixDatagram::unbound().ok()?,
            watchdog: watchdog.map(Duration::from_micros),
            failed: Arc::default(),
        })
    }

    /// Returns another handle of the manager.
    pub(crate) fn again(&self) -> io::Result<Self> {
        let Self { socket, manager, watchdog, failed } = self;
        let (manager, failed) = (manager.clone(), failed.clone());
        Ok(Self { socket: socket.try_clone()?, manager, watchdog: *watchdog, failed })
    }

    /// The service accepts connections, or has read its settings again.
    pub(crate) fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nMAINPID={}\nSTATUS={status}", std::process::id()));
    }

    /// Another process is the service from now on.
    pub(crate) fn succeeded(&self, process: u32) {
        self.send(&format!("READY=1\nMAINPID={process}\nSTATUS=Running"));
    }

    /// The service reads its settings again.
    pub(crate) fn reloading(&self, status: &str) {
        let now = Clock::now().as_micros();
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={now}\nSTATUS={status}"));
    }

    /// The service stops.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=Shutting down");
    }

    fn send(&self, text: &str) {
        let result = self.socket.send_to_addr(text.as_bytes(), &self.manager);
        if let Err(error) = result
            && !self.failed.swap(true, Ordering::Relaxed)
        {
            messages::notify_failed(&error);
        }
    }
}

/// Gives the service manager signs of life.
#[derive(Debug)]
pub(crate) struct Beat {
    notify: Option<Notify>,
    /// The time of the next sign of life, if the manager wants any.
    next: Option<Instant>,
}

impl Beat {
    /// `notify` is `None` if there is no service manager.
    pub(crate) fn new(notify: Option<Notify>) -> Self {
        let next = notify.as_ref().and_then(|notify| notify.watchdog).map(|_| Instant::now());
        Self { notify, next }
    }

    /// Returns the service manager.
    pub(crate) fn notify(&self) -> Option<&Notify> {
        self.notify.as_ref()
    }

    /// Returns the time without a sign of life after which the manager ends the process.
    pub(crate) fn watchdog(&self) -> Option<Duration> {
        self.notify.as_ref()?.watchdog
    }

    /// Returns the time of the next sign of life.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.next
    }

    /// Gives a sign of life if it is due: at half of the watchdog's time, as `sd_watchdog_enabled(3)` recommends.
    pub(crate) fn check(&mut self, now: Instant) {
        if let Some(next) = &mut self.next
            && *next <= now
            && let Some(notify) = &self.notify
        {
            notify.send("WATCHDOG=1");
            *next = now + notify.watchdog.unwrap_or_default() / 2;
        }
    }
}

/// Returns the address of a socket: a path, or a name after `@`.
fn address(socket: &OsStr) -> Option<SocketAddr> {
    match socket.as_bytes() {
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => {
            <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name).ok()
        }
        [b'/', ..] => SocketAddr::from_pathname(socket).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notify(socket: &str, time: &str, watched: &str) -> Option<Notify> {
        let variable = |name: &str| {
            let value = match name {
                "NOTIFY_SOCKET" => socket,
                "WATCHDOG_USEC" => time,
                _ => watched,
            };
            Some(value).filter(|value| !value.is_empty()).map(Into::into)
        };
        Notify::new(variable, 7)
    }

    #[test]
    fn the_manager_gets_what_happens() {
        let name = format!("stelo-notify-{}", std::process::id());
        let path = std::env::temp_dir().join(&name);
        let socket = UnixDatagram::bind(&path).unwrap();
        let notify = notify(path.to_str().unwrap(), "", "").unwrap();
        let received = || {
            let mut buffer = [0; 256];
            let len = socket.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..len].to_vec()).unwrap()
        };
        notify.ready("Running");
        assert_eq!(received(), format!("READY=1\nMAINPID={}\nSTATUS=Running", std::process::id()));
        notify.reloading("Replacing workers");
        let text = received();
        let time = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().split('\n').next().unwrap();
        assert!(time.parse::<u64>().unwrap() <= Clock::now().as_micros());
        notify.stopping();
        assert_eq!(received(), "STOPPING=1\nSTATUS=Shutting down");
        std::fs::remove_file(&path).unwrap();
        // The manager has gone, which a line of the log says.
        notify.stopping();
    }

    #[test]
    fn a_sign_of_life_is_given_at_half_of_the_time() {
        let name = format!("stelo-watchdog-{}", std::process::id());
        let path = std::env::temp_dir().join(&name);
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut beat = Beat::new(notify(path.to_str().unwrap(), "2000000", ""));
        let mut start = beat.deadline().unwrap();
        for expected in [true, false, true, false] {
            beat.check(start);
            let mut buffer = [0; 32];
            assert_eq!(socket.recv(&mut buffer).is_ok_and(|len| &buffer[..len] == b"WATCHDOG=1"), expected);
            start += Duration::from_millis(if expected { 999 } else { 1 });
        }
        assert_eq!(Beat::new(notify(path.to_str().unwrap(), "", "")).deadline(), None);
        std::fs::remove_file(&path).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_after_an_at_sign_is_abstract() {
        use std::os::linux::net::SocketAddrExt;

        let name = format!("stelo-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        notify(&format!("@{name}"), "", "").unwrap().stopping();
        let mut buffer = [0; 64];
        assert_eq!(socket.recv(&mut buffer).unwrap(), 31);
    }

    #[test]
    fn the_watchdog_is_that_of_this_process() {
        let watchdog = |time, watched| notify("/nowhere", time, watched).unwrap().watchdog;
        assert_eq!(watchdog("2000000", ""), Some(Duration::from_secs(2)));
        assert_eq!(watchdog("2000000", "7"), Some(Duration::from_secs(2)));
        for (time, watched) in [
            ("2000000", "8"),
            ("2000000", "x"),
            ("0", ""),
            ("18446744073709551615", ""),
            ("", "7"),
            ("x", ""),
        ] {
            assert_eq!(watchdog(time, watched), None, "{time} {watched}");
        }
        assert!(notify("", "1", "").is_none());
        assert!(notify("vsock:2:1", "1", "").is_none());
    }
}
