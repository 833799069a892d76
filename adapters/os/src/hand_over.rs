//! Descriptors that a process sends to another one over a local socket (`SCM_RIGHTS`), with bytes that describe them.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

/// The largest number of descriptors of a message (`SCM_MAX_FD` of Linux).
const DESCRIPTORS: usize = 253;

/// The largest size of the bytes. The length comes from another process, so it is checked.
const BYTES: usize = 64 * 1024;

const SPACE: usize = rustix::cmsg_space!(ScmRights(DESCRIPTORS));

/// Sends bytes, and at most 253 descriptors, which stay open in this process. The socket must block.
///
/// # Errors
/// Returns `InvalidInput` if that is too much, and the errors of the system.
pub fn send(socket: &UnixStream, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= BYTES);
    let Some(length) = length.filter(|_| descriptors.len() <= DESCRIPTORS) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    let length = length.to_ne_bytes();
    // Four bytes arrive at once.
    sendmsg(socket, &[IoSlice::new(&length)], &mut ancillary, SendFlags::NOSIGNAL)?;
    (&*socket).write_all(bytes)
}

/// Receives what [`send`] has sent. The descriptors are close-on-exec. The socket must block.
///
/// ```
/// use std::fs::File;
/// use std::io::Read;
/// use std::os::fd::AsFd;
/// use std::os::unix::net::UnixStream;
///
/// let (one, other) = UnixStream::pair()?;
/// let file = File::open("/dev/null")?;
/// stelo_os::hand_over::send(&one, b"null", &[file.as_fd()])?;
/// let (bytes, mut descriptors) = stelo_os::hand_over::receive(&other)?;
/// assert_eq!((bytes.as_slice(), descriptors.len()), (&b"null"[..], 1));
/// assert_eq!(File::from(descriptors.remove(0)).read(&mut [0])?, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Returns `InvalidData` for anything else, and the errors of the system.
pub fn receive(socket: &UnixStream) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut length = [0; 4];
    let received = recvmsg(socket, &mut [IoSliceMut::new(&mut length)], &mut ancillary, RecvFlags::empty())?;
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(sent) = message {
            descriptors.extend(sent);
        }
    }
    for descriptor in &descriptors {
        fcntl_setfd(descriptor, FdFlags::CLOEXEC)?;
    }
    let size = usize::try_from(u32::from_ne_bytes(length)).unwrap_or(usize::MAX);
    if received.bytes != length.len() || size > BYTES {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; size];
    (&*socket).read_exact(&mut bytes)?;
    Ok((bytes, descriptors))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn too_much_is_refused_and_foreign_bytes_are_not_a_message() {
        let (one, other) = UnixStream::pair().unwrap();
        assert_eq!(send(&one, &vec![0; BYTES + 1], &[]).unwrap_err().kind(), ErrorKind::InvalidInput);
        let many = vec![one.as_fd(); DESCRIPTORS + 1];
        assert_eq!(send(&one, b"", &many).unwrap_err().kind(), ErrorKind::InvalidInput);
        (&one).write_all(&[0xff; 4]).unwrap();
        assert_eq!(receive(&other).unwrap_err().kind(), ErrorKind::InvalidData);
        send(&one, &[7; 1000], &many[..DESCRIPTORS]).unwrap();
        let (bytes, descriptors) = receive(&other).unwrap();
        assert_eq!((bytes.len(), descriptors.len()), (1000, DESCRIPTORS));
        drop((one, descriptors));
        assert_eq!(receive(&other).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
