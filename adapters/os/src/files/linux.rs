//! Linux has calls that fail instead of waiting for a disk.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::path::Path;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use rustix::path::Arg;

use super::Directory;

/// `NONBLOCK`, because opening a pipe would wait for its writer.
const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);
const ROOT: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Opens `path`, which is `name` below the directory, if the system has every name on the way in memory.
pub(super) fn open(directory: &Directory, name: &Path, path: &Path) -> Option<File> {
    let file = match directory.follow_symlinks {
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
