//! The signal handlers of a subscription, and the default effect that a signal has without one.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signal_hook::{SigId, low_level};
use stelo_runtime::Signal;

use super::{effect, number};

const SIGNALS: usize = Signal::ALL.len();

/// The handlers of one subscription. Removes them when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Handlers(Vec<(usize, SigId)>);

/// Whether each signal has its default effect. Handlers read it, so it is not under the lock.
static DEFAULT: [AtomicBool; SIGNALS] = [const { AtomicBool::new(true) }; SIGNALS];

/// The state of a signal that its subscriptions share.
#[derive(Clone, Copy, Debug)]
struct Shared {
    /// The number of subscriptions.
    count: usize,
    /// Whether the handler that reads [`DEFAULT`] is installed; it is never removed.
    installed: bool,
    /// Whether the program had a handler of its own at that time.
    foreign: bool,
}

fn shared() -> MutexGuard<'static, [Shared; SIGNALS]> {
    const NONE: Shared = Shared { count: 0, installed: false, foreign: false };
    static SHARED: Mutex<[Shared; SIGNALS]> = Mutex::new([NONE; SIGNALS]);
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the program has a handler for a signal, apart from those of this crate.
pub(super) fn is_foreign(signal: Signal) -> bool {
    let (Ok(number), Some(index)) = (number::of(signal), number::index(signal)) else { return false };
    match shared().get(index) {
        // The handler of the system is now that of `signal-hook`, which calls the others.
        Some(Shared { installed: true, foreign, .. }) => *foreign,
        _ => effect::is_handled(number),
    }
}

impl Handlers {
    /// Installs handlers that write the byte of each signal to `writer`.
    pub(super) fn install(signals: &[Signal], writer: UnixStream) -> io::Result<Self> {
        let writer = Arc::new(writer);
        let mut shared = shared();
        // Dropped after the lock, should an error occur.
        let mut handlers = Self::default();
        let result = signals.iter().try_for_each(|signal| handlers.add(*signal, &writer, &mut shared));
        drop(shared);
        result.map(|()| handlers)
    }

    fn add(
        &mut self,
        signal: Signal,
        writer: &Arc<UnixStream>,
        shared: &mut [Shared; SIGNALS],
    ) -> io::Result<()> {
        let number = number::of(signal)?;
        let Some(index) = number::index(signal) else { return Err(io::ErrorKind::Unsupported.into()) };
        let (Some(shared), Some(default)) = (shared.get_mut(index), DEFAULT.get(index)) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        if self.0.iter().any(|(known, _)| *known == index) {
            return Ok(());
        }
        if !shared.installed {
            shared.foreign = effect::is_handled(number);
            let apply = move || {
                if default.load(Ordering::SeqCst) {
                    effect::enforce(number);
                }
            };
            // SAFETY: as below; `enforce` is async-signal-safe, and an atomic load is, too.
            unsafe { low_level::register(number, apply) }?;
            shared.installed = true;
        }
        let writer = writer.clone();
        let byte = [index as u8];
        let write = move || {
            let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
            // SAFETY: the descriptor is open because the closure owns a reference to the socket, and the pointer is
            // valid for reads of one byte. If the buffer of the socket is full, the signal is lost, as with a signal
            // that is pending already.
            unsafe { libc::send(writer.as_raw_fd(), byte.as_ptr().cast(), 1, flags) };
        };
        // SAFETY: a handler may call only what is async-signal-safe, and may not panic. `send` is on that list (POSIX
        // 2.4.3), `as_raw_fd` reads a field, and `signal-hook` saves and restores `errno`. The closure is dropped by
        // `unregister`, not by a handler.
        let id = unsafe { low_level::register(number, write) }?;
        self.0.push((index, id));
        shared.count += 1;
        default.store(false, Ordering::SeqCst);
        Ok(())
    }
}

impl Drop for Handlers {
    fn drop(&mut self) {
        let mut shared = shared();
        for (index, id) in self.0.drain(..) {
            if let (Some(shared), Some(default)) = (shared.get_mut(index), DEFAULT.get(index)) {
                shared.count -= 1;
                default.store(shared.count == 0, Ordering::SeqCst);
            }
            low_level::unregister(id);
        }
    }
}
