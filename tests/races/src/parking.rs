//! A thread that waits for its sockets, and other threads that wake it.

use std::sync::Arc;
use std::task::Wake;

use loom::thread;

use crate::explore;
use crate::sync::{Alarm, AtomicBool, AtomicUsize, Mutex, Ordering};
use parker::{Flag, Parker};

#[path = "../../../adapters/async-io/src/parker.rs"]
mod parker;

fn new() -> (Arc<Parker>, Alarm) {
    let alarm = Alarm::new();
    (Arc::new(Parker::new(alarm.clone())), alarm)
}

/// Waits as `Driver::turn` does. `timer` tells whether a timer is set, which would end the wait.
fn turn(parker: &Parker, alarm: &Alarm, timer: impl FnOnce() -> bool) {
    let parked = parker.park();
    match parked && !timer() {
        true => alarm.wait(),
        false => alarm.look(),
    }
    parker.awake();
}

/// A future that other threads wake is polled after each of them has done its part.
pub fn no_wake_up_is_lost() {
    explore(|| {
        let (parker, alarm) = new();
        let flag = Flag::new(parker.clone());
        let done = Arc::new(AtomicUsize::new(0));
        let threads = [(); 2].map(|()| {
            let (flag, done) = (flag.clone(), done.clone());
            thread::spawn(move || {
                done.fetch_add(1, Ordering::AcqRel);
                flag.wake();
            })
        });
        loop {
            parker.look_around();
            if flag.take() && done.load(Ordering::Acquire) == 2 {
                break;
            }
            turn(&parker, &alarm, || false);
        }
        for thread in threads {
            thread.join().expect("it ends");
        }
    });
}

/// A wake-up of one future does not hide that of another.
pub fn each_future_is_polled() {
    explore(|| {
        let (parker, alarm) = new();
        let flags = [(); 2].map(|()| (Flag::new(parker.clone()), Arc::new(AtomicBool::new(false))));
        let threads = flags.clone().map(|(flag, done)| {
            thread::spawn(move || {
                done.store(true, Ordering::Release);
                flag.wake();
            })
        });
        let mut polled = [false; 2];
        while polled != [true; 2] {
            parker.look_around();
            for ((flag, done), polled) in flags.iter().zip(&mut polled) {
                *polled |= flag.take() && done.load(Ordering::Acquire);
            }
            if polled != [true; 2] {
                turn(&parker, &alarm, || false);
            }
        }
        for thread in threads {
            thread.join().expect("it ends");
        }
    });
}

/// A timer that another thread sets ends a wait without one.
pub fn a_new_timer_is_noticed() {
    explore(|| {
        let (parker, alarm) = new();
        let timer = Arc::new(Mutex::new(false));
        let thread = {
            let (parker, timer) = (parker.clone(), timer.clone());
            thread::spawn(move || {
                *timer.lock().expect("no thread has panicked") = true;
                parker.disturb();
            })
        };
        let is_set = || *timer.lock().expect("no thread has panicked");
        loop {
            parker.look_around();
            if is_set() {
                break;
            }
            turn(&parker, &alarm, is_set);
        }
        thread.join().expect("it ends");
    });
}
