//! `SIGINT` and `SIGTERM`. They go to the whole process: each case belongs into a test binary of its own.

use std::env;
use std::future::poll_fn;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::raise;

use crate::{Runtime, Signal, Signals};

const CHILD: &str = "STELO_CHECK_CHILD";

/// Signals are received, each as often as it came, by everyone who asks for them; once nobody does, they end the
/// process again. `case` is the name of the test that calls this: it is run once more in a child process.
pub fn signals<R: Runtime>(case: &str) {
    R::block_on(|runtime: R| async move {
        let mut signals = runtime.signals().expect("the system allows it");
        let mut next = async || poll_fn(|cx| signals.poll_signal(cx)).await;
        for (number, signal) in [(SIGTERM, Signal::Terminate), (SIGINT, Signal::Interrupt)] {
            raise(number).expect("a signal that exists");
            raise(number).expect("a signal that exists");
            assert_eq!([next().await, next().await], [signal; 2]);
        }
        // From another thread, while the executor waits.
        let thread = std::thread::spawn(|| raise(SIGTERM));
        assert_eq!(next().await, Signal::Terminate);
        assert!(thread.join().is_ok_and(|raised| raised.is_ok()));

        // One of two goes: the other still gets them.
        let mut second = runtime.signals().expect("the system allows it");
        drop(signals);
        raise(SIGINT).expect("a signal that exists");
        assert_eq!(poll_fn(|cx| second.poll_signal(cx)).await, Signal::Interrupt);
    })
    .expect("the executor starts");

    if env::var_os(CHILD).is_some() {
        let _ = raise(SIGTERM);
        unreachable!("nobody catches the signal any more");
    }
    let child = Command::new(env::current_exe().expect("a test has a file"))
        .args(["--exact", case, "--nocapture"])
        .env(CHILD, "1")
        .status()
        .expect("this program can be run again");
    assert_eq!(child.signal(), Some(SIGTERM));
}
