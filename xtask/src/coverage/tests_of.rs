//! Finds the parts of a source file that only tests compile.

use crate::rust::{Kind, pieces};

/// The code of a file that only tests compile.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Tests {
    /// The first and the last line of each item.
    items: Vec<(usize, usize)>,
    /// The names of modules in files of their own.
    pub(super) modules: Vec<String>,
}

impl Tests {
    /// Whether a line belongs to an item.
    pub(super) fn has(&self, line: usize) -> bool {
        self.items.iter().any(|&(first, last)| (first..=last).contains(&line))
    }
}

/// Finds items behind `#[cfg(test)]` and `#[cfg(all(test, …))]`.
pub(super) fn find(source: &str) -> Tests {
    let code = code(source);
    let mut tests = Tests::default();
    let mut at = 0;
    while let Some(found) = code[at..].find("#[cfg(") {
        let start = at + found;
        at = start + "#[cfg(".len();
        let condition = &code[at..];
        if !condition.starts_with("test)]") && !condition.starts_with("all(test,") {
            continue;
        }
        at += condition.find(")]").map_or(condition.len(), |end| end + 2);
        let item = &code[at..at + length(&code[at..])];
        at += item.len();
        let line = |at: usize| code[..at].matches('\n').count() + 1;
        tests.items.push((line(start), line(at)));
        let name = item.strip_suffix(';').and_then(|item| item.rsplit_once("mod "));
        tests.modules.extend(name.map(|(_, name)| name.trim().to_owned()));
    }
    tests
}

/// The code of a file, line by line, without comments, strings and braces in character literals.
fn code(source: &str) -> String {
    let mut code = String::new();
    for piece in pieces(source) {
        // Delimiters of strings and comments hold no line ends.
        code.extend(std::iter::repeat_n('\n', piece.line.saturating_sub(code.matches('\n').count() + 1)));
        match piece.kind {
            Kind::Code => code.push_str(piece.text),
            _ => code.extend(piece.text.chars().filter(|c| *c == '\n')),
        }
    }
    code.replace("'{'", "").replace("'}'", "").replace("';'", "")
}

/// The length of the item at the beginning of this code: to its closing brace, or to its semicolon.
fn length(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(c, '}' | ';') {
            return at + 1;
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_for_tests_are_found_with_their_lines() {
        let source = "fn a() {}\n\n#[cfg(test)]\n#[path = \"x;\"]\nmod tests;\n#[cfg(unix)]\nfn b() {}\n\
                      #[cfg(all(test, unix))]\nmod inside {\n    // }\n    fn c(_: [u8; 2]) -> char {\n        '}'\n    }\n}\nfn d() {}\n";
        let tests = find(source);
        assert_eq!(tests, Tests { items: vec![(3, 5), (8, 14)], modules: vec!["tests".into()] });
        assert!(tests.has(14) && !tests.has(15));
    }
}
