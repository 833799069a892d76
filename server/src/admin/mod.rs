//! Health, readiness and metrics, on a socket of their own (`--admin`).
//!
//! | file | contents |
//! |---|---|
//! | `metrics.rs` | the counters of a server |
//! | `page.rs` | samples in the text format of Prometheus, and their sums |
//! | `process.rs` | memory, time and descriptors of the process |
//! | `http.rs` | the socket, and a thread that answers its clients |
//! | `channel.rs` | how a supervisor reads the metrics of its workers |
//!
//! Threads of their own answer, without an executor: a supervisor has none, and an executor that is held up must not hide
//! its metrics. Without the setting nothing is counted.

mod channel;
mod http;
mod metrics;
mod page;
mod process;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use stelo_core::app::App;
use stelo_os::socket::Socket;
use stelo_runtime::Bind;

pub(crate) use channel::Channels;
pub(crate) use metrics::{Count, Metrics};

use channel::Channel;
use http::{Answer, Door};

use crate::{Config, ServeError, sockets};

/// The answers of a server, until it is dropped.
pub(crate) struct Admin {
    metrics: Arc<Metrics>,
    ready: Arc<AtomicBool>,
    way: Way,
}

/// The way to the clients.
enum Way {
    /// The supervisor asks.
    Channel(Channel),
    /// Clients connect. The socket removes its file at the end.
    Door { _door: Door, _socket: Socket },
}

impl Admin {
    /// Begins to answer, if the setting says so. `supervised` makes it the supervisor that asks.
    ///
    /// # Errors
    /// The socket cannot be bound.
    pub(crate) fn open(
        config: &Config,
        app: &Arc<dyn App>,
        supervised: bool,
    ) -> Result<Option<Self>, ServeError> {
        let Some(listen) = &config.admin else { return Ok(None) };
        let metrics = Arc::new(Metrics::new(app));
        let ready = Arc::new(AtomicBool::new(false));
        let way = match supervised {
            true => match Channel::inherited(&metrics) {
                Some(channel) => Way::Channel(channel),
                None => return Ok(None),
            },
            false => {
                let (metrics, ready) = (metrics.clone(), ready.clone());
                let page = move || {
                    let mut page = metrics.page();
                    page.add(&process::page());
                    page
                };
                let (bind, socket) = sockets::bind_admin(listen, None)?;
                let door = Door::open(&bind, &socket, Arc::new(Answer::new(ready, page)));
                Way::Door { _door: door.map_err(ServeError::Runtime)?, _socket: socket }
            }
        };
        Ok(Some(Self { metrics, ready, way }))
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Sets whether the server accepts connections.
    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        if let Way::Channel(channel) = &self.way {
            channel.finish(&self.metrics);
        }
    }
}

/// The answers of a supervisor, with the sums of its workers, until it is dropped.
pub(crate) struct Supervision {
    channels: Arc<Mutex<Channels>>,
    ready: Arc<AtomicBool>,
    answer: Arc<Answer>,
    bind: Bind,
    socket: Socket,
    door: Option<Door>,
}

impl Supervision {
    /// Binds the socket, or takes that of an old supervisor, if the setting says so.
    ///
    /// # Errors
    /// The socket cannot be bound.
    pub(crate) fn open(
        config: &Config,
        handed_over: Option<(Bind, Socket)>,
    ) -> Result<Option<Self>, ServeError> {
        let Some(listen) = &config.admin else { return Ok(None) };
        let (bind, socket) = sockets::bind_admin(listen, handed_over)?;
        let channels = Arc::new(Mutex::new(Channels::default()));
        let ready = Arc::new(AtomicBool::new(false));
        let all = channels.clone();
        let page = move || {
            let mut page = lock(&all).page();
            page.add(&process::page());
            page
        };
        let answer = Arc::new(Answer::new(ready.clone(), page));
        Ok(Some(Self { channels, ready, answer, bind, socket, door: None }))
    }

    /// Begins to answer.
    ///
    /// # Errors
    /// The system refuses to listen, or a thread.
    pub(crate) fn start(&mut self) -> Result<(), ServeError> {
        let door = Door::open(&self.bind, &self.socket, self.answer.clone());
        self.door = Some(door.map_err(ServeError::Supervisor)?);
        self.socket.set_file_removed(true);
        Ok(())
    }

    /// Leaves the answers to a new supervisor, which has the socket, too.
    pub(crate) fn stop(&mut self) {
        self.door = None;
        // The clients that are connected already get the answer of before: workers are ready, if of the other supervisor.
        self.ready = Arc::default();
        self.socket.set_file_removed(false);
    }

    /// Returns the socket, and its address as the settings have it.
    pub(crate) fn socket(&self) -> (&Bind, &Socket) {
        (&self.bind, &self.socket)
    }

    /// Changes the channels to the workers.
    pub(crate) fn channels<T>(&self, change: impl FnOnce(&mut Channels) -> T) -> T {
        change(&mut lock(&self.channels))
    }

    /// Sets whether any worker accepts connections.
    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }
}

/// Locks. Nothing can panic under the lock, so the state is consistent even if poisoned.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
