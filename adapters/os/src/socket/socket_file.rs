//! The file of a Unix socket: which file may be replaced at the start, and its removal at the end.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use socket2::{Domain, SockAddr, Type};

use super::SocketError;

/// Every user may connect, as with Uvicorn: the permissions of the directory decide.
const MODE: u32 = 0o666;

/// The file of a Unix socket that this process has bound. Dropping it removes the file, unless another file has
/// replaced it or [`set_removed`](Self::set_removed) leaves it to another process.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: Identity,
    removed: AtomicBool,
}

/// Device, inode and creation time. File systems reuse inodes soon, so the number alone is ambiguous.
type Identity = (u64, u64, Option<SystemTime>);

/// Binds a Unix socket. The file keeps the mode of the abandoned file that it replaces.
pub(super) fn bind(path: &Path) -> io::Result<(socket2::Socket, SocketFile)> {
    let address = SockAddr::unix(path)?;
    let mode = replace(path, &address)?.unwrap_or(MODE);
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&address)?;
    // Absolute, because the process may change its working directory.
    let path = std::path::absolute(path)?;
    let identity = identity(&path)?;
    let file = SocketFile { path, identity, removed: AtomicBool::new(true) };
    // Clients cannot connect before the socket listens, so this is early enough.
    fs::set_permissions(&file.path, Permissions::from_mode(mode))?;
    Ok((socket, file))
}

impl SocketFile {
    /// Returns the file that another process has bound. Leaves it until [`set_removed`](Self::set_removed).
    ///
    /// # Errors
    /// Returns an error if there is no file.
    pub(super) fn of_another(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        Ok(Self { identity: identity(&path)?, path, removed: AtomicBool::new(false) })
    }

    /// Sets whether the file is removed when this value is dropped.
    pub fn set_removed(&self, removed: bool) {
        self.removed.store(removed, Ordering::Relaxed);
    }
}

/// Removes a socket file without a listener, and returns its mode.
fn replace(path: &Path, address: &SockAddr) -> io::Result<Option<u32>> {
    let old = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        old => old?,
    };
    if !old.file_type().is_socket() {
        return Err(SocketError::NotASocket.into());
    }
    let probe = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // `connect` would block while the queue of a listener is full.
    probe.set_nonblocking(true)?;
    match probe.connect(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path)?;
            Ok(Some(old.mode() & 0o777))
        }
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Err(SocketError::InUse.into()),
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino(), file.created().ok()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let removed = self.removed.load(Ordering::Relaxed);
        if removed && identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            // `drop` cannot report an error.
            let _ = fs::remove_file(&self.path);
        }
    }
}
