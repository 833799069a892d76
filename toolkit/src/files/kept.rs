//! A cache of small files and their headers.
//!
//! Each use checks by `stat` that the file has not changed. After a second the path is looked up again, because symbolic
//! links on the way may have changed. No file is held open.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use stelo_core::Bytes;
use stelo_core::body::Body;
use stelo_os::files::{Opened, Version};

use super::answer::About;
use super::body::{Read, in_memory};
use super::media::Media;
use super::range::Selected;
use crate::request::shards::thread;

/// The time for which a file is cached before its path is looked up again.
const LIFE: Duration = Duration::from_secs(1);

/// The most files that a thread caches.
const MOST: usize = 256;

/// The number of caches. Further threads share them.
const THREADS: usize = 32;

/// The caches of all threads.
pub(super) struct Kept([Files; THREADS]);

/// The cache of a thread. Aligned to two cache lines, because processors fetch them in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Files(Mutex<HashMap<Box<str>, Arc<Small>>>);

/// A small file in memory.
pub(super) struct Small {
    pub(super) about: About,
    content: Vec<u8>,
    path: PathBuf,
    version: Version,
    until: Instant,
}

impl Kept {
    /// Returns the file at a path if it is cached and has not changed.
    pub(super) fn get(&self, path: &str) -> Option<Arc<Small>> {
        let small = self.here().get(path)?.clone();
        (Instant::now() < small.until && small.is_current()).then_some(small)
    }

    /// Caches a file if there is room.
    pub(super) fn put(&self, path: &str, small: &Arc<Small>) {
        let mut files = self.here();
        if files.len() >= MOST {
            let now = Instant::now();
            files.retain(|_, small| now < small.until);
        }
        if files.len() < MOST {
            files.insert(path.into(), small.clone());
        }
    }

    /// Returns the cache of this thread.
    fn here(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Small>>> {
        self.0[thread() % THREADS].0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Small {
    /// Reads a small file that has just been opened, by `read`.
    ///
    /// # Errors
    /// Returns an error if `read` fails. [`File::read_cached`](stelo_os::files::File::read_cached) does if the file is not in memory.
    pub(super) fn read(opened: Opened, media: &Media, read: Read) -> io::Result<Arc<Self>> {
        let Opened { file, metadata, path } = opened;
        Ok(Arc::new(Self {
            about: About::of(media, &metadata)?,
            content: read(&file, 0, metadata.len() as usize)?,
            path,
            version: Version::of(&metadata),
            until: Instant::now() + LIFE,
        }))
    }

    /// Whether every later change is noticed: see [`Version::is_settled`].
    pub(super) fn is_settled(&self) -> bool {
        self.version.is_settled()
    }

    /// Whether the path still leads to this version of the file.
    fn is_current(&self) -> bool {
        Version::at(&self.path).is_some_and(|version| version == self.version)
    }

    /// Returns the selected bytes.
    pub(super) fn body(self: &Arc<Self>, selected: Selected) -> Body {
        in_memory(Bytes::from_shared(self.clone()), selected)
    }
}

impl AsRef<[u8]> for Small {
    fn as_ref(&self) -> &[u8] {
        &self.content
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Files::default()))
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::UNIX_EPOCH;

    use super::*;

    /// A folder that is removed at the end of its test.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let name = format!("stelo-kept-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let path = std::env::temp_dir().join(name);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn write(&self, name: &str, content: &str) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, content).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const MEDIA: Media = Media {
        kind: "text/plain",
        charset: None,
        coding: None,
        sibling: None,
        vary: false,
        cache_control: None,
    };

    /// As [`Small::read`], but works on file systems without `RWF_NOWAIT` too.
    fn read(path: PathBuf) -> Arc<Small> {
        let metadata = fs::metadata(&path).unwrap();
        Arc::new(Small {
            about: About::of(&MEDIA, &metadata).unwrap(),
            content: fs::read(&path).unwrap(),
            path,
            version: Version::of(&metadata),
            until: Instant::now() + LIFE,
        })
    }

    #[test]
    fn a_changed_file_is_not_served_from_the_cache() {
        let folder = Folder::new();
        let changes: [fn(&Folder); 5] = [
            |folder| drop(folder.write("f", "longer")),
            |folder| fs::rename(folder.write("other", "text"), folder.0.join("f")).unwrap(),
            |folder| {
                let file = File::options().write(true).open(folder.0.join("f")).unwrap();
                file.set_modified(UNIX_EPOCH).unwrap();
            },
            |folder| fs::remove_file(folder.0.join("f")).unwrap(),
            |folder| {
                fs::remove_file(folder.0.join("f")).unwrap();
                symlink(folder.write("other", "text"), folder.0.join("f")).unwrap();
            },
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let kept = Kept::default();
            kept.put("/f", &read(folder.write("f", "text")));
            let small = kept.get("/f").expect("it is as it was");
            assert_eq!((*small).as_ref(), b"text");
            change(&folder);
            assert!(kept.get("/f").is_none(), "{number}");
        }
    }

    #[test]
    fn an_expired_file_is_looked_up_again() {
        let folder = Folder::new();
        let kept = Kept::default();
        let mut small = read(folder.write("f", "text"));
        Arc::get_mut(&mut small).unwrap().until = Instant::now();
        kept.put("/f", &small);
        assert!(kept.get("/f").is_none());
    }

    #[test]
    fn a_full_cache_replaces_only_expired_files() {
        let folder = Folder::new();
        let kept = Kept::default();
        let small = read(folder.write("f", "text"));
        for number in 0..MOST + 10 {
            kept.put(&format!("/{number}"), &small);
        }
        assert_eq!(kept.here().len(), MOST);
        // Expired files are removed.
        for small in kept.here().values_mut() {
            let mut old = read(folder.0.join("f"));
            Arc::get_mut(&mut old).unwrap().until = Instant::now();
            *small = old;
        }
        kept.put("/new", &small);
        assert_eq!(kept.here().len(), 1);
        assert!(kept.get("/new").is_some());
    }

    #[test]
    fn a_file_that_was_changed_just_now_is_not_settled() {
        let folder = Folder::new();
        assert!(!read(folder.write("f", "text")).is_settled());
        // The manifest is older than this test.
        assert!(read(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into()).is_settled());
    }
}
