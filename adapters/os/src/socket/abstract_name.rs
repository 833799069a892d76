//! Names of Unix sockets without a file (`unix(7)`, "abstract"), written with `@`, as systemd and HAProxy do. Linux only.

use std::io;
use std::path::Path;

use socket2::SockAddr;

/// Returns the name of an abstract socket. `None` for the path of a file, such as `./@file`.
#[cfg(target_os = "linux")]
fn abstract_name(path: &Path) -> Option<&[u8]> {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).strip_prefix(b"@")
}

#[cfg(not(target_os = "linux"))]
fn abstract_name(_: &Path) -> Option<&[u8]> {
    None
}

/// Whether a Unix socket with this path has no file: on Linux, if it begins with `@`.
#[must_use]
pub fn is_abstract(path: &Path) -> bool {
    abstract_name(path).is_some()
}

/// Returns the address of a Unix socket.
///
/// # Errors
/// The path is too long, or has a NUL.
pub(super) fn unix_address(path: &Path) -> io::Result<SockAddr> {
    let Some(name) = abstract_name(path) else { return SockAddr::unix(path) };
    let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(name);
    let mut abstract_path = std::ffi::OsString::from("\0");
    abstract_path.push(name);
    SockAddr::unix(abstract_path)
}

/// Returns the path or the name of a Unix socket. `None` if it has none.
pub(super) fn unix_path(address: &SockAddr) -> Option<String> {
    #[cfg(target_os = "linux")]
    if let Some(name) = address.as_abstract_namespace() {
        return Some(format!("@{}", String::from_utf8_lossy(name)));
    }
    address.as_pathname().map(|path| path.to_string_lossy().into())
}
