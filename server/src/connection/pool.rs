//! Buffers of idle connections, shared by the connections of a thread: a connection that waits for a request holds none.

use std::cell::RefCell;

use stelo_core::proto::Machine;
use stelo_core::{h1, h2, ws};

/// The most buffers kept per thread and protocol; further ones are freed.
const KEPT: usize = 64;

/// Buffers that a thread keeps.
pub(super) trait Pooled: Sized + 'static {
    /// Calls `f` with the free buffers of this thread.
    fn with_pool<T>(f: impl FnOnce(&mut Vec<Self>) -> T) -> T;
}

/// Gives a type of buffers its pool.
macro_rules! pooled {
    ($memory:ty, $pool:ident) => {
        thread_local! {
            static $pool: RefCell<Vec<$memory>> = const { RefCell::new(Vec::new()) };
        }

        impl Pooled for $memory {
            fn with_pool<T>(f: impl FnOnce(&mut Vec<Self>) -> T) -> T {
                $pool.with_borrow_mut(f)
            }
        }
    };
}

pooled!(h1::Memory, HTTP1);
pooled!(h2::Memory, HTTP2);
pooled!(ws::Memory, WEBSOCKET);

/// Gives buffers to a connection without any, if there are free ones. Otherwise the machine allocates them.
#[inline(always)]
pub(super) fn lend<M: Machine<Memory: Pooled>>(machine: &mut M) {
    if machine.is_bare()
        && let Some(memory) = M::Memory::with_pool(Vec::pop)
    {
        machine.adopt(memory);
    }
}

/// Takes the buffers of a connection back, if it is idle.
#[inline(always)]
pub(super) fn reclaim<M: Machine<Memory: Pooled>>(machine: &mut M) {
    if let Some(memory) = machine.release() {
        M::Memory::with_pool(|pool| {
            if pool.len() < KEPT {
                pool.push(memory);
            }
        });
    }
}
