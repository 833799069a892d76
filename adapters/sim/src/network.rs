//! What the simulated network is like.

use std::ops::Range;
use std::time::Duration;

/// How the network treats connections. Chances run from 0 (never) to 1 (always).
///
/// ```
/// use stelo_sim::Network;
///
/// let flaky = Network { resets: 0.01, ..Network::default() };
/// assert!(flaky.partial > 0.0);
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Network {
    /// The way of a piece of data, one way: drawn once for each connection.
    pub latency: Range<Duration>,
    /// What comes on top of it, drawn for each piece. Pieces of one connection never overtake each other.
    pub jitter: Duration,
    /// How many bytes go each way in a second.
    pub bandwidth: u64,
    /// How many bytes can be on their way or unread, each way, before a writer has to wait.
    pub window: usize,
    /// The chance that a read or a write does less than it could.
    pub partial: f64,
    /// The chance that a read or a write has to wait though it could go on: readiness that is told late.
    pub late: f64,
    /// The chance, for each piece of data, that the connection is reset.
    pub resets: f64,
    /// The chance that an accept fails: half of the time with the loss of the connection, else for want of
    /// descriptors.
    pub accept_failures: f64,
}

/// What happens to an attempt to connect to an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Route {
    /// It arrives. Without a listener it is refused.
    #[default]
    Open,
    /// There is no route to the host (`HostUnreachable`).
    Unreachable,
    /// There is no answer (`TimedOut`, after 127 seconds as on Linux).
    Silent,
}

impl Network {
    /// A network without faults or delays worth speaking of, which hands over everything whole.
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

    /// A bad line: slow, narrow, everything in crumbs, and now and then a reset.
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
    /// An ordinary network: nothing gets lost, but nothing is sure to come in one piece or at once.
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
