//! [`Bytes`] and the `Bytes` and `Buf` of the crate `bytes`. Only small vectors are moved by their content; all other
//! conversions share it.

use alloc::sync::Arc;

use bytes::Buf;

use crate::Bytes;

impl From<bytes::Bytes> for Bytes {
    /// Shares the bytes.
    fn from(bytes: bytes::Bytes) -> Self {
        Self::from_shared(Arc::new(bytes))
    }
}

impl From<bytes::BytesMut> for Bytes {
    /// Shares the bytes.
    fn from(bytes: bytes::BytesMut) -> Self {
        bytes.freeze().into()
    }
}

impl From<Bytes> for bytes::Bytes {
    /// Shares or moves the bytes.
    fn from(bytes: Bytes) -> Self {
        match bytes.as_static() {
            Some(bytes) => Self::from_static(bytes),
            None => Self::from_owner(bytes),
        }
    }
}

impl Buf for Bytes {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        self
    }

    /// # Panics
    /// If `n` is greater than [`remaining`](Buf::remaining), as the trait requires.
    fn advance(&mut self, n: usize) {
        assert!(n <= self.len(), "cannot advance by {n} bytes: only {} remain", self.len());
        Self::advance(self, n);
    }

    fn copy_to_bytes(&mut self, n: usize) -> bytes::Bytes {
        let first = self.slice(..n);
        Buf::advance(self, n);
        first.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn bytes_are_shared_in_both_directions() {
        for length in [0, 5, 100_000] {
            let ours = Bytes::from(std::vec![7; length]);
            let (start, content) = (ours.as_ptr(), ours.to_vec());
            let theirs = bytes::Bytes::from(ours);
            assert!(theirs == content && (length == 0 || theirs.as_ptr() == start));
            let back = Bytes::from(theirs.clone());
            assert!(*back == *content && back.as_ptr() == theirs.as_ptr());
        }
        let text: &'static [u8] = b"static";
        let theirs = bytes::Bytes::from(Bytes::from_static(text));
        assert_eq!((theirs.as_ptr(), &*theirs), (text.as_ptr(), text));
        let mut cut = Bytes::from("hello");
        cut.advance(1);
        assert_eq!(bytes::Bytes::from(cut), "ello");
        assert_eq!(*Bytes::from(bytes::BytesMut::from("grown")), *b"grown");
    }

    #[test]
    fn bytes_can_be_read_as_a_buf() {
        let mut bytes = Bytes::from(Vec::from([1, 0, 2, 3, 4, 5]));
        assert_eq!((bytes.get_u8(), bytes.get_u16(), bytes.remaining()), (1, 2, 3));
        assert_eq!(bytes.copy_to_bytes(2), [3, 4][..]);
        assert_eq!(bytes.chunk(), [5]);
    }

    #[test]
    #[should_panic(expected = "cannot advance by 2 bytes: only 1 remain")]
    fn a_buf_cannot_advance_beyond_its_end() {
        Buf::advance(&mut Bytes::from("a"), 2);
    }
}
