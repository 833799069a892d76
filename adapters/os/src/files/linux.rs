//! Calls of Linux: those that fail instead of waiting for a disk, and files without a name.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::path::Path;

use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, linkat, open as open_at, openat2};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use rustix::path::Arg;

use super::Directory;

/// `NONBLOCK`, because opening a pipe would wait for its writer.
const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);
const ROOT: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Opens `path`, which is `name` below the directory, if the system has every name on the way in memory.
pub(super) fn open(directory: &Directory, name: &Path, path: &Path) -> Option<File> {
    let file = match directory.follow_symlink {
        true => cached(CWD, path, READ, ResolveFlags::empty()),
        false => match cached(CWD, path, READ, ResolveFlags::NO_SYMLINKS) {
            // A link on the way to the directory is allowed.
            Err(Errno::LOOP) => {
                let root = cached(CWD, &directory.path, ROOT, ResolveFlags::empty()).ok()?;
                cached(root, name, READ | OFlags::NOFOLLOW, ResolveFlags::BENEATH)
            }
            file => file,
        },
    };
    Some(file.ok()?.into())
}

fn cached(from: impl AsFd, path: impl Arg, flags: OFlags, how: ResolveFlags) -> Result<OwnedFd, Errno> {
    openat2(from, path, flags, Mode::empty(), how | ResolveFlags::CACHED)
}

/// Reads bytes that are in memory; returns how many.
pub(super) fn read(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    Ok(preadv2(file, &mut [IoSliceMut::new(buf)], offset, ReadWriteFlags::NOWAIT)?)
}

/// Creates a file without a name. `None` if the file system has none, or the kernel is too old.
pub(super) fn unnamed(directory: &Path) -> Option<io::Result<File>> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    // Without a name it cannot be opened, so it can have the permissions that it keeps if it gets a name.
    match open_at(directory, flags, Mode::from_raw_mode(0o666)) {
        Ok(file) => Some(Ok(file.into())),
        // A file system that does not support the flag, and a kernel that sees a directory opened for writing.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => None,
        Err(error) => Some(Err(error.into())),
    }
}

/// Gives a file without a name this one.
pub(super) fn link(file: &File, path: &Path) -> io::Result<()> {
    // The way for processes without CAP_DAC_READ_SEARCH (open(2), "O_TMPFILE").
    let descriptor = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, descriptor, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}
