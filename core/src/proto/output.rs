//! The send buffer: heads and small bodies are copied one after the other, large bodies and ranges of files are kept by
//! reference.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::Transmit;
use crate::Bytes;
use crate::body::Region;

/// A queue of bytes to be written.
#[derive(Default)]
pub(crate) struct Output {
    copied: Vec<u8>,
    /// The number of bytes of `copied` that were sent.
    sent: usize,
    /// Bodies by reference, each with its position in `copied`.
    large: VecDeque<(usize, Referred)>,
    /// The number of bytes in `large`.
    referred: usize,
}

/// A body that is sent by reference.
enum Referred {
    Bytes(Bytes),
    Region(Region),
}

impl Referred {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Region(region) => region.len(),
        }
    }

    fn advance(&mut self, n: usize) {
        match self {
            Self::Bytes(bytes) => bytes.advance(n),
            Self::Region(region) => region.advance(n),
        }
    }
}

impl Output {
    /// Up to this size a copy into the buffer costs less than another slice of a vectored write.
    const COPY: usize = 4 << 10;
    /// A buffer that has grown beyond this size is freed.
    const KEEP: usize = 16 << 10;

    pub(crate) fn len(&self) -> usize {
        self.copied.len() - self.sent + self.referred
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the buffer, for heads and other small output.
    pub(crate) fn buf(&mut self) -> &mut Vec<u8> {
        &mut self.copied
    }

    pub(crate) fn push(&mut self, mut bytes: Bytes) {
        self.push_from(&mut bytes);
    }

    /// As [`push`](Self::push), but leaves bytes that were copied to the caller.
    #[inline]
    pub(crate) fn push_from(&mut self, bytes: &mut Bytes) {
        let slice = &**bytes;
        if slice.len() <= Self::COPY {
            self.copied.extend_from_slice(slice);
        } else {
            self.refer(Referred::Bytes(core::mem::take(bytes)));
        }
    }

    pub(crate) fn push_region(&mut self, region: Region) {
        if !region.is_empty() {
            self.refer(Referred::Region(region));
        }
    }

    #[inline(never)]
    fn refer(&mut self, what: Referred) {
        self.referred += what.len();
        self.large.push_back((self.copied.len(), what));
    }

    /// Fills `slices` with the next bytes to write, as far as the next range of a file.
    #[inline]
    pub(crate) fn transmit<'a>(&'a self, slices: &mut [&'a [u8]]) -> Transmit<'a> {
        if let (true, [slot, ..]) = (self.large.is_empty(), &mut *slices) {
            *slot = self.copied.get(self.sent..).unwrap_or_default();
            return Transmit { slices: if slot.is_empty() { 0 } else { 1 }, region: None };
        }
        self.transmit_large(slices)
    }

    fn transmit_large<'a>(&'a self, slices: &mut [&'a [u8]]) -> Transmit<'a> {
        let (room, mut n, mut at) = (slices.len(), 0, self.sent);
        let mut push = |slice: &'a [u8]| {
            if let (false, Some(slot)) = (slice.is_empty(), slices.get_mut(n)) {
                *slot = slice;
                n += 1;
            }
            n
        };
        for (place, what) in &self.large {
            let n = push(self.copied.get(at..*place).unwrap_or_default());
            match what {
                Referred::Bytes(bytes) => push(bytes),
                // Without a free slot, a slice before the region may be missing.
                Referred::Region(region) if n < room => {
                    return Transmit { slices: n, region: Some(region) };
                }
                Referred::Region(_) => return Transmit { slices: n, region: None },
            };
            at = *place;
        }
        let slices = push(self.copied.get(at..).unwrap_or_default());
        Transmit { slices, region: None }
    }

    /// Removes the first `n` bytes, which were sent. Returns a body that was sent completely, the last one if there
    /// are several, so that its memory can be reused.
    #[inline]
    pub(crate) fn advance(&mut self, n: usize) -> Option<Bytes> {
        if self.large.is_empty() && n >= self.copied.len() - self.sent {
            self.clear_copied();
            return None;
        }
        self.advance_some(n)
    }

    fn advance_some(&mut self, n: usize) -> Option<Bytes> {
        let done = self.pass(n);
        if self.sent == self.copied.len() && self.large.is_empty() {
            self.clear();
        } else if self.sent >= Self::COPY.max(self.copied.len() / 2) {
            // Without this the buffer of a peer that always leaves a rest would grow. Fewer bytes are moved than were
            // sent.
            self.copied.drain(..self.sent);
            for (place, _) in &mut self.large {
                *place -= self.sent;
            }
            self.sent = 0;
        }
        done
    }

    /// Advances by `n` bytes.
    fn pass(&mut self, mut n: usize) -> Option<Bytes> {
        let mut done = None;
        while let Some((place, what)) = self.large.front_mut() {
            let before = (*place - self.sent).min(n);
            self.sent += before;
            n -= before;
            if self.sent < *place {
                return done;
            }
            let part = what.len().min(n);
            what.advance(part);
            self.referred -= part;
            n -= part;
            if what.len() > 0 {
                return done;
            }
            if let Some((_, Referred::Bytes(bytes))) = self.large.pop_front() {
                done = Some(bytes);
            }
        }
        self.sent = (self.sent + n).min(self.copied.len());
        done
    }

    /// Discards all output.
    pub(crate) fn clear(&mut self) {
        self.clear_copied();
        self.large.clear();
        self.referred = 0;
    }

    fn clear_copied(&mut self) {
        self.copied.clear();
        if self.copied.capacity() > Self::KEEP {
            self.copied = Vec::new();
        }
        self.sent = 0;
    }

    /// Takes the memory of the buffer, if it is empty.
    pub(crate) fn release(&mut self) -> Vec<u8> {
        if self.is_empty() { core::mem::take(&mut self.copied) } else { Vec::new() }
    }

    /// Adopts the memory of a buffer, if there is none.
    pub(crate) fn adopt(&mut self, buf: Vec<u8>) {
        if self.copied.capacity() == 0 {
            self.copied = buf;
        }
    }

    /// Returns the memory held, including bodies by reference.
    pub(crate) fn held(&self) -> usize {
        let large = self.large.iter().map(|(_, what)| match what {
            Referred::Bytes(bytes) => bytes.len(),
            Referred::Region(_) => 0,
        });
        self.copied.capacity() + large.sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn written(output: &mut Output, step: usize) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let mut slices = [&[][..]; 3];
            let n = output.transmit(&mut slices).slices;
            let bytes: Vec<u8> = slices[..n].concat().into_iter().take(step).collect();
            if bytes.is_empty() {
                return all;
            }
            output.advance(bytes.len());
            all.extend(bytes);
        }
    }

    #[test]
    fn order_is_kept_for_each_size_of_write() {
        let big = |b: u8| Bytes::from(vec![b; Output::COPY + 1]);
        for step in [1, 7, 4096, 4097, 100_000] {
            let mut output = Output::default();
            for part in [Bytes::from("a"), big(1), big(2), Bytes::from("b"), Bytes::from("c"), big(3)] {
                output.push(part);
            }
            let expected = [b"a", &*big(1), &*big(2), b"bc", &*big(3)].concat();
            assert_eq!(output.len(), expected.len());
            assert_eq!(written(&mut output, step), expected, "{step}");
            assert!(output.is_empty() && output.large.is_empty() && output.copied.is_empty());
        }
    }

    #[test]
    fn a_region_waits_for_the_slices_before_it() {
        let mut output = Output::default();
        output.push(Bytes::from("head"));
        output.push_region(crate::body::tests::region(b"region", 0, 6));
        let mut none = [];
        let Transmit { slices, region } = output.transmit(&mut none);
        assert!(slices == 0 && region.is_none());
        let mut enough = [&[][..]; 2];
        assert!(output.transmit(&mut enough).region.is_some());
    }

    #[test]
    fn a_peer_that_always_leaves_a_rest_does_not_make_it_grow() {
        let mut output = Output::default();
        let (mut said, mut read) = (Vec::new(), Vec::new());
        for i in 0..1000u32 {
            let bytes = vec![i as u8; if i % 7 == 0 { Output::COPY + 1 } else { 1000 }];
            said.extend_from_slice(&bytes);
            output.push(bytes.into());
            let most = output.len() - 10;
            let mut slices = [&[][..]; 8];
            let n = output.transmit(&mut slices).slices;
            let bytes: Vec<u8> = slices[..n].concat().into_iter().take(most).collect();
            output.advance(bytes.len());
            read.extend(bytes);
            assert!(output.held() < 32 << 10, "{} bytes", output.held());
        }
        read.extend(written(&mut output, usize::MAX));
        assert_eq!(read, said);
    }
}
