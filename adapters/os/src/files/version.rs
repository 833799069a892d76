//! Whether a file has changed, without reading it.

use std::fs::{self, Metadata};
use std::path::Path;
#[cfg(unix)]
use std::time::{SystemTime, UNIX_EPOCH};

/// The numbers that change with a file: device, inode, size, and the times of the last changes of content and metadata.
/// On systems without these numbers, no two versions are equal.
#[derive(Clone, Debug)]
pub struct Version(Option<([u64; 3], [i64; 4])>);

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_some() && self.0 == other.0
    }
}

impl Version {
    /// Returns the version that the metadata of a file describe.
    pub fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let times = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
            Self(Some(([metadata.dev(), metadata.ino(), metadata.size()], times)))
        }
        #[cfg(not(unix))]
        {
            let _ = metadata;
            Self(None)
        }
    }

    /// Returns the version of the file that has this path now; `None` if there is none.
    pub fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    /// Returns the inode, and the time of the last change of content or metadata in seconds and nanoseconds since 1970.
    /// Unlike the time of the last modification, a program cannot set that time. `None` on systems without it.
    pub fn inode_and_change(&self) -> Option<(u64, i64, i64)> {
        self.0.map(|([_, inode, _], [.., seconds, nanos])| (inode, seconds, nanos))
    }

    /// Whether a later change is guaranteed to give another version. False within two seconds of a change, because the
    /// times of a file system have a granularity of up to that.
    pub fn is_settled(&self) -> bool {
        #[cfg(unix)]
        {
            let Some((_, [.., seconds, _])) = self.0 else { return false };
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(seconds).is_ok_and(|seconds| seconds + 2 <= now.as_secs())
        }
        #[cfg(not(unix))]
        false
    }
}
