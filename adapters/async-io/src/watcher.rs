//! A thread that watches for hang-ups of sockets that async-io serves.
//!
//! It starts when the first such socket is polled for a hang-up, and is never stopped, as the thread of async-io.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::reactor::{Driver, Reactor};

/// Returns the reactor of the thread; starts the thread if there is none.
///
/// # Errors
/// Returns an error if the system refuses.
pub(crate) fn reactor() -> io::Result<Arc<Reactor>> {
    static REACTOR: Mutex<Option<Arc<Reactor>>> = Mutex::new(None);
    let mut shared = REACTOR.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(reactor) = &*shared {
        return Ok(reactor.clone());
    }
    let mut driver = Driver::new()?;
    let reactor = driver.reactor.clone();
    thread::Builder::new().name("stelo-hangup".into()).spawn(move || {
        loop {
            driver.reactor.parker.look_around();
            if driver.turn().is_err() {
                // Dropping the driver tells the sockets.
                return;
            }
        }
    })?;
    Ok(shared.insert(reactor).clone())
}
