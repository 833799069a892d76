//! Buffers that the TLS connections of a thread share: a connection holds one only while ciphertext waits to be sent.

use std::cell::RefCell;

/// The length of a buffer: four records, as large as TLS allows.
pub(super) const LEN: usize = 4 * (super::pump::RECORD + 64);

/// The most buffers kept per thread; further ones are freed.
const KEPT: usize = 4;

thread_local! {
    static FREE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Returns a buffer of at least [`LEN`] bytes, with any contents.
pub(super) fn take() -> Vec<u8> {
    FREE.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; LEN])
}

/// Takes a buffer back.
pub(super) fn give(buffer: Vec<u8>) {
    FREE.with_borrow_mut(|free| {
        if free.len() < KEPT && buffer.len() == LEN {
            free.push(buffer);
        }
    });
}
