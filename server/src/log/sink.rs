//! The destinations of lines: the standard streams, and files that can be opened again.
//!
//! Each has a [`Writer`] with a thread of its own. Two settings that name the same file share one.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use stelo_os::output;
use tracing::{info, warn};

use super::SERVER;
use super::writer::Writer;

/// The writers of the standard streams.
pub(super) struct Streams {
    pub(super) stdout: Arc<Writer>,
    pub(super) stderr: Arc<Writer>,
}

/// A file of lines. Lines are appended, so several processes can write to the same file.
struct LogFile {
    path: PathBuf,
    /// Replaced when the file is opened again. A write that blocks does not hold the lock.
    file: Mutex<Arc<File>>,
    writer: OnceLock<Arc<Writer>>,
}

/// The files that are open.
static FILES: Mutex<Vec<Arc<LogFile>>> = Mutex::new(Vec::new());

/// Returns the writers of the standard streams.
pub(super) fn streams() -> &'static Streams {
    static STREAMS: OnceLock<Streams> = OnceLock::new();
    STREAMS.get_or_init(|| {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        Streams {
            stdout: Writer::new(
                move |bytes| output::write(stdout.as_fd(), bytes),
                |lines| dropped(lines, "standard output"),
            ),
            stderr: Writer::new(
                move |bytes| output::write(stderr.as_fd(), bytes),
                |lines| dropped(lines, "standard error"),
            ),
        }
    })
}

/// Returns the writer of a file, which is created if it does not exist.
///
/// # Errors
/// The file cannot be opened.
pub(super) fn open(path: &Path) -> io::Result<Arc<Writer>> {
    // A later change of the working directory does not move the file.
    let path = std::path::absolute(path)?;
    let mut files = files();
    let file = match files.iter().find(|file| file.path == path) {
        Some(file) => file,
        None => {
            let file = Mutex::new(Arc::new(append(&path)?));
            files.push(Arc::new(LogFile { path, file, writer: OnceLock::new() }));
            files.last().ok_or(io::ErrorKind::NotFound)?
        }
    };
    Ok(file.writer())
}

/// Opens all files again by their paths, after a tool has renamed them. A file that cannot be opened stays the old one.
pub(super) fn reopen() {
    // Not under the lock: a line about a failure may go to one of them.
    let all = files().clone();
    for file in all {
        match append(&file.path) {
            Ok(opened) => {
                *lock(&file.file) = Arc::new(opened);
                info!(target: SERVER, "Reopened {}", file.path.display());
            }
            Err(error) => {
                warn!(target: SERVER, "Cannot reopen {}: {error}; keeping the old file", file.path.display());
            }
        }
    }
}

/// Waits until the lines of all destinations are written, for at most a second each.
pub(super) fn flush() {
    let all = files().clone();
    // The first round may report dropped lines, to any of them.
    for _ in 0..2 {
        all.iter().filter_map(|file| file.writer.get()).for_each(|writer| writer.flush());
        streams().stdout.flush();
        streams().stderr.flush();
    }
}

fn append(path: &Path) -> io::Result<File> {
    File::options().append(true).create(true).open(path)
}

fn files() -> MutexGuard<'static, Vec<Arc<LogFile>>> {
    lock(&FILES)
}

/// Locks. Nothing can panic under the locks of this file, so the state is consistent even if poisoned.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Logs that `place` did not accept this number of lines.
fn dropped(lines: u64, place: &str) {
    warn!(target: SERVER, "{lines} line(s) of the log were dropped: {place} did not accept them");
}

impl LogFile {
    fn writer(self: &Arc<Self>) -> Arc<Writer> {
        let new = || {
            let (to, name) = (self.clone(), self.path.display().to_string());
            let write = move |bytes: &[u8]| {
                let file = lock(&to.file).clone();
                output::write(file.as_fd(), bytes)
            };
            Writer::new(write, move |lines| dropped(lines, &name))
        };
        self.writer.get_or_init(new).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_was_renamed_is_opened_again() {
        let directory = std::env::temp_dir().join(format!("stelo-reopen-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("the directory can be created");
        let (path, old) = (directory.join("a.log"), directory.join("a.log.1"));
        let writer = open(&path).expect("the file can be opened");
        assert!(Arc::ptr_eq(&writer, &open(&path).expect("it is open")), "a path has one writer");
        let write = |line: &str| {
            writer.line(line);
            writer.flush();
        };
        write("one\n");
        fs::rename(&path, &old).expect("the file can be renamed");
        write("two\n");
        reopen();
        write("three\n");
        let read = |path| fs::read_to_string(path).expect("the file exists");
        assert_eq!((read(&old).as_str(), read(&path).as_str()), ("one\ntwo\n", "three\n"));

        fs::remove_dir_all(&directory).expect("the directory can be removed");
        reopen();
        write("a file without a name\n");
        assert!(!path.exists());
    }
}
