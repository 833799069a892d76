//! Whether the program has a handler for a signal. In a process of its own, because handlers are of the whole process.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::SIGTERM;
use stelo_os::signals::{Signals, is_handled};
use stelo_runtime::Signal;

#[test]
fn handlers_of_the_program_are_told_from_our_own() {
    assert!(!is_handled(Signal::Interrupt) && !is_handled(Signal::Terminate));
    signal_hook::flag::register(SIGTERM, Arc::new(AtomicBool::new(false))).expect("the system allows it");
    assert!(!is_handled(Signal::Interrupt) && is_handled(Signal::Terminate));
    let ours = Signals::blocking(&[Signal::Interrupt, Signal::Terminate]).expect("the system allows it");
    assert!(!is_handled(Signal::Interrupt) && is_handled(Signal::Terminate));
    drop(ours);
    assert!(!is_handled(Signal::Interrupt) && is_handled(Signal::Terminate));
}
