//! The file of a Unix socket: what may be replaced at the start, and what is cleaned up at the end.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use socket2::{Domain, SockAddr, Type};

use super::SocketError;

/// For everyone, as Uvicorn has it: who may connect is decided by the directory.
const MODE: u32 = 0o666;

/// The file of a Unix socket that we have bound. Dropping it removes the file, unless another one is in its place by then.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: Identity,
}

/// Device, number and birth: a number alone is soon given to the next file.
type Identity = (u64, u64, Option<SystemTime>);

/// Binds a Unix socket. The file takes over the mode of the abandoned one that it replaces.
pub(super) fn bind(path: &Path) -> io::Result<(socket2::Socket, SocketFile)> {
    let address = SockAddr::unix(path)?;
    let mode = replace(path, &address)?.unwrap_or(MODE);
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&address)?;
    // Absolute, since the process may change its directory.
    let path = std::path::absolute(path)?;
    let identity = identity(&path)?;
    let file = SocketFile { path, identity };
    // Nobody can connect before the socket listens, so this comes in time.
    fs::set_permissions(&file.path, Permissions::from_mode(mode))?;
    Ok((socket, file))
}

/// Removes a socket file that nobody listens on any more; returns the mode that it had.
fn replace(path: &Path, address: &SockAddr) -> io::Result<Option<u32>> {
    let old = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        old => old?,
    };
    if !old.file_type().is_socket() {
        return Err(SocketError::NotASocket.into());
    }
    let probe = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A listener whose queue is full would have us wait.
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
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            // Nobody is left to whom a failure could be told.
            let _ = fs::remove_file(&self.path);
        }
    }
}
