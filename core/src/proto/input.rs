//! Bytes received and not yet looked at.

use alloc::vec;
use alloc::vec::Vec;

/// A buffer that is filled at its end and emptied at its start. It never grows: who fills it waits until there is room.
#[derive(Default)]
pub(crate) struct Input {
    /// Always initialised to its length, so that it can be lent to a socket.
    buf: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes taken out since the connection began.
    consumed: u64,
}

impl Input {
    /// Large enough for many requests in one read, small enough to be cheap to keep.
    pub(crate) const SIZE: usize = 16 << 10;

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.buf.get(self.start..self.end).unwrap_or_default()
    }

    /// How many bytes had been taken out before the next one.
    pub(crate) fn offset(&self) -> u64 {
        self.consumed
    }

    /// The room at the end of a buffer of `size` bytes, made by moving what is left to the front where need be.
    pub(crate) fn spare(&mut self, size: usize) -> &mut [u8] {
        if self.is_empty() && !self.buf.is_empty() {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buf.len() {
            self.make_room(size);
        }
        self.buf.get_mut(self.end..).unwrap_or_default()
    }

    #[cold]
    fn make_room(&mut self, size: usize) {
        if self.buf.is_empty() {
            self.buf = vec![0; size];
        } else {
            self.buf.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
    }

    /// `n` bytes have been put into the room.
    pub(crate) fn filled(&mut self, n: usize) {
        self.end = (self.end + n).min(self.buf.len());
    }

    /// Takes `n` bytes out; they can still be read as [`taken`](Self::taken) until the next change.
    pub(crate) fn take(&mut self, n: usize) {
        let n = n.min(self.end - self.start);
        self.start += n;
        self.consumed += n as u64;
    }

    /// The `n` bytes that were taken out last.
    pub(crate) fn taken(&self, n: usize) -> &[u8] {
        self.buf.get(self.start - n..self.start).unwrap_or_default()
    }

    /// The same, to be changed.
    pub(crate) fn taken_mut(&mut self, n: usize) -> &mut [u8] {
        self.buf.get_mut(self.start - n..self.start).unwrap_or_default()
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        self.take(self.end - self.start);
    }

    /// Takes the buffer away, if it is empty.
    pub(crate) fn release(&mut self) -> Vec<u8> {
        if !self.is_empty() {
            return Vec::new();
        }
        (self.start, self.end) = (0, 0);
        core::mem::take(&mut self.buf)
    }

    /// Takes a buffer over, if there is none and it is of the size.
    pub(crate) fn adopt(&mut self, buf: Vec<u8>, size: usize) {
        if self.buf.is_empty() && buf.len() == size {
            self.buf = buf;
        }
    }

    pub(crate) fn held(&self) -> usize {
        self.buf.capacity()
    }
}
