//! Loads templates from directories, and notices that a file has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant, SystemTime};

use minijinja::{Error, ErrorKind, TemplateSource};

/// The time for which a file counts as unchanged after a look at it.
const FRESH: Duration = Duration::from_millis(200);

/// Loads a template from the first directory that has it.
pub(crate) fn load(directories: &[PathBuf], name: &str) -> Result<Option<TemplateSource>, Error> {
    for path in directories.iter().filter_map(|directory| join(directory, name)) {
        // Before the file is read, so that a change during the read is noticed.
        let stamp = stamp(&path);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let watch = Watch { path, stamp, looked: Mutex::new(Instant::now()) };
                return Ok(Some(TemplateSource::new(text).with_uptodate_check(move || watch.is_fresh())));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let detail = format!("cannot read {}", path.display());
                return Err(Error::new(ErrorKind::InvalidOperation, detail).with_source(error));
            }
        }
    }
    Ok(None)
}

/// Joins a name to a directory. Names that leave it, and hidden files, are `None`.
pub(crate) fn join(directory: &Path, name: &str) -> Option<PathBuf> {
    let is_plain = |part: &str| !part.starts_with('.') && !part.contains(['\\', ':', '\0']);
    let name = name.trim_start_matches('/');
    name.split('/').all(is_plain).then(|| directory.join(name))
}

/// The time of the last change and the length of a file.
pub(crate) type Stamp = Option<(SystemTime, u64)>;

pub(crate) fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// A file that may change.
pub(crate) struct Watch {
    pub(crate) path: PathBuf,
    pub(crate) stamp: Stamp,
    /// The time of the last look.
    pub(crate) looked: Mutex<Instant>,
}

impl Watch {
    /// Whether the file is as it was. Looks at it at most every 200 ms.
    pub(crate) fn is_fresh(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.elapsed() < FRESH {
            return true;
        }
        *looked = Instant::now();
        stamp(&self.path) == self.stamp
    }
}
