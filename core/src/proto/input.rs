//! The input buffer: bytes received and not yet parsed.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use crate::Bytes;

/// A buffer that is filled at its end and consumed from its start. The driver waits until there is room: it grows only for
/// the rest of a large body.
#[derive(Default)]
pub(crate) struct Input {
    /// Always initialized to its length, so that a socket can read into it.
    buf: Vec<u8>,
    start: usize,
    end: usize,
    /// The bytes consumed since the connection began.
    consumed: u64,
    /// A large buffer that was [handed over](Self::hand_over). It is used again once nothing else holds it.
    lent: Option<Arc<Vec<u8>>>,
}

impl Input {
    /// 16 KiB: many requests in one read, and little memory for each connection.
    pub(crate) const SIZE: usize = 16 << 10;

    /// 128 KiB for a large body: an eighth of the reads.
    pub(crate) const LARGE: usize = 128 << 10;

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.buf.get(self.start..self.end).unwrap_or_default()
    }

    /// Returns the offset of the next byte in the input of the connection.
    pub(crate) fn offset(&self) -> u64 {
        self.consumed
    }

    /// Returns the room at the end of a buffer of `size` bytes. Moves the rest to the front if necessary.
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

    /// Adds `n` bytes that were written to the room.
    pub(crate) fn filled(&mut self, n: usize) {
        self.end = (self.end + n).min(self.buf.len());
    }

    /// Consumes `n` bytes. They stay available as [`taken`](Self::taken) until the next change.
    pub(crate) fn take(&mut self, n: usize) {
        let n = n.min(self.end - self.start);
        self.start += n;
        self.consumed += n as u64;
    }

    /// Returns the `n` bytes that were consumed last.
    pub(crate) fn taken(&self, n: usize) -> &[u8] {
        self.buf.get(self.start - n..self.start).unwrap_or_default()
    }

    /// Returns the `n` bytes that were consumed last. If they fill much of a [large](Self::LARGE) buffer, it is handed
    /// over instead of copied.
    pub(crate) fn hand_over(&mut self, n: usize) -> Bytes {
        if n < Self::LARGE / 2 || !self.is_empty() {
            return Bytes::copy_from_slice(self.taken(n));
        }
        let (start, end) = (self.start - n, self.start);
        let mut buf = self.release();
        buf.truncate(end);
        let buf = Arc::new(buf);
        self.lent = Some(buf.clone());
        let mut bytes = Bytes::from_vec(buf);
        bytes.advance(start);
        bytes
    }

    /// As [`taken`](Self::taken), mutable.
    pub(crate) fn taken_mut(&mut self, n: usize) -> &mut [u8] {
        self.buf.get_mut(self.start - n..self.start).unwrap_or_default()
    }

    /// Discards all bytes.
    pub(crate) fn clear(&mut self) {
        self.take(self.end - self.start);
    }

    /// Replaces an empty buffer by a [large](Self::LARGE) one, if the last read has filled it: the peer is fast.
    pub(crate) fn enlarge(&mut self) {
        if self.is_empty() && self.end == self.buf.len() && self.end < Self::LARGE {
            self.buf = self.lent.take().and_then(Arc::into_inner).unwrap_or_default();
            self.buf.resize(Self::LARGE, 0);
            (self.start, self.end) = (0, 0);
        }
    }

    /// Frees an empty buffer that is larger than `size`.
    pub(crate) fn shrink(&mut self, size: usize) {
        self.lent = None;
        if self.is_empty() && self.buf.len() > size {
            *self = Self { consumed: self.consumed, ..Self::default() };
        }
    }

    /// Takes the memory of the buffer, which must be empty.
    pub(crate) fn release(&mut self) -> Vec<u8> {
        debug_assert!(self.is_empty(), "the callers check that");
        (self.start, self.end) = (0, 0);
        core::mem::take(&mut self.buf)
    }

    /// Adopts the memory of a buffer, if there is none and the size fits.
    #[inline(always)]
    pub(crate) fn adopt(&mut self, buf: Vec<u8>, size: usize) {
        if self.buf.is_empty() && buf.len() == size {
            self.buf = buf;
        }
    }

    pub(crate) fn held(&self) -> usize {
        self.buf.capacity()
    }
}
