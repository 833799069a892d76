//! Ranges of files: pieces of a body that a server can send with `sendfile`, without reading them.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;

use super::BodyError;

/// An open file that a body sends.
pub trait File: Send + Sync + 'static {
    /// Reads into `buf` at `offset`. Returns the number of bytes read, 0 at the end of the file.
    ///
    /// # Errors
    /// Those of the operating system.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, Box<dyn Error + Send + Sync>>;

    /// Returns the descriptor of an open file with the same bytes at the same offsets, if there is one. A server can
    /// then use `sendfile` instead of reading the bytes.
    ///
    /// The descriptor is borrowed from the file, so it cannot be closed or reused while it is in use.
    #[cfg(all(unix, feature = "std"))]
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }
}

/// A range of a file. It should be in the page cache, because both sending and reading it block on the disk
/// otherwise.
#[derive(Clone)]
pub struct Region {
    file: Arc<dyn File>,
    offset: u64,
    len: usize,
}

impl Region {
    /// The most bytes that one read returns.
    const READ: usize = 64 << 10;

    /// Creates the range of `len` bytes from `offset`.
    pub fn new(file: Arc<dyn File>, offset: u64, len: usize) -> Self {
        Self { file, offset, len }
    }

    /// Returns the file.
    pub fn file(&self) -> &dyn File {
        &*self.file
    }

    /// Returns the offset of the range in the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the number of bytes in the range.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether the range is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Removes the first `n` bytes, or all if there are fewer.
    pub fn advance(&mut self, n: usize) {
        let n = n.min(self.len);
        self.offset += n as u64;
        self.len -= n;
    }

    /// Reads up to 64 KiB from the start without consuming them. Empty only if the range is empty.
    ///
    /// # Errors
    /// The file cannot be read, or is shorter than the range.
    pub fn read(&self) -> Result<Vec<u8>, BodyError> {
        let mut bytes = vec![0; self.len.min(Self::READ)];
        let n = self.file.read_at(&mut bytes, self.offset).map_err(BodyError::Other)?;
        if n == 0 && !bytes.is_empty() {
            return Err(BodyError::Truncated);
        }
        bytes.truncate(n);
        Ok(bytes)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({} bytes at {})", self.len, self.offset)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::body::{Body, Frame, Length, Piece};
    use alloc::string::String;
    use core::task::{Context, Poll, Waker};
    use futures_core::Stream;

    /// A file in memory.
    pub(crate) struct Memory(pub(crate) &'static [u8]);

    impl File for Memory {
        fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, Box<dyn Error + Send + Sync>> {
            let rest = self.0.get(offset as usize..).unwrap_or_default();
            let n = rest.len().min(buf.len());
            buf[..n].copy_from_slice(&rest[..n]);
            Ok(n)
        }
    }

    pub(crate) fn region(bytes: &'static [u8], offset: u64, len: usize) -> Region {
        Region::new(Arc::new(Memory(bytes)), offset, len)
    }

    /// A stream of pieces that is always ready.
    struct Pieces(Vec<Piece>);

    impl Stream for Pieces {
        type Item = Result<Piece, BodyError>;

        fn poll_next(mut self: core::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready((!self.0.is_empty()).then(|| Ok(self.0.remove(0))))
        }
    }

    /// Reads a body as frames. Returns the bytes, and the error if there is one.
    fn read(pieces: Vec<Piece>) -> (Vec<u8>, Option<String>) {
        let mut body = Body::from_pieces(Pieces(pieces), Length::Unknown);
        let mut cx = Context::from_waker(Waker::noop());
        let mut all = Vec::new();
        loop {
            match body.poll_frame(&mut cx) {
                Poll::Ready(Some(Ok(Frame::Data(bytes)))) => all.extend_from_slice(&bytes),
                Poll::Ready(Some(Err(error))) => return (all, Some(alloc::format!("{error}"))),
                Poll::Ready(None) => return (all, None),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn regions_are_read_where_sendfile_is_missing() {
        static LARGE: [u8; 200_000] = [7; 200_000];
        let text = |text: &'static str| Piece::Frame(Frame::Data(text.into()));
        let pieces = |length| {
            alloc::vec![
                text("<"),
                Piece::Region(region(b"0123456789", 2, 3)),
                text("-"),
                Piece::Region(region(&LARGE, 1, length)),
                text(">")
            ]
        };
        let (all, error) = read(pieces(199_999));
        assert_eq!((all.len(), error), (5 + 199_999 + 1, None));
        assert!(all.starts_with(b"<234-\x07\x07") && all.ends_with(b"\x07\x07>"));

        let (all, error) = read(pieces(200_000));
        assert_eq!(all.len(), 5 + 199_999);
        assert_eq!(error.as_deref(), Some("the file has become shorter while it was being sent"));
    }

    #[test]
    fn servers_get_regions_unread() {
        let mut body =
            Body::from_pieces(Pieces(alloc::vec![Piece::Region(region(b"abc", 1, 2))]), Length::Known(2));
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Some(Ok(Piece::Region(mut region)))) = body.poll_piece(&mut cx) else { panic!() };
        assert_eq!(alloc::format!("{region:?}"), "Region(2 bytes at 1)");
        region.advance(1);
        assert_eq!((region.offset(), region.len(), region.read().unwrap()), (2, 1, b"c".to_vec()));
        region.advance(7);
        assert!(region.is_empty() && region.read().unwrap().is_empty());
    }

    #[test]
    fn poll_piece_after_poll_frame_gives_the_rest() {
        static LARGE: [u8; 100_000] = [7; 100_000];
        let pieces = Pieces(alloc::vec![Piece::Region(region(&LARGE, 0, 100_000))]);
        let mut body = Body::from_pieces(pieces, Length::Known(100_000));
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Some(Ok(Frame::Data(bytes)))) = body.poll_frame(&mut cx) else { panic!() };
        let Poll::Ready(Some(Ok(Piece::Region(rest)))) = body.poll_piece(&mut cx) else { panic!() };
        assert_eq!((rest.offset(), rest.len()), (bytes.len() as u64, 100_000 - bytes.len()));
        assert!(matches!(body.poll_piece(&mut cx), Poll::Ready(None)));
    }
}
