//! Temporary files that leave nothing behind.
//!
//! On Linux such a file never has a name (`O_TMPFILE`), so nothing can remain of it, not even after `SIGKILL`. Where the
//! file system cannot do that, and on other Unix systems, its name is removed at once. Elsewhere the name is removed when
//! the file is dropped.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, IoSlice, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The size of the pieces in which a file is copied, in bytes.
const PIECE: usize = 128 << 10;

/// A temporary file, which one owner appends to and others read. All operations block.
///
/// ```
/// use stelo_os::files::TempFile;
///
/// let file = TempFile::create_in(&std::env::temp_dir())?;
/// file.append(b"hello, world")?;
/// let mut word = [0; 5];
/// assert_eq!((file.read_at(&mut word, 7)?, &word), (5, b"world"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct TempFile {
    file: File,
    /// Dropped after the file, which must be closed before some systems remove it.
    _name: Option<Name>,
}

impl TempFile {
    /// Creates a file in a directory.
    ///
    /// # Errors
    /// The directory does not exist or is not writable, or the process has no descriptor left.
    pub fn create_in(directory: &Path) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Some(file) = super::linux::unnamed(directory) {
            return Ok(Self { file: file?, _name: None });
        }
        Self::named(directory)
    }

    /// Creates a file that has a name for a moment.
    fn named(directory: &Path) -> io::Result<Self> {
        let path = directory.join(format!(".stelo-{}", unique()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        // While it has a name, other users must not open it.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        let name = Name(path);
        Ok(Self { file, _name: (!cfg!(unix)).then_some(name) })
    }

    /// Writes bytes at the end.
    ///
    /// # Errors
    /// Returns the errors of the system, such as that of a full disk.
    pub fn append(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.file).write_all(bytes)
    }

    /// Writes the bytes of several slices at the end, and changes the slices.
    ///
    /// # Errors
    /// Those of [`append`](Self::append).
    pub fn append_vectored(&self, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        IoSlice::advance_slices(&mut slices, 0); // without empty ones
        while !slices.is_empty() {
            match (&self.file).write_vectored(slices) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => IoSlice::advance_slices(&mut slices, n),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads bytes from `offset` on. Returns their number; 0 at the end.
    ///
    /// # Errors
    /// Returns the errors of the system.
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_at(&self.file, buf, offset);
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_read(&self.file, buf, offset);
    }

    /// Saves a range of the file under a path, in place of a file that is there. Readers of the path see the old content
    /// or the new one, never a part. Without a copy if the range is the whole file and the path is on the same file system.
    ///
    /// # Errors
    /// Returns the errors of the system. Then the path is unchanged.
    pub fn persist(&self, range: Range<u64>, path: &Path) -> io::Result<()> {
        replace(path, |beside| {
            #[cfg(target_os = "linux")]
            if range == (0..self.file.metadata()?.len()) && super::linux::link(&self.file, beside).is_ok() {
                return Ok(());
            }
            self.copy(range, beside)
        })
    }

    fn copy(&self, Range { mut start, end }: Range<u64>, path: &Path) -> io::Result<()> {
        let mut to = File::create_new(path)?;
        let mut buffer = vec![0; PIECE];
        while start < end {
            let most = usize::try_from(end - start).map_or(PIECE, |left| left.min(PIECE));
            match self.read_at(&mut buffer[..most], start)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => {
                    to.write_all(&buffer[..n])?;
                    start += n as u64;
                }
            }
        }
        Ok(())
    }
}

/// Takes a file that is open for reading and writing, and that its owner removes.
impl From<File> for TempFile {
    fn from(file: File) -> Self {
        Self { file, _name: None }
    }
}

/// Saves bytes under a path, in place of a file that is there. Readers of the path see the old content or the new one,
/// never a part. Blocks.
///
/// # Errors
/// Returns the errors of the system. Then the path is unchanged.
pub fn save(bytes: &[u8], path: &Path) -> io::Result<()> {
    replace(path, |beside| File::create_new(beside)?.write_all(bytes))
}

/// Calls `make` to make a file beside the path, and renames it.
fn replace(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let beside = path.with_file_name(format!(".stelo-{}", unique()));
    let name = Name(beside);
    make(&name.0)?;
    fs::rename(&name.0, path)?;
    Ok(())
}

/// Returns a name that cannot be known in advance. A file that has it anyway is not overwritten.
fn unique() -> String {
    format!("{:016x}", RandomState::new().hash_one(std::process::id()))
}

/// The name of a file, which is removed on drop.
#[derive(Debug)]
struct Name(PathBuf);

impl Drop for Name {
    fn drop(&mut self) {
        // After `rename` there is no such file.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty folder for a test, removed on drop.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("stelo-test-{}", unique()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn names(&self) -> Vec<String> {
            let names = fs::read_dir(&self.0).unwrap();
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn nothing_remains_of_a_temporary_file() {
        let folder = Folder::new();
        for create in [TempFile::create_in, TempFile::named] {
            let file = create(&folder.0).unwrap();
            file.append(b"content").unwrap();
            assert_eq!(folder.names().len(), usize::from(!cfg!(unix)));
            drop(file);
            assert_eq!(folder.names(), [] as [&str; 0]);
        }
    }

    #[test]
    fn a_range_is_saved_under_a_path() {
        let folder = Folder::new();
        let path = folder.0.join("saved");
        for create in [TempFile::create_in, TempFile::named] {
            let file = create(&folder.0).unwrap();
            file.append_vectored(&mut [&b""[..], b"hello", b", ", b"world", b""].map(IoSlice::new)).unwrap();
            for (range, text) in [(0..12, "hello, world"), (7..12, "world"), (3..3, "")] {
                file.persist(range, &path).unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), text);
            }
            assert!(file.persist(0..13, &path).is_err());
            assert_eq!(fs::read_to_string(&path).unwrap(), "");
        }
        save(b"bytes", &path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "bytes");
        assert_eq!(folder.names(), ["saved"]);
        assert!(save(b"bytes", &folder.0.join("no/such")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_saved_file_has_the_usual_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        let mode = |name: &str| fs::metadata(folder.0.join(name)).unwrap().permissions().mode();
        fs::write(folder.0.join("plain"), "").unwrap();
        let file = TempFile::create_in(&folder.0).unwrap();
        file.persist(0..0, &folder.0.join("saved")).unwrap();
        assert_eq!(mode("saved"), mode("plain"));
    }
}
