//! Converts the path of a request to the name of a file: relative, and without anything that a file system could read as
//! a way out of the directory.

use std::ffi::OsString;
use std::path::Path;

use percent_encoding::percent_decode_str;
use stelo_core::app::Response;

use crate::request::Request;
use crate::request::url::encode_path;
use crate::response::{IntoResponse, Redirect};

/// A path below a directory: segments separated by `/`, with none at the ends. Empty for the directory itself.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct FilePath {
    text: OsString,
    /// Whether the path had a `/` at its end.
    pub(super) slash: bool,
}

impl FilePath {
    /// Reads the path of a request. `None` for an encoded `/`, which no name contains, and for bytes that are not UTF-8 on systems whose names are text.
    pub(super) fn of(request: &Request) -> Option<Self> {
        if request.has_encoded_slash() {
            return None;
        }
        match request.has_text_path() {
            true => Self::parse(request.route_path()),
            false => Self::parse_bytes(&percent_decode_str(request.raw_route_path()?).collect::<Vec<_>>()),
        }
    }

    /// As [`parse`](Self::parse), for bytes that are not UTF-8.
    #[cfg(unix)]
    fn parse_bytes(path: &[u8]) -> Option<Self> {
        use std::os::unix::ffi::OsStringExt;
        // The replacement of invalid bytes is valid in any name, so the others decide.
        let Self { slash, .. } = Self::parse(&String::from_utf8_lossy(path))?;
        let segments: Vec<_> =
            path.split(|&byte| byte == b'/').filter(|segment| !segment.is_empty()).collect();
        Some(Self { text: OsString::from_vec(segments.join(&b'/')), slash })
    }

    #[cfg(not(unix))]
    fn parse_bytes(_: &[u8]) -> Option<Self> {
        None
    }

    /// Reads a percent-decoded path. Repeated slashes count as one. `None` if a segment is `.` or `..` or has a NUL; on
    /// Windows also if it is the name of a device, or has a character that separates paths, drives or streams.
    pub(super) fn parse(path: &str) -> Option<Self> {
        Self::parse_on(path, cfg!(windows))
    }

    fn parse_on(path: &str, windows: bool) -> Option<Self> {
        let mut text = String::with_capacity(path.len());
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            let is_of_windows = windows && (segment.contains(['\\', ':']) || is_device(segment));
            if matches!(segment, "." | "..") || segment.contains('\0') || is_of_windows {
                return None;
            }
            if !text.is_empty() {
                text.push('/');
            }
            text.push_str(segment);
        }
        Some(Self { text: text.into(), slash: path.ends_with('/') })
    }

    /// Redirects to the same directory with a `/` at the end, so that relative links in its page work.
    pub(super) fn redirect(request: &Request) -> Response {
        let name =
            Self::of(request).map(|path| encode_path(path.text.as_encoded_bytes())).unwrap_or_default();
        let path = format!("{}/{name}/", encode_path(&*request.root_path()));
        // One slash at the start: after two, the next segment would be a host.
        let mut location = format!("/{}", path.trim_start_matches('/'));
        if let Some(query) = request.head().query() {
            location.push('?');
            location.push_str(query);
        }
        Redirect::to(location).into_response()
    }

    pub(super) fn as_path(&self) -> &Path {
        Path::new(&self.text)
    }
}

/// Whether Windows opens a device by this name, in any directory and with any extension.
fn is_device(name: &str) -> bool {
    let name = name.split('.').next().unwrap_or_default().trim_end_matches(' ');
    // Windows reads these superscripts as digits.
    let kind = name.strip_suffix(|c: char| c.is_ascii_digit() || "\u{b9}\u{b2}\u{b3}".contains(c));
    let is_one =
        |name: &str, devices: &[&str]| devices.iter().any(|device| device.eq_ignore_ascii_case(name));
    is_one(name, &["con", "prn", "aux", "nul", "conin$", "conout$"])
        || kind.is_some_and(|kind| is_one(kind, &["com", "lpt"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_are_relative_and_normal() {
        for (path, text, slash) in [
            ("", "", false),
            ("/", "", true),
            ("/a.txt", "a.txt", false),
            ("//a//b/", "a/b", true),
            ("/...", "...", false),
            ("/.hidden/a b", ".hidden/a b", false),
            ("/\u{e9}", "\u{e9}", false),
        ] {
            assert_eq!(FilePath::parse(path), Some(FilePath { text: text.into(), slash }), "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_of_other_bytes_are_held_to_the_same_rules() {
        use std::os::unix::ffi::OsStrExt;
        let path = FilePath::parse_bytes(b"//a//\xff/").expect("an ordinary path");
        assert_eq!((path.as_path().as_os_str().as_bytes(), path.slash), (&b"a/\xff"[..], true));
        for path in [&b"/\xff/../b"[..], b"/./\xff", b"/\xff\0"] {
            assert_eq!(FilePath::parse_bytes(path), None, "{}", path.escape_ascii());
        }
    }

    /// RUSTSEC-2021-0135, RUSTSEC-2022-0043, RUSTSEC-2022-0069, RUSTSEC-2022-0082
    #[test]
    fn paths_that_leave_the_directory_are_rejected() {
        for path in ["/..", "/.", "/a/../b", "/../../etc/passwd", "/a/./b", "/a\0"] {
            assert_eq!(FilePath::parse_on(path, false), None, "{path:?}");
            assert_eq!(FilePath::parse_on(path, true), None, "{path:?}");
        }
        for path in ["/..\\b", "/C:/x", "/c:x", "/a.txt:s"] {
            assert_eq!(FilePath::parse_on(path, true), None, "{path:?}");
            assert!(FilePath::parse_on(path, false).is_some(), "an ordinary name elsewhere: {path:?}");
        }
    }

    #[test]
    fn all_names_of_devices_are_rejected_on_windows() {
        for name in
            ["con", "NUL", "aux.txt", "Prn .a.b", "com1", "LPT9.log", "com\u{b2}", "CONIN$", "conout$.x"]
        {
            assert_eq!(FilePath::parse_on(&format!("/a/{name}"), true), None, "{name}");
            assert!(FilePath::parse_on(&format!("/a/{name}"), false).is_some(), "{name}");
        }
        for name in ["console", "null", "a.con", "com", "com10", "lptx", "auxiliary.css", ".nul"] {
            assert!(FilePath::parse_on(&format!("/a/{name}"), true).is_some(), "{name}");
        }
    }
}
