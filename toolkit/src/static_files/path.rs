//! The path of a request as the name of a file: relative, and without anything that a file system could take for a
//! way out of the directory.

/// A path below a directory: segments with a `/` in between, none at the ends, empty for the directory itself.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct FilePath {
    text: String,
    /// It was written with a `/` at its end.
    pub(super) slash: bool,
}

impl FilePath {
    /// Reads a percent-decoded path. `None` where a segment is `.` or `..`, or has a character that separates paths,
    /// drives or streams on some system, or ends a string. Repeated slashes count as one.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let mut text = String::with_capacity(path.len());
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            if matches!(segment, "." | "..") || segment.contains(['\\', ':', '\0']) {
                return None;
            }
            if !text.is_empty() {
                text.push('/');
            }
            text.push_str(segment);
        }
        Some(Self { text, slash: path.ends_with('/') })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
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

    #[test]
    fn ways_out_are_refused() {
        for path in
            ["/..", "/.", "/a/../b", "/../../etc/passwd", "/a/./b", "/..\\b", "/C:/x", "/a.txt:s", "/a\0"]
        {
            assert_eq!(FilePath::parse(path), None, "{path:?}");
        }
    }
}
