//! The paths of static files.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use stelo_core::http::{Method, Target};
use stelo_toolkit::testing::TestResponse;
use stelo_toolkit::{App, StaticFiles, TestClient};

use crate::query::percent_decode;
use crate::source::Source;

const NAMES: [&str; 10] =
    ["a.txt", "dir/b.txt", "dir/deep/c", ".hidden", "...", "a b", "%2e", "\u{e9}", "secret", "dir/secret"];
/// Names that Windows reads as devices, drives, streams, or several segments.
const NAMES_ON_UNIX: [&str; 5] = ["a\\b", "..\\secret", "c:x", "a.txt:s", "con"];
/// The content of files outside of the directory.
const SECRET: &str = "secret";

/// A directory `root` of files whose content is their own name, and secrets around it.
struct Site {
    folder: PathBuf,
    client: TestClient,
}

impl Site {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("stelo-paths-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        let write = |path: PathBuf, content: &str| {
            fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder is ours");
            fs::write(path, content).expect("the folder is ours");
        };
        let of_unix = NAMES_ON_UNIX.iter().filter(|_| cfg!(unix));
        for name in NAMES.iter().chain(of_unix) {
            write(folder.join("root").join(name), &format!("this is {name}"));
        }
        write(folder.join("secret"), SECRET);
        write(folder.join("root-old/secret"), SECRET);
        #[cfg(unix)]
        std::os::unix::fs::symlink("../secret", folder.join("root/link")).expect("the folder is ours");
        let files = StaticFiles::new(folder.join("root"));
        let app = App::new().mount("/st", files.clone()).mount("/", files);
        Self { folder, client: TestClient::new(app).follow_redirects(false) }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

thread_local! {
    static SITE: OnceCell<Site> = const { OnceCell::new() };
}

/// Checks that a path never leads out of the directory, as `std::path` reads it, and that a normal path leads to its file.
///
/// The input: whether the files have a prefix, then the path. Bytes that no target can have are percent-encoded.
pub fn static_paths(input: &[u8]) {
    let mut source = Source::new(input);
    let prefix = source.pick(&["/", "/st/"]);
    let path = encoded(source.rest());
    let target = format!("{prefix}{path}");
    // The server rejects an encoded NUL.
    if Target::parse(target.as_bytes(), &Method::Get).is_none() {
        return;
    }
    SITE.with(|site| {
        let site = site.get_or_init(Site::new);
        let response = site.client.get(&target).send();
        judge(&path, prefix == "/", &response, &site.folder.join("root"));
    });
}

/// Percent-encodes the bytes that no path has. A complete escape is unchanged.
fn encoded(bytes: &[u8]) -> String {
    let is_escape = |at: usize| {
        bytes[at] == b'%'
            && bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let encode = |(at, &byte): (usize, &u8)| match byte {
        _ if byte.is_ascii_alphanumeric() || b"/.~:-_".contains(&byte) || is_escape(at) => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    bytes.iter().enumerate().map(encode).collect()
}

fn judge(path: &str, at_root: bool, response: &TestResponse, root: &Path) {
    let status = response.status().code();
    assert!(response.text() != SECRET, "{path}");
    assert!(response.header("location").is_none_or(|location| !location.starts_with("//")), "{path}");
    let decoded = percent_decode(path.as_bytes());
    let has_encoded_slash = path.to_ascii_lowercase().contains("%2f");
    let Some(name) = os_str(&decoded) else { return assert_ne!(status, 200, "{path}") };
    let relative: PathBuf =
        Path::new(name).components().filter(|part| !matches!(part, Component::RootDir)).collect();
    let is_inside =
        relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let content = root.join(&relative).canonicalize().ok().and_then(|file| {
        let file = file.strip_prefix(root.canonicalize().ok()?).ok()?.to_str()?.to_owned();
        Some(format!("this is {file}"))
    });
    if status == 200 {
        assert!(is_inside && !has_encoded_slash, "{path}");
        assert_eq!(Some(response.text()), content, "{path}");
    }
    // The path without a repeated slash or a dot, which is not below the other mount.
    let is_normal = !has_encoded_slash && relative.as_os_str() == name && is_inside;
    let is_other = at_root && (decoded == b"st" || decoded.starts_with(b"st/"));
    if is_normal && !is_other && root.join(&relative).is_file() && !is_link(&root.join(&relative)) {
        assert_eq!(status, 200, "{path}");
    }
}

fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink())
}

#[cfg(unix)]
fn os_str(bytes: &[u8]) -> Option<&OsStr> {
    use std::os::unix::ffi::OsStrExt;
    Some(OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn os_str(bytes: &[u8]) -> Option<&OsStr> {
    std::str::from_utf8(bytes).ok().map(OsStr::new)
}
