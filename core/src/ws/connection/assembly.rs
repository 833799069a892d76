//! Assembles a message. It grows with the received bytes, never with a declared length.

use alloc::vec::Vec;

/// The payload of a message in a separate vector. If much of it is missing, a socket reads directly into the vector.
#[derive(Default)]
pub(super) struct Assembly {
    /// Initialized to its length, so that a socket can read into its end.
    bytes: Vec<u8>,
    /// The number of bytes that were received and parsed.
    done: usize,
    /// The number of bytes that were received after these.
    fresh: usize,
}

impl Assembly {
    /// If more than this is missing from a frame, reading it directly is cheaper than a copy through the read buffer.
    pub(super) const DIRECT: u64 = 4 << 10;
    /// The minimum room for a read of the socket, in bytes.
    const ROOM: usize = 16 << 10;
    /// The maximum room for a read of the socket, as a multiple of the received bytes.
    const GROWTH: usize = 4;

    /// Adopts a vector, if there is no memory and the `left` missing bytes of a message may fill half of it.
    pub(super) fn adopt(&mut self, memory: &mut Vec<u8>, left: u64) {
        if self.held() == 0 && (memory.len() as u64).div_ceil(2) <= left {
            self.bytes = core::mem::take(memory);
        }
    }

    /// Returns room for payload of which `left` bytes are missing.
    pub(super) fn room(&mut self, left: u64) -> &mut [u8] {
        let end = self.done + self.fresh;
        if self.bytes.len() == end {
            let room = self.growth(left);
            self.bytes.reserve_exact(room);
            self.bytes.resize(end + room, 0);
        }
        let room = self.bytes.get_mut(end..).unwrap_or_default();
        let n = usize::try_from(left).map_or(room.len(), |left| left.min(room.len()));
        &mut room[..n]
    }

    /// Returns the size of the room, with `left` bytes missing.
    fn growth(&self, left: u64) -> usize {
        let most = ((self.done + self.fresh) * Self::GROWTH).max(Self::ROOM);
        usize::try_from(left).map_or(most, |left| left.min(most))
    }

    /// Adds `n` bytes that were written to the room.
    pub(super) fn filled(&mut self, n: usize) {
        self.fresh = (self.fresh + n).min(self.bytes.len() - self.done);
    }

    /// Appends a copy of payload, after which `left` bytes are missing.
    pub(super) fn append(&mut self, bytes: &[u8], left: u64) {
        // Without payload, the room is unchanged.
        if bytes.is_empty() {
            return;
        }
        let end = self.done + self.fresh;
        match self.bytes.get_mut(end..end + bytes.len()) {
            Some(room) => room.copy_from_slice(bytes),
            None => {
                self.bytes.truncate(end);
                if self.bytes.capacity() < end + bytes.len() {
                    self.bytes.reserve_exact(bytes.len() + self.growth(left));
                }
                self.bytes.extend_from_slice(bytes);
            }
        }
        self.fresh += bytes.len();
    }

    /// Returns the number of received bytes that were not parsed.
    pub(super) fn fresh_len(&self) -> usize {
        self.fresh
    }

    /// Returns the received bytes that were not parsed.
    pub(super) fn fresh(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.done..self.done + self.fresh).unwrap_or_default()
    }

    /// Marks all received bytes as parsed.
    pub(super) fn looked_at(&mut self) {
        self.done += core::mem::take(&mut self.fresh);
    }

    /// Returns the vector, for a writer that appends bytes to parse.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.truncate(self.done + self.fresh);
        write(&mut self.bytes);
        self.fresh = self.bytes.len() - self.done;
    }

    /// Returns the parsed bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.done).unwrap_or_default()
    }

    /// Takes the message.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let Self { mut bytes, done, .. } = core::mem::take(self);
        bytes.truncate(done);
        bytes
    }

    /// Discards all bytes and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        (self.done, self.fresh) = (0, 0);
    }

    pub(super) fn held(&self) -> usize {
        self.bytes.capacity()
    }
}
