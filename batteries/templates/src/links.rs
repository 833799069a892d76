//! The functions of templates that make links: `url_for` and `static_url`.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use minijinja::value::{Kwargs, Object};
use minijinja::{Error, ErrorKind, State, Value};
use stelo_toolkit::request::Links;

use crate::sources::{Watch, join, stamp};

/// `url_for("name", id=7)`.
#[derive(Debug)]
pub(crate) struct UrlFor(pub(crate) Links);

impl Object for UrlFor {
    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (name, params): (&str, Kwargs) = minijinja::value::from_args(args)?;
        let values = params.args().map(|param| Ok((param, params.get::<Value>(param)?)));
        let values: Vec<_> = values.collect::<Result<_, Error>>()?;
        let params: Vec<_> = values.iter().map(|(param, value)| (*param, value as &dyn Display)).collect();
        let url = self.0.url_for(name, &params).map_err(failed)?;
        Ok(url.to_string().into())
    }
}

/// `static_url("css/site.css")`.
#[derive(Debug)]
pub(crate) struct StaticUrl {
    pub(crate) links: Links,
    pub(crate) files: Arc<StaticFiles>,
}

impl Object for StaticUrl {
    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (path,): (&str,) = minijinja::value::from_args(args)?;
        let Some(directory) = &self.files.directory else {
            let detail = "static_url needs a directory: call Templates::static_files";
            return Err(Error::new(ErrorKind::InvalidOperation, detail));
        };
        let hash = join(directory, path).and_then(|file| self.files.hash(file)).ok_or_else(|| {
            let detail = format!("static_url: there is no file {path} in {}", directory.display());
            Error::new(ErrorKind::InvalidOperation, detail)
        })?;
        let url = self.links.url_for(&self.files.route, &[("path", &path)]).map_err(failed)?;
        Ok(format!("{}?v={hash:016x}", url.path()).into())
    }
}

fn failed(error: impl Display) -> Error {
    Error::new(ErrorKind::InvalidOperation, error.to_string())
}

/// The directory of static files, the name of its mount, and the hashes of its files.
#[derive(Default)]
pub(crate) struct StaticFiles {
    pub(crate) route: String,
    pub(crate) directory: Option<PathBuf>,
    /// Whether files may change.
    pub(crate) is_watched: bool,
    pub(crate) hashes: Mutex<HashMap<PathBuf, (Watch, u64)>>,
}

impl std::fmt::Debug for StaticFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StaticFiles").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl StaticFiles {
    /// Returns the hash of the content of a file. It is kept, and made again if the file has changed.
    fn hash(&self, path: PathBuf) -> Option<u64> {
        let mut hashes = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((watch, hash)) = hashes.get(&path)
            && (!self.is_watched || watch.is_fresh())
        {
            return Some(*hash);
        }
        let watch = Watch { stamp: stamp(&path), path: path.clone(), looked: Mutex::new(Instant::now()) };
        let hash = fnv(&std::fs::read(&path).ok()?);
        hashes.insert(path, (watch, hash));
        Some(hash)
    }
}

/// FNV-1a with 64 bits. It tells versions of a file apart; it need not resist an attacker.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::fnv;

    /// The values are those of the reference, draft-eastlake-fnv section 8.
    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(fnv(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
