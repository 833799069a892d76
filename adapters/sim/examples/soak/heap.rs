//! How much of the heap the server holds: an allocator that notes with each piece on whose behalf it was made.
//!
//! The side that code runs for is a property of the thread, set around each poll (`metered.rs`). A piece counts for the
//! side that has made it until it is freed, whoever frees it, so nothing that the server holds is missed, in whatever
//! structure it stands. All of a simulation runs on one thread, and the counts are that thread's.
//!
//! Here because it needs `unsafe`, and because a published allocator that can tell sides apart is not kept up.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static HEAP: Heap = Heap;

thread_local! {
    // Neither made at first use nor dropped: to look at them allocates nothing, at any time in the life of a thread.
    static SIDE: Cell<Side> = const { Cell::new(Side::Others) };
    static HELD: Cell<isize> = const { Cell::new(0) };
}

/// On whose behalf code runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub(crate) enum Side {
    /// Clients, the application, the simulator.
    Others,
    /// The server with its protocol machines.
    Server,
}

/// The side that runs now.
pub(crate) fn side() -> Side {
    SIDE.get()
}

/// Runs `work` on behalf of `side`.
pub(crate) fn on<T>(side: Side, work: impl FnOnce() -> T) -> T {
    /// Back to the side before, after a panic too.
    struct Back(Side);
    impl Drop for Back {
        fn drop(&mut self) {
            SIDE.set(self.0);
        }
    }
    let _back = Back(SIDE.replace(side));
    work()
}

/// How many bytes the server of this thread holds.
pub(crate) fn held() -> usize {
    usize::try_from(HELD.get()).unwrap_or_default()
}

fn count(side: usize, bytes: isize) {
    if side == Side::Server as usize {
        HELD.set(HELD.get() + bytes);
    }
}

/// The allocator of the system, with a note in front of each piece.
struct Heap;

impl Heap {
    /// The layout of a piece with its note, and how far behind the start of it the piece begins.
    fn noted(layout: Layout) -> Option<(Layout, usize)> {
        Layout::new::<usize>().extend(layout).ok()
    }
}

// SAFETY: Memory comes from and goes back to `System`, which keeps the contract of the trait. `noted` gives the same for
// the same layout, so what is freed starts and ends where it was allocated; it gives a place for one aligned `usize` at
// the start, and behind it one for the piece, as `Layout::extend` promises. Nothing here unwinds or allocates.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((noted, offset)) = Self::noted(layout) else { return std::ptr::null_mut() };
        // SAFETY: a layout with a note is not of size zero.
        let start = unsafe { System.alloc(noted) };
        if start.is_null() {
            return start;
        }
        let side = side() as usize;
        count(side, layout.size().cast_signed());
        // SAFETY: `start` is the start of `noted`, which has an aligned `usize` there and the piece at `offset`.
        unsafe {
            start.cast::<usize>().write(side);
            start.add(offset)
        }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        let Some((noted, offset)) = Self::noted(layout) else { return };
        // SAFETY: the caller gives a piece that `alloc` gave for this layout, so its start with the note is `offset`
        // bytes before it, and was allocated as `noted`.
        unsafe {
            let start = piece.sub(offset);
            count(start.cast::<usize>().read(), -layout.size().cast_signed());
            System.dealloc(start, noted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something that must not stand anywhere.
    #[repr(align(128))]
    struct Aligned([u8; 128]);

    #[test]
    fn a_piece_counts_for_who_has_made_it() {
        let before = held();
        let theirs = vec![0_u8; 1000];
        let (ours, aligned) = on(Side::Server, || (vec![0_u8; 500], Box::new(Aligned([1; 128]))));
        assert_eq!((held() - before, aligned.0.as_ptr().addr() % 128), (628, 0));
        on(Side::Server, || drop(theirs));
        drop((ours, aligned));
        assert_eq!(held(), before);
    }

    #[test]
    fn a_piece_that_grows_is_counted_once() {
        let before = held();
        let mut ours = on(Side::Server, || Vec::from([7_u8; 10]));
        on(Side::Server, || ours.extend_from_slice(&[8; 5000]));
        assert_eq!((held() - before, ours[9], ours[5009]), (ours.capacity(), 7, 8));
    }

    #[test]
    fn a_panic_does_not_change_the_side() {
        let _ = std::panic::catch_unwind(|| {
            on(Side::Server, || std::panic::resume_unwind(Box::new("on purpose")))
        });
        assert_eq!(side(), Side::Others);
    }
}
