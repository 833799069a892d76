//! The task that notices changed certificates.

use std::fs::File;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use stelo_runtime::{Runtime, Signal, Signals, Sleep};

use crate::thread::Thread;
use crate::thread::registry::{Kind, Phase};
use crate::tls::Acceptor;

/// The time between two looks at the files.
const INTERVAL: Duration = Duration::from_secs(10);

/// Reloads changed certificates until the server stops: when the files have changed, and at `SIGHUP` if `hears_signals`.
pub(crate) fn watch<R: Runtime>(thread: &Thread<R>, acceptor: Arc<Acceptor>, hears_signals: bool) {
    let runtime = thread.runtime.clone();
    let mut member = thread.registry.join(Kind::Observer);
    // At a terminal, the signal says that the terminal is gone, and ends the server.
    let hears_signals = hears_signals && File::open("/dev/tty").is_err();
    let mut signals = hears_signals.then(|| runtime.signals(&[Signal::Hangup]).ok()).flatten();
    let mut sleep = runtime.sleep(runtime.now() + INTERVAL);
    thread.runtime.spawn(poll_fn(move |cx| {
        loop {
            if member.phase(cx) != Phase::Running {
                return Poll::Ready(());
            }
            let asked = signals.as_mut().is_some_and(|signals| signals.poll_signal(cx).is_ready());
            if !asked && std::pin::Pin::new(&mut sleep).poll(cx).is_pending() {
                return Poll::Pending;
            }
            sleep.reset(runtime.now() + INTERVAL);
            let acceptor = acceptor.clone();
            runtime.blocking(Box::new(move || acceptor.reload(asked)));
        }
    }));
}
