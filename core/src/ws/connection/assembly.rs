//! A message that is put together from what has come of it, and grows with that: never with what was announced.

use alloc::vec::Vec;

/// Payload in a vector of its own. Where much is still to come, a socket reads straight into it.
#[derive(Default)]
pub(super) struct Assembly {
    /// Initialised to its length, so that its end can be lent to a socket.
    bytes: Vec<u8>,
    /// How much of it has come and has been looked at.
    done: usize,
    /// How much has come after that.
    fresh: usize,
}

impl Assembly {
    /// With so much of a frame to come, the way through the read buffer does not pay any more.
    pub(super) const DIRECT: u64 = 4 << 10;
    /// Room for a socket at the least.
    const ROOM: usize = 16 << 10;
    /// Room for a socket, in multiples of what has come.
    const GROWTH: usize = 4;

    /// Takes memory over, if there is none and a message of which `left` bytes are still to come may fill half of it.
    pub(super) fn adopt(&mut self, memory: &mut Vec<u8>, left: u64) {
        if self.held() == 0 && (memory.len() as u64).div_ceil(2) <= left {
            self.bytes = core::mem::take(memory);
        }
    }

    /// Room for payload of which `left` bytes are still to come.
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

    /// How much room there should be, with `left` bytes still to come.
    fn growth(&self, left: u64) -> usize {
        let most = ((self.done + self.fresh) * Self::GROWTH).max(Self::ROOM);
        usize::try_from(left).map_or(most, |left| left.min(most))
    }

    /// `n` bytes have been put into the room.
    pub(super) fn filled(&mut self, n: usize) {
        self.fresh = (self.fresh + n).min(self.bytes.len() - self.done);
    }

    /// Copies payload to the end, after which `left` bytes are still to come.
    pub(super) fn append(&mut self, bytes: &[u8], left: u64) {
        // With nothing to append, the room stays.
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

    /// How much has come and has not been looked at.
    pub(super) fn fresh_len(&self) -> usize {
        self.fresh
    }

    /// What has come and has not been looked at.
    pub(super) fn fresh(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.done..self.done + self.fresh).unwrap_or_default()
    }

    /// All that has come has been looked at.
    pub(super) fn looked_at(&mut self) {
        self.done += core::mem::take(&mut self.fresh);
    }

    /// The vector, for something else to write to its end: all of that is to be looked at.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.truncate(self.done + self.fresh);
        write(&mut self.bytes);
        self.fresh = self.bytes.len() - self.done;
    }

    /// What has been looked at.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.done).unwrap_or_default()
    }

    /// Takes the message out.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let Self { mut bytes, done, .. } = core::mem::take(self);
        bytes.truncate(done);
        bytes
    }

    /// Drops all; the memory stays.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        (self.done, self.fresh) = (0, 0);
    }

    pub(super) fn held(&self) -> usize {
        self.bytes.capacity()
    }
}
