//! TCP keep-alive of accepted connections: how a client that has vanished without a packet is found.

use std::num::NonZeroU32;
use std::time::Duration;

use stelo_runtime::KeepAlive;

use super::Config;
use super::ConfigError;

/// TCP keep-alive of accepted connections. On an idle connection the system sends probes, and breaks the connection if the
/// client answers none of them. Unix sockets have none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TcpKeepAlive {
    /// The time without a packet before the first probe, in whole seconds up to 32,767. `None` sends no probes. Default
    /// 60 s; Linux has two hours.
    pub idle: Option<Duration>,
    /// The time between probes, in whole seconds up to 32,767. Default 10 s.
    pub interval: Duration,
    /// The number of probes without an answer that break the connection, up to 127. Default 3.
    pub probes: NonZeroU32,
}

impl Default for TcpKeepAlive {
    fn default() -> Self {
        Self {
            idle: Some(Duration::from_secs(60)),
            interval: Duration::from_secs(10),
            probes: const { NonZeroU32::new(3).expect("not zero") },
        }
    }
}

impl TcpKeepAlive {
    /// The longest time that Linux takes.
    const LONGEST: Duration = Duration::from_secs(32_767);

    /// The most probes that Linux takes.
    const MOST: u32 = 127;

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let is_time = |time: Duration| (Duration::from_secs(1)..=Self::LONGEST).contains(&time);
        let valid =
            self.idle.is_none_or(is_time) && is_time(self.interval) && self.probes.get() <= Self::MOST;
        if valid { Ok(()) } else { Err(ConfigError::TcpKeepAlive) }
    }

    /// Returns what to set on a socket, if anything.
    pub(crate) fn options(&self) -> Option<KeepAlive> {
        let Self { idle, interval, probes } = *self;
        idle.map(|idle| KeepAlive { idle, interval, probes: probes.get() })
    }
}

impl Config {
    /// Sets [`TcpKeepAlive::idle`]; `None` switches TCP keep-alive off.
    #[must_use]
    pub fn tcp_keepalive(mut self, idle: Option<Duration>) -> Self {
        self.tcp_keepalive.idle = idle;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_probes_are_what_the_system_takes() {
        let seconds = Duration::from_secs;
        for idle in [None, Some(seconds(1)), Some(seconds(32_767))] {
            Config::new().tcp_keepalive(idle).check().unwrap();
        }
        let line = "use 1 to 32767 seconds for the times of TCP keep-alive, or off, and 1 to 127 probes";
        for idle in [Duration::ZERO, Duration::from_millis(999), seconds(32_768)] {
            assert_eq!(Config::new().tcp_keepalive(Some(idle)).check().unwrap_err().to_string(), line);
        }
        let mut many = Config::new();
        many.tcp_keepalive.probes = NonZeroU32::new(128).unwrap();
        assert_eq!(many.check(), Err(ConfigError::TcpKeepAlive));
    }
}
