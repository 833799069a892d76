//! Signals. They go to the whole process, so each case belongs in a test binary of its own.

use std::env;
use std::future::poll_fn;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::low_level::raise;

use crate::{Runtime, Signal, Signals};

const CHILD: &str = "STELO_CHECK_CHILD";

/// Each subscription receives its signals, in order and as often as they came. Without a subscription, a signal has its
/// default effect again. `case` is the name of the calling test, which is run once more in a child process.
pub fn signals<R: Runtime>(case: &str) {
    R::block_on(|runtime: R| async move {
        let both = [Signal::Interrupt, Signal::Terminate];
        let mut signals = runtime.signals(&both).expect("the system allows it");
        let mut next = async || poll_fn(|cx| signals.poll_signal(cx)).await;
        for (number, signal) in [(SIGTERM, Signal::Terminate), (SIGINT, Signal::Interrupt)] {
            raise(number).expect("the signal exists");
            raise(number).expect("the signal exists");
            assert_eq!([next().await, next().await], [signal; 2]);
        }
        // From another thread, while the executor waits.
        let thread = std::thread::spawn(|| raise(SIGTERM));
        assert_eq!(next().await, Signal::Terminate);
        assert!(thread.join().is_ok_and(|raised| raised.is_ok()));

        // A second subscription outlives the first, and has signals of its own.
        let others = [Signal::Hangup, Signal::User1, Signal::Interrupt];
        let mut second = runtime.signals(&others).expect("the system allows it");
        drop(signals);
        for (number, signal) in
            [(SIGUSR1, Signal::User1), (SIGINT, Signal::Interrupt), (SIGHUP, Signal::Hangup)]
        {
            raise(number).expect("the signal exists");
            assert_eq!(poll_fn(|cx| second.poll_signal(cx)).await, signal);
        }
    })
    .expect("the executor starts");

    if env::var_os(CHILD).is_some() {
        let _ = raise(SIGTERM);
        unreachable!("the default effect of the signal ends the process");
    }
    let child = Command::new(env::current_exe().expect("a test has a file"))
        .args(["--exact", case, "--nocapture"])
        .env(CHILD, "1")
        .status()
        .expect("this program can be run again");
    assert_eq!(child.signal(), Some(SIGTERM));
}
