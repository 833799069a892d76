//! Linux has system calls that do not wait.

use std::any::Any;
use std::fs::{File, Metadata};
use std::io::{self, IoSliceMut};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use rustix::path::Arg;
use stelo_core::app::BoxError;
use stelo_core::body::{self, Region};

use crate::files::body::Open;
use crate::files::lookup::{Lookup, Opened};
use crate::files::path::FilePath;

/// Opens the file that a path means, if no link leads to it whose target it would be named after.
pub(in crate::files) fn open(lookup: &Lookup, path: &FilePath) -> Option<Opened> {
    let mut name = PathBuf::from(path.as_str());
    if path.slash {
        if !lookup.html {
            return None;
        }
        name.push("index.html");
    }
    let full = lookup.directory.join(&name);
    let file = match lookup.follow_symlinks {
        true => cached(CWD, &full, READ, ResolveFlags::empty()),
        false => match cached(CWD, &full, READ, ResolveFlags::NO_SYMLINKS) {
            // There is a link, perhaps on the way to the directory, where it is of no concern.
            Err(Errno::LOOP) => {
                let root = cached(CWD, &lookup.directory, ROOT, ResolveFlags::empty()).ok()?;
                cached(root, &name, READ | OFlags::NOFOLLOW, ResolveFlags::BENEATH)
            }
            file => file,
        },
    };
    let opened = Opened::new(file.ok()?.into(), full).ok()?;
    opened.metadata.is_file().then_some(opened)
}

/// It may be a pipe, which is not to be waited for.
const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);
const ROOT: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

fn cached(from: impl AsFd, path: impl Arg, flags: OFlags, how: ResolveFlags) -> Result<OwnedFd, Errno> {
    openat2(from, path, flags, Mode::empty(), how | ResolveFlags::CACHED)
}

/// Reads so many bytes.
///
/// # Errors
/// They are not all in memory, or not all there.
pub(in crate::files) fn read(file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    match at_once(file, &mut bytes, offset) {
        Ok(n) if n == len => Ok(bytes),
        _ => Err(io::ErrorKind::WouldBlock.into()),
    }
}

fn at_once(file: &File, buf: &mut [u8], offset: u64) -> rustix::io::Result<usize> {
    preadv2(file, &mut [IoSliceMut::new(buf)], offset, ReadWriteFlags::NOWAIT)
}

/// A stretch of a file, if it is in memory: if its ends are, since the system reads ahead.
pub(in crate::files) fn region(file: &Arc<Open>, offset: u64, len: usize) -> Option<Region> {
    let is_there = |offset| at_once(&file.0, &mut [0], offset) == Ok(1);
    let there = is_there(offset) && is_there(offset + (len as u64).saturating_sub(1));
    there.then(|| Region::new(file.clone(), offset, len))
}

/// What differs from one state of a file to the next: its place, its size, its times.
#[derive(PartialEq, Eq)]
pub(in crate::files) struct Version([u64; 3], [i64; 4]);

impl Version {
    pub(in crate::files) fn of(metadata: &Metadata) -> Self {
        let times = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
        Self([metadata.dev(), metadata.ino(), metadata.size()], times)
    }

    /// Whether the next change will bear another time: times have a grain.
    pub(in crate::files) fn is_settled(&self) -> bool {
        let Self(_, [.., seconds, _]) = *self;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(seconds).is_ok_and(|seconds| seconds + 2 <= now.as_secs())
    }
}

impl body::File for Open {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, BoxError> {
        Ok(self.0.read_at(buf, offset)?)
    }

    fn as_any(&self) -> &dyn Any {
        &self.0
    }
}
