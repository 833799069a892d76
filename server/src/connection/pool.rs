//! Buffers of idle connections, shared by the connections of a thread: who waits for a request holds none.

use std::cell::RefCell;

use stelo_core::proto::{Buffers, Machine};

/// How many are kept per thread; beyond that they are freed.
const KEPT: usize = 64;

thread_local! {
    static POOL: RefCell<Vec<Buffers>> = const { RefCell::new(Vec::new()) };
}

/// Gives buffers to a connection that has none. Where the pool is empty it makes its own.
pub(super) fn lend(machine: &mut impl Machine) {
    if machine.is_bare()
        && let Some(buffers) = POOL.with_borrow_mut(Vec::pop)
    {
        machine.adopt(buffers);
    }
}

/// Takes the buffers of a connection back, if it is idle.
pub(super) fn reclaim(machine: &mut impl Machine) {
    if let Some(buffers) = machine.release() {
        POOL.with_borrow_mut(|pool| {
            if pool.len() < KEPT {
                pool.push(buffers);
            }
        });
    }
}
