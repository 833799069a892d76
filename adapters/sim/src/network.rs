//! The properties of the simulated network.

use std::ops::Range;
use std::time::Duration;

/// The properties of a network. Chances run from 0 (never) to 1 (always).
///
/// ```
/// use stelo_sim::Network;
///
/// let flaky = Network { resets: 0.01, ..Network::default() };
/// assert!(flaky.partial > 0.0);
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Network {
    /// The latency in one direction, drawn once for each connection.
    pub latency: Range<Duration>,
    /// The most that is added to the latency, drawn for each segment. Segments of a connection arrive in order.
    pub jitter: Duration,
    /// The bandwidth in each direction, in bytes a second.
    pub bandwidth: u64,
    /// The most bytes in flight or unread in each direction. Then a writer waits.
    pub window: usize,
    /// The chance that a read or a write is short.
    pub partial: f64,
    /// The chance that a read or a write waits although it could go on, as if readiness were reported late.
    pub late: f64,
    /// The chance, for each segment, that the connection is reset.
    pub resets: f64,
    /// The chance that an accept fails: in half of the cases the connection is lost, in the others the process is out of
    /// descriptors.
    pub accept_failures: f64,
}

/// The fate of an attempt to connect to an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Route {
    /// The attempt arrives. Without a listener it is refused.
    #[default]
    Open,
    /// There is no route to the host (`HostUnreachable`).
    Unreachable,
    /// There is no answer (`TimedOut`, after 127 seconds as on Linux).
    Silent,
}

impl Network {
    /// Returns a network without faults, short reads or noticeable delays.
    pub fn perfect() -> Self {
        Self {
            latency: Duration::from_micros(10)..Duration::from_micros(50),
            jitter: Duration::ZERO,
            bandwidth: 1 << 30,
            window: 256 << 10,
            partial: 0.0,
            late: 0.0,
            resets: 0.0,
            accept_failures: 0.0,
        }
    }

    /// Returns a bad network: slow and narrow, with short reads and writes, and occasional resets.
    pub fn rough() -> Self {
        Self {
            latency: Duration::from_millis(1)..Duration::from_millis(400),
            jitter: Duration::from_millis(50),
            bandwidth: 256 << 10,
            window: 4 << 10,
            partial: 0.5,
            late: 0.2,
            resets: 0.002,
            accept_failures: 0.1,
        }
    }
}

impl Default for Network {
    /// Returns an ordinary network: no faults, but some reads and writes are short or late.
    fn default() -> Self {
        Self {
            latency: Duration::from_micros(100)..Duration::from_millis(80),
            jitter: Duration::from_millis(5),
            bandwidth: 10 << 20,
            window: 64 << 10,
            partial: 0.1,
            late: 0.05,
            resets: 0.0,
            accept_failures: 0.0,
        }
    }
}
