//! The files of the repository that checks read.

use std::fs;
use std::path::Path;

/// The files below `root` with one of these extensions: paths from `root`, in alphabetical order.
///
/// Folders that are built, downloaded or hidden are left out.
pub(crate) fn files(root: &Path, extensions: &[&str]) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        let message = |error| format!("cannot list {}: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(message)? {
            let entry = entry.map_err(message)?;
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let kind = entry.file_type().map_err(message)?;
            if kind.is_dir() {
                let built = ["target", "node_modules", "__pycache__"].contains(&&*name)
                    || ["CACHEDIR.TAG", "pyvenv.cfg"].iter().any(|mark| path.join(mark).exists());
                if !built && !name.starts_with('.') {
                    open.push(path);
                }
            } else if kind.is_file() && path.extension().is_some_and(|e| extensions.iter().any(|x| e == *x)) {
                let path = path.strip_prefix(root).map_err(|error| error.to_string())?;
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}
