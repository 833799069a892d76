//! The heap that the server holds, counted by an allocator that notes the side of each allocation.
//!
//! The current side is a property of the thread, set around each poll (`metered.rs`). An allocation counts for its side
//! until it is freed, by either side, so the count covers all structures of the server. A simulation runs on one thread,
//! and each thread has its own counts.
//!
//! A module of its own because it needs `unsafe`. No maintained crate has an allocator that tells sides apart.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static HEAP: Heap = Heap;

thread_local! {
    // Constant and without destructors, so that reading them never allocates.
    static SIDE: Cell<Side> = const { Cell::new(Side::Others) };
    static HELD: Cell<isize> = const { Cell::new(0) };
}

/// The side for which code runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub(crate) enum Side {
    /// Clients, the application, the simulator.
    Others,
    /// The server with its protocol machines.
    Server,
}

/// Returns the current side.
pub(crate) fn side() -> Side {
    SIDE.get()
}

/// Runs `work` for a side.
pub(crate) fn on<T>(side: Side, work: impl FnOnce() -> T) -> T {
    /// Restores the previous side, after a panic too.
    struct Back(Side);
    impl Drop for Back {
        fn drop(&mut self) {
            SIDE.set(self.0);
        }
    }
    let _back = Back(SIDE.replace(side));
    work()
}

/// Returns the number of bytes that the server of this thread holds.
pub(crate) fn held() -> usize {
    usize::try_from(HELD.get()).unwrap_or_default()
}

fn count(side: usize, bytes: isize) {
    if side == Side::Server as usize {
        HELD.set(HELD.get() + bytes);
    }
}

/// The allocator of the system, with a note before each allocation.
struct Heap;

impl Heap {
    /// Returns the layout of an allocation with its note, and the offset of the allocation in it.
    fn noted(layout: Layout) -> Option<(Layout, usize)> {
        Layout::new::<usize>().extend(layout).ok()
    }
}

// SAFETY: Memory comes from and returns to `System`, which satisfies the contract of the trait. `noted` returns the same
// for the same layout, so memory is freed with the layout of its allocation. By `Layout::extend`, that layout has room
// for an aligned `usize` at the start, and for the allocation at the offset. No code here unwinds or allocates.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((noted, offset)) = Self::noted(layout) else { return std::ptr::null_mut() };
        // SAFETY: the size of a layout with a note is not zero.
        let start = unsafe { System.alloc(noted) };
        if start.is_null() {
            return start;
        }
        let side = side() as usize;
        count(side, layout.size().cast_signed());
        // SAFETY: `start` is the start of `noted`, which has an aligned `usize` there, and the allocation at `offset`.
        unsafe {
            start.cast::<usize>().write(side);
            start.add(offset)
        }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        let Some((noted, offset)) = Self::noted(layout) else { return };
        // SAFETY: by the contract, `alloc` has returned this pointer for this layout. So the memory with the note starts
        // `offset` bytes before it, and was allocated with the layout `noted`.
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

    /// A type with a larger alignment than the note.
    #[repr(align(128))]
    struct Aligned([u8; 128]);

    #[test]
    fn an_allocation_counts_for_its_side() {
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
