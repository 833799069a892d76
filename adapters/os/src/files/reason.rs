//! The meaning of an error of the file system for a server of files.

use std::io;

/// The reason why a file cannot be served.
///
/// ```
/// use stelo_os::files::Reason;
///
/// let error = std::fs::File::open("nowhere").unwrap_err();
/// assert_eq!(Reason::of(&error), Reason::Missing);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The name leads to no file. It may be invalid, too long, or a symbolic link that leads to itself.
    Missing,
    /// The system refuses access.
    Forbidden,
    /// The process or the system has no descriptor or no memory left.
    Exhausted,
    /// Any other error: a fault of the server.
    Fault,
}

impl Reason {
    /// Returns the reason behind an error.
    pub fn of(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::NotFound
            | Kind::NotADirectory
            | Kind::IsADirectory
            | Kind::InvalidFilename
            | Kind::InvalidInput
            | Kind::StaleNetworkFileHandle => Self::Missing,
            Kind::PermissionDenied => Self::Forbidden,
            Kind::OutOfMemory => Self::Exhausted,
            _ => Self::of_code(error.raw_os_error()),
        }
    }

    /// Returns the reason behind a code for which `ErrorKind` has no stable variant.
    #[cfg(unix)]
    fn of_code(code: Option<i32>) -> Self {
        match code {
            Some(libc::ELOOP) => Self::Missing,
            Some(libc::EMFILE | libc::ENFILE) => Self::Exhausted,
            _ => Self::Fault,
        }
    }

    #[cfg(not(unix))]
    fn of_code(_: Option<i32>) -> Self {
        Self::Fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_a_reason() {
        use io::ErrorKind as Kind;
        for (kind, reason) in [
            (Kind::NotFound, Reason::Missing),
            (Kind::NotADirectory, Reason::Missing),
            (Kind::InvalidFilename, Reason::Missing),
            (Kind::StaleNetworkFileHandle, Reason::Missing),
            (Kind::PermissionDenied, Reason::Forbidden),
            (Kind::OutOfMemory, Reason::Exhausted),
            (Kind::UnexpectedEof, Reason::Fault),
        ] {
            assert_eq!(Reason::of(&kind.into()), reason, "{kind}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn codes_without_a_kind_have_a_reason() {
        for (code, reason) in [
            (libc::ELOOP, Reason::Missing),
            (libc::EMFILE, Reason::Exhausted),
            (libc::ENFILE, Reason::Exhausted),
            (libc::EIO, Reason::Fault),
        ] {
            assert_eq!(Reason::of(&io::Error::from_raw_os_error(code)), reason, "{code}");
        }
    }
}
