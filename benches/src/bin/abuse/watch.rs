//! Measures the server under attack a few times a second: memory and connections.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use stelo_benches::Result;

use crate::victim::Process;

const EVERY: Duration = Duration::from_millis(200);

/// Of how many attackers one may be left for the attack to count as over.
const REST: usize = 100;

/// The measurements since the watch began.
#[derive(Clone, Copy, Default)]
pub(crate) struct Seen {
    /// KiB of memory.
    pub(crate) before: f64,
    pub(crate) peak: f64,
    /// Open files and sockets at the start.
    pub(crate) base: usize,
    /// Connections, those of well-behaved clients left out.
    pub(crate) open: usize,
    pub(crate) most: usize,
    /// When nearly all of them were gone.
    pub(crate) gone: Option<Duration>,
}

/// A thread that looks at a server.
pub(crate) struct Watch {
    seen: Arc<Mutex<Seen>>,
    stop: Sender<()>,
    thread: JoinHandle<std::result::Result<Seen, String>>,
}

impl Watch {
    /// Takes the current values as the baseline.
    pub(crate) fn start(server: Process) -> Result<Self> {
        let (before, base) = (server.memory()?, server.open()?);
        let shared = Arc::new(Mutex::new(Seen { before, peak: before, base, ..Seen::default() }));
        let (stop, stopped) = channel();
        let start = Instant::now();
        let seen = shared.clone();
        let thread = thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(EVERY) {
                let memory = server.memory().map_err(|error| error.to_string())?;
                let open = server.open().map_err(|error| error.to_string())?.saturating_sub(base);
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.peak = seen.peak.max(memory);
                seen.most = seen.most.max(open);
                seen.open = open;
                seen.gone = match open > seen.most / REST {
                    true => None,
                    false => seen.gone.or((seen.most > 0).then(|| start.elapsed())),
                };
            }
            let seen = *seen.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(seen)
        });
        Ok(Self { seen: shared, stop, thread })
    }

    pub(crate) fn seen(&self) -> Seen {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the watch.
    ///
    /// # Errors
    /// The server is no longer there.
    pub(crate) fn finish(self) -> Result<Seen> {
        drop(self.stop);
        match self.thread.join() {
            Ok(seen) => Ok(seen.map_err(|error| format!("the server has ended: {error}"))?),
            Err(_) => Err("the watch has panicked".into()),
        }
    }
}
