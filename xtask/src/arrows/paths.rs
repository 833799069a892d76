//! Finds the paths in a source file that lead out of its own top-level module.
//!
//! Code under `#[cfg(test)]` is left out, comments and strings too. Paths are those that begin with `crate` or `super`.
//! A path that a macro pastes together is not seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::rust::{Kind, pieces};

/// The paths of one source file.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    /// Paths from the root of the crate, each with its line: `crate::a::b` is `["a", "b"]`.
    pub(crate) found: Vec<(Vec<String>, usize)>,
    /// Names that `use` declarations of the file bring into scope, each with its path as written.
    pub(crate) imported: BTreeMap<String, Vec<String>>,
    /// The modules below this one that are compiled for tests only.
    pub(crate) test_modules: BTreeSet<String>,
}

/// Reads a source file whose module is `module`, a path from the root of the crate.
pub(crate) fn paths(source: &str, module: &[&str]) -> Paths {
    let tokens = tokens(source);
    let module = module.iter().map(|name| (*name).to_owned()).collect();
    let mut reader = Reader { tokens, at: 0, module, inline: Vec::new(), depth: 0, paths: Paths::default() };
    reader.read();
    reader.paths
}

struct Token {
    text: String,
    line: usize,
}

/// The names and the punctuation of the code. `::` is one token.
fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for piece in pieces(source).iter().filter(|piece| piece.kind == Kind::Code) {
        let mut line = piece.line;
        let mut chars = piece.text.char_indices().peekable();
        while let Some((start, c)) = chars.next() {
            let mut end = start + c.len_utf8();
            if c == '\n' {
                line += 1;
            } else if c.is_alphanumeric() || c == '_' {
                while let Some((at, c)) = chars.next_if(|(_, c)| c.is_alphanumeric() || *c == '_') {
                    end = at + c.len_utf8();
                }
            } else if c == ':' && chars.next_if(|(_, c)| *c == ':').is_some() {
                end += 1;
            }
            if !c.is_whitespace() {
                tokens.push(Token { text: piece.text[start..end].to_owned(), line });
            }
        }
    }
    tokens
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    module: Vec<String>,
    /// The names of the inline modules that are open, each with the depth of its braces.
    inline: Vec<(String, usize)>,
    depth: usize,
    paths: Paths,
}

impl Reader {
    fn peek(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| &token.text)
    }

    fn line(&self) -> usize {
        self.tokens.get(self.at).map_or(0, |token| token.line)
    }

    fn next_if(&mut self, text: &str) -> bool {
        let is = self.peek(0) == text;
        self.at += usize::from(is);
        is
    }

    fn read(&mut self) {
        while self.at < self.tokens.len() {
            match (self.peek(0), self.peek(1)) {
                ("#", "[") => {
                    if self.attribute() {
                        self.skip_item();
                    }
                }
                // A whole file for tests.
                ("#", "!") if self.peek(2) == "[" => {
                    self.at += 1;
                    if self.attribute() {
                        return;
                    }
                }
                ("mod", name) if self.peek(2) == "{" => {
                    self.inline.push((name.to_owned(), self.depth));
                    self.depth += 1;
                    self.at += 3;
                }
                ("{", _) => {
                    self.depth += 1;
                    self.at += 1;
                }
                ("}", _) => {
                    self.depth = self.depth.saturating_sub(1);
                    self.inline.pop_if(|(_, depth)| *depth == self.depth);
                    self.at += 1;
                }
                ("use", _) => {
                    self.at += 1;
                    let line = self.line();
                    self.tree(Vec::new(), line, true);
                }
                ("crate" | "super", "::") => {
                    let line = self.line();
                    self.tree(Vec::new(), line, false);
                }
                _ => self.at += 1,
            }
        }
    }

    /// Reads an attribute. Whether what follows is compiled for tests only.
    fn attribute(&mut self) -> bool {
        self.at += 2;
        let start = self.at;
        let mut depth = 1;
        while depth > 0 && self.at < self.tokens.len() {
            match self.peek(0) {
                "[" => depth += 1,
                "]" => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
        let words: Vec<&str> = self.tokens[start..self.at].iter().map(|token| &*token.text).collect();
        let only_tests =
            words.iter().any(|word| ["test", "doctest"].contains(word)) && !words.contains(&"not");
        words.first() == Some(&"test") || (words.first() == Some(&"cfg") && only_tests)
    }

    /// Skips an item: to its semicolon, or to the end of its braces.
    fn skip_item(&mut self) {
        while self.peek(0) == "#" && self.peek(1) == "[" {
            self.attribute();
        }
        let mut depth = 0;
        while self.at < self.tokens.len() {
            match self.peek(0) {
                "mod" if depth == 0 && self.peek(2) == ";" => {
                    self.paths.test_modules.insert(self.peek(1).to_owned());
                }
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => {
                    // The end of the block that holds the item.
                    if depth == 0 {
                        return;
                    }
                    depth -= 1;
                    if depth == 0 && self.peek(0) == "}" && self.peek(1) != ";" {
                        self.at += 1;
                        return;
                    }
                }
                ";" | "," if depth == 0 => {
                    self.at += 1;
                    return;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Reads a path, or in a `use` declaration a tree of paths, below `prefix`.
    fn tree(&mut self, mut prefix: Vec<String>, line: usize, is_use: bool) {
        loop {
            if is_use && self.next_if("{") {
                while !self.next_if("}") && self.at < self.tokens.len() {
                    let (line, before) = (self.line(), self.at);
                    self.tree(prefix.clone(), line, true);
                    // A token that belongs to no path is skipped, like the comma.
                    if !self.next_if(",") && self.at == before {
                        self.at += 1;
                    }
                }
                return;
            }
            let name = self.peek(0).to_owned();
            // Not a name, such as the `<` of a turbofish.
            if !name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '*') {
                break;
            }
            self.at += 1;
            prefix.push(name);
            if !self.next_if("::") {
                break;
            }
        }
        if is_use {
            let renamed = self.next_if("as").then(|| self.peek(0).to_owned());
            self.at += usize::from(renamed.is_some());
            let name = renamed.or_else(|| prefix.last().cloned()).unwrap_or_default();
            self.paths.imported.insert(name, prefix.clone());
        }
        // Always advance.
        if prefix.is_empty() {
            self.at += 1;
        } else if let Some(path) = self.absolute(&prefix) {
            self.paths.found.push((path, line));
        }
    }

    /// The path from the root of the crate, for paths that begin with `crate` or `super`.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let up = path.iter().take_while(|name| *name == "super").count();
        if up == 0 {
            return (path[0] == "crate").then(|| path[1..].to_vec());
        }
        let inline = self.inline.iter().map(|(name, _)| name);
        let mut base: Vec<String> = self.module.iter().chain(inline).cloned().collect();
        base.truncate(base.len().saturating_sub(up));
        Some(base.into_iter().chain(path[up..].iter().cloned()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str, module: &[&str]) -> Vec<(String, usize)> {
        paths(source, module).found.into_iter().map(|(path, line)| (path.join("::"), line)).collect()
    }

    fn at(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
        expected.iter().map(|&(path, line)| (path.into(), line)).collect()
    }

    #[test]
    fn paths_of_declarations_and_of_code_are_found() {
        let source = "use crate::a::{b, c::{self, D}};\nuse std::x;\nfn f() -> crate::e::F {\n    crate::g::h::<u8>()\n}\n";
        let expected = [("a::b", 1), ("a::c::self", 1), ("a::c::D", 1), ("e::F", 3), ("g::h", 4)];
        assert_eq!(found(source, &["m"]), at(&expected));
    }

    #[test]
    fn super_is_resolved_from_files_and_inline_modules() {
        assert_eq!(
            found("use super::x;\nuse super::super::y::Z;", &["m", "n"]),
            at(&[("m::x", 1), ("y::Z", 2)])
        );
        assert_eq!(
            found("mod i { use super::super::a; fn f() { } use super::b; }\nuse super::c;", &["m"]),
            at(&[("a", 1), ("m::b", 1), ("c", 2)])
        );
    }

    #[test]
    fn code_for_tests_comments_and_strings_are_left_out() {
        let source = "// crate::a::b\nconst S: &str = \"crate::a\";\n#[cfg(test)]\nmod tests {\n    use crate::b::C;\n}\n\
                      #[cfg(all(test, feature = \"x\"))]\nuse crate::d::E;\n#[cfg(not(test))]\nuse crate::f::G;\n\
                      #[cfg(test)]\n#[path = \"x.rs\"]\nmod other;\n#[test]\nfn t() { crate::h::i(); }\nuse crate::j::k;\n";
        assert_eq!(found(source, &["m"]), at(&[("f::G", 10), ("j::k", 16)]));
        assert_eq!(paths(source, &["m"]).test_modules, ["other".to_owned()].into());
        assert_eq!(found("#![cfg(test)]\nuse crate::a;", &["m"]), []);
    }

    #[test]
    fn imports_are_known_by_their_names() {
        let imported = paths("pub use app::{App, Build as Make};\nuse std::io;", &[]).imported;
        let path = |name: &str| imported[name].join("::");
        assert_eq!(
            (path("App"), path("Make"), path("io")),
            ("app::App".into(), "app::Build".into(), "std::io".into())
        );
    }

    #[test]
    fn source_that_is_cut_off_ends() {
        let source = "use crate::{a::{b, c}, d};\n#[cfg(test)] mod t { fn f() {} }\nmod x { use super::y; }";
        for end in 0..source.len() {
            paths(&source[..end], &["m"]);
        }
    }
}
