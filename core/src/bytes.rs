//! Bytes of a body: static, owned or shared.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::{Bound, Deref, Range, RangeBounds};

/// Bytes of a body.
///
/// Moving and cloning them is cheap, whatever their size: a clone copies less than 4 KiB, and shares what is larger.
///
/// ```
/// use stelo_core::Bytes;
///
/// let mut bytes = Bytes::from("hello");
/// bytes.advance(1);
/// assert_eq!(&*bytes, b"ello");
/// ```
#[derive(Clone)]
pub struct Bytes {
    store: Store,
    start: usize,
}

#[derive(Clone)]
enum Store {
    Static(&'static [u8]),
    /// Shorter than [`SHARED_FROM`], so that a clone costs little.
    Owned(Vec<u8>),
    /// At least that long.
    Large(Arc<Vec<u8>>),
    Shared(Arc<dyn AsRef<[u8]> + Send + Sync>),
}

/// The length, in bytes, from which owned bytes are kept in an `Arc`: its allocation costs little beside the vector,
/// and a clone does not copy.
pub(crate) const SHARED_FROM: usize = 4096;

impl Bytes {
    /// Creates an empty value.
    pub const fn new() -> Self {
        Self::from_static(&[])
    }

    /// Creates a value from static bytes, without a copy.
    pub const fn from_static(bytes: &'static [u8]) -> Self {
        Self { store: Store::Static(bytes), start: 0 }
    }

    /// Creates a value from shared bytes, such as a memory map or a buffer of another crate, without a copy.
    pub fn from_shared(owner: Arc<dyn AsRef<[u8]> + Send + Sync>) -> Self {
        Self { store: Store::Shared(owner), start: 0 }
    }

    /// Creates a value from a vector that the caller keeps too, without a copy.
    pub(crate) fn from_vec(vec: Arc<Vec<u8>>) -> Self {
        Self { store: Store::Large(vec), start: 0 }
    }

    /// Creates a value from a copy of the bytes.
    ///
    /// ```
    /// use stelo_core::Bytes;
    ///
    /// let buffer = [1, 2, 3];
    /// assert_eq!(*Bytes::copy_from_slice(&buffer), [1, 2, 3]);
    /// ```
    pub fn copy_from_slice(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }

    /// Returns a part of the bytes. Shares them, as a clone does.
    ///
    /// ```
    /// use stelo_core::Bytes;
    ///
    /// let bytes = Bytes::from("hello");
    /// assert_eq!(*bytes.slice(1..3), *b"el");
    /// assert_eq!(*bytes.slice(4..), *b"o");
    /// ```
    ///
    /// # Panics
    /// If the range ends before it starts, or after the end of the bytes.
    #[track_caller]
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let range: Range<usize> = bounds(range, self.len());
        match &self.store {
            Store::Static(bytes) => Self::from_static(&bytes[self.start..][range]),
            Store::Owned(vec) => Self::copy_from_slice(&vec[self.start..][range]),
            Store::Large(_) | Store::Shared(_) => {
                assert!(
                    range.start <= range.end && range.end <= self.len(),
                    "{range:?} is not a range of the bytes"
                );
                let (mut part, is_rest) = (self.clone(), range.end == self.len());
                part.start += range.start;
                if is_rest { part } else { Self::from_shared(Arc::new(Prefix(part, range.len()))) }
            }
        }
    }

    /// Returns the bytes if they are static.
    #[cfg(feature = "bytes")]
    pub(crate) fn as_static(&self) -> Option<&'static [u8]> {
        match self.store {
            Store::Static(bytes) => bytes.get(self.start..),
            _ => None,
        }
    }

    /// Removes the first `n` bytes, or all if there are fewer.
    pub fn advance(&mut self, n: usize) {
        self.start += n.min(self.len());
    }

    /// Converts into a vector, without a copy if the bytes were made from one, have no clones, and none were removed.
    pub fn into_vec(self) -> Vec<u8> {
        match self.store {
            Store::Owned(vec) if self.start == 0 => vec,
            Store::Large(vec) if self.start == 0 => Arc::unwrap_or_clone(vec),
            _ => self.to_vec(),
        }
    }

    /// Returns the vector that the bytes were made from, including removed bytes. `None` if there is none, or if there
    /// are clones of it.
    pub(crate) fn into_owner(self) -> Option<Vec<u8>> {
        match self.store {
            Store::Owned(vec) => Some(vec),
            Store::Large(vec) => Arc::into_inner(vec),
            Store::Static(_) | Store::Shared(_) => None,
        }
    }
}

/// Returns the range with both of its ends.
fn bounds(range: impl RangeBounds<usize>, len: usize) -> Range<usize> {
    let start = match range.start_bound() {
        Bound::Included(&start) => start,
        Bound::Excluded(&start) => start.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(&end) => end.saturating_add(1),
        Bound::Excluded(&end) => end,
        Bound::Unbounded => len,
    };
    start..end
}

/// The first bytes of shared ones.
struct Prefix(Bytes, usize);

impl AsRef<[u8]> for Prefix {
    fn as_ref(&self) -> &[u8] {
        self.0.get(..self.1).unwrap_or_default()
    }
}

impl Default for Bytes {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let all = match &self.store {
            Store::Static(bytes) => bytes,
            Store::Owned(vec) => vec.as_slice(),
            Store::Large(vec) => vec.as_slice(),
            Store::Shared(owner) => (**owner).as_ref(),
        };
        all.get(self.start..).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}

impl From<Vec<u8>> for Bytes {
    fn from(vec: Vec<u8>) -> Self {
        let store = if vec.len() < SHARED_FROM { Store::Owned(vec) } else { Store::Large(Arc::new(vec)) };
        Self { store, start: 0 }
    }
}

impl From<String> for Bytes {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&'static str> for Bytes {
    fn from(text: &'static str) -> Self {
        Self::from_static(text.as_bytes())
    }
}

impl From<&'static [u8]> for Bytes {
    fn from(bytes: &'static [u8]) -> Self {
        Self::from_static(bytes)
    }
}

impl<const N: usize> From<&'static [u8; N]> for Bytes {
    fn from(bytes: &'static [u8; N]) -> Self {
        Self::from_static(bytes)
    }
}

impl From<Arc<[u8]>> for Bytes {
    fn from(shared: Arc<[u8]>) -> Self {
        Self::from_shared(Arc::new(shared))
    }
}

impl From<Cow<'static, [u8]>> for Bytes {
    fn from(bytes: Cow<'static, [u8]>) -> Self {
        match bytes {
            Cow::Borrowed(bytes) => bytes.into(),
            Cow::Owned(bytes) => bytes.into(),
        }
    }
}

impl From<Cow<'static, str>> for Bytes {
    fn from(text: Cow<'static, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_clone_of_large_bytes_shares_them() {
        let large = Bytes::from(vec![7; SHARED_FROM]);
        let clone = large.clone();
        assert_eq!(clone.as_ptr(), large.as_ptr());
        let small = Bytes::from(vec![7; SHARED_FROM - 1]);
        let clone = small.clone();
        assert_ne!(clone.as_ptr(), small.as_ptr());
    }

    #[test]
    fn a_slice_takes_each_kind_of_range() {
        use core::ops::Bound::{Excluded, Included, Unbounded};
        let bytes = Bytes::from("012345");
        for (range, expected) in [
            ((Unbounded, Unbounded), "012345"),
            ((Included(2), Unbounded), "2345"),
            ((Excluded(2), Excluded(5)), "34"),
            ((Excluded(2), Included(5)), "345"),
        ] {
            assert_eq!(*bytes.slice(range), *expected.as_bytes(), "{range:?}");
        }
    }

    #[test]
    fn the_owner_of_bytes_is_what_they_were_made_from() {
        let mut small = Bytes::from(vec![1, 2, 3]);
        small.advance(2);
        assert_eq!((small.clone().into_vec(), small.into_owner()), (vec![3], Some(vec![1, 2, 3])));
        assert_eq!(
            (Bytes::from("a").into_owner(), Bytes::from_shared(Arc::new([1])).into_owner()),
            (None, None)
        );
    }

    #[test]
    fn bytes_without_clones_are_converted_without_a_copy() {
        for length in [1, SHARED_FROM, 2 * SHARED_FROM] {
            let bytes = Bytes::from(vec![7; length]);
            let (before, clone) = (bytes.as_ptr(), bytes.clone());
            let copy = clone.into_vec();
            assert_ne!(copy.as_ptr(), before);
            let vec = bytes.into_vec();
            assert_eq!(vec.as_ptr(), before);
        }
    }
}
