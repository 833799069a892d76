//! Splits Rust source into code, comments and string literals. Other checks read the words or the paths in them.

/// A part of a source file that holds only one kind of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) kind: Kind,
    /// The text between the delimiters. Of a line comment, it excludes the line end.
    pub(crate) text: &'a str,
    /// The number of the line on which the text begins, from 1.
    pub(crate) line: usize,
}

/// The kinds of text in a source file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Code,
    /// `///`, `//!` and their block forms.
    Doc,
    Comment,
    /// The content of a string literal, escapes included.
    Str,
}

/// Splits a source file. Text without a closing delimiter extends to the end of the file.
pub(crate) fn pieces(source: &str) -> Vec<Piece<'_>> {
    let mut lexer = Lexer { source, at: 0, code: 0, line: 1, pieces: Vec::new() };
    while lexer.at < source.len() {
        lexer.step();
    }
    lexer.end_code();
    lexer.pieces
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    /// The offset at which the current piece of code begins.
    code: usize,
    /// The line of `code`.
    line: usize,
    pieces: Vec<Piece<'a>>,
}

impl<'a> Lexer<'a> {
    fn step(&mut self) {
        let rest = &self.source[self.at..];
        if let Some(comment) = rest.strip_prefix("//") {
            let length = comment.find('\n').unwrap_or(comment.len());
            let doc = match comment.as_bytes() {
                [b'!', ..] => true,
                [b'/', b'/', ..] => false,
                [b'/', ..] => true,
                _ => false,
            };
            self.take(
                if doc { Kind::Doc } else { Kind::Comment },
                2 + usize::from(doc),
                length - usize::from(doc),
                0,
            );
        } else if let Some(comment) = rest.strip_prefix("/*") {
            let doc = comment.starts_with(['*', '!']) && !comment.starts_with("*/");
            let (length, closing) = block(comment);
            self.take(
                if doc { Kind::Doc } else { Kind::Comment },
                2 + usize::from(doc),
                length - usize::from(doc),
                closing,
            );
        } else if let Some(string) = rest.strip_prefix('"') {
            let length = escaped(string, '"');
            self.take(Kind::Str, 1, length, 1);
        } else if let Some(hashes) = self.raw_string(rest) {
            let opening = hashes + 2;
            let end = format!("\"{}", "#".repeat(hashes));
            let length = rest[opening..].find(&end).unwrap_or(rest.len() - opening);
            self.take(Kind::Str, opening, length, end.len());
        } else if rest.starts_with('\'') {
            self.at += character(rest);
        } else {
            self.at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }

    /// The number of `#` if a raw string begins here.
    fn raw_string(&self, rest: &str) -> Option<usize> {
        let hashes = rest.strip_prefix('r')?;
        let hashes = hashes.len() - hashes.trim_start_matches('#').len();
        let before = self.source[..self.at].chars().next_back();
        let in_a_name = before.is_some_and(|c| (c.is_alphanumeric() || c == '_') && c != 'b' && c != 'c');
        (rest[1 + hashes..].starts_with('"') && !in_a_name).then_some(hashes)
    }

    /// Ends the code before this text and adds the text. `opening` and `closing` are the lengths of the delimiters.
    fn take(&mut self, kind: Kind, opening: usize, length: usize, closing: usize) {
        self.end_code();
        self.line += lines(&self.source[self.at..self.at + opening]);
        let start = self.at + opening;
        let text = &self.source[start..start + length];
        self.pieces.push(Piece { kind, text, line: self.line });
        self.line += lines(text);
        self.at = (start + length + closing).min(self.source.len());
        self.code = self.at;
    }

    fn end_code(&mut self) {
        let text = &self.source[self.code..self.at];
        if !text.is_empty() {
            self.pieces.push(Piece { kind: Kind::Code, text, line: self.line });
            self.line += lines(text);
        }
        self.code = self.at;
    }
}

fn lines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// The length of a block comment's text, and that of its closing delimiter. Block comments nest.
fn block(text: &str) -> (usize, usize) {
    let mut depth = 1;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("*/") {
            depth -= 1;
            if depth == 0 {
                return (at, 2);
            }
            at += 2;
        } else if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    (text.len(), 0)
}

/// The length of the text before an unescaped `end`.
fn escaped(text: &str, end: char) -> usize {
    let mut escape = false;
    for (at, c) in text.char_indices() {
        if escape {
            escape = false;
        } else if c == '\\' {
            escape = true;
        } else if c == end {
            return at;
        }
    }
    text.len()
}

/// The length of a character literal with its quotes, or 1 for the quote of a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text[1..].chars();
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => (2 + escaped(&text[1..], '\'')).min(text.len()),
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(source: &str) -> Vec<(Kind, &str, usize)> {
        pieces(source).iter().map(|piece| (piece.kind, piece.text, piece.line)).collect()
    }

    #[test]
    fn comments_strings_and_code_are_told_apart() {
        let source = "//! module\n/// item\n//// plain\nfn a() {\n    b(\"c\\\"d\"); // e\n}\n";
        assert_eq!(
            split(source),
            [
                (Kind::Doc, " module", 1),
                (Kind::Code, "\n", 1),
                (Kind::Doc, " item", 2),
                (Kind::Code, "\n", 2),
                (Kind::Comment, "// plain", 3),
                (Kind::Code, "\nfn a() {\n    b(", 3),
                (Kind::Str, "c\\\"d", 5),
                (Kind::Code, "); ", 5),
                (Kind::Comment, " e", 5),
                (Kind::Code, "\n}\n", 5),
            ]
        );
    }

    #[test]
    fn block_comments_nest() {
        let source = "/* a /* b */\nc */ d";
        assert_eq!(split(source), [(Kind::Comment, " a /* b */\nc ", 1), (Kind::Code, " d", 2)]);
    }

    #[test]
    fn raw_strings_may_hold_quotes() {
        assert_eq!(
            split("r#\"a \" // b\"# br\"c\" for\"d\""),
            [
                (Kind::Str, "a \" // b", 1),
                (Kind::Code, " b", 1),
                (Kind::Str, "c", 1),
                (Kind::Code, " for", 1),
                (Kind::Str, "d", 1),
            ]
        );
    }

    #[test]
    fn quotes_of_characters_and_lifetimes_begin_no_string() {
        let source = "'\"' 'a' '\\'' &'a str '\\u{22}' '€' x";
        assert_eq!(split(source), [(Kind::Code, source, 1)]);
    }

    #[test]
    fn a_missing_end_is_no_panic() {
        for source in ["\"a", "/* a", "r#\"a", "'", "'\\", "\"\\", "//", "/**/", "/*", "r", "/*!", "///"] {
            pieces(source);
        }
    }
}
