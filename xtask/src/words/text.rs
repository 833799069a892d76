//! Takes the prose out of a file: comments, strings and names of functions in Rust, paragraphs in Markdown.

use crate::rust::{Kind, pieces};

/// The kind of place in which a text was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The first paragraph of a doc comment.
    Summary,
    /// A further paragraph of a doc comment.
    Doc,
    Comment,
    Str,
    /// The name of a function, its underscores replaced by spaces.
    Name,
    /// A paragraph, an item of a list or a row of a table in a page.
    Page,
}

/// A paragraph, joined to one line. Code spans are masked.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) place: Place,
    pub(crate) words: String,
    /// For each line of the file: its first byte in `words`, and its number.
    lines: Vec<(usize, usize)>,
}

impl Text {
    fn new(place: Place) -> Self {
        Self { place, words: String::new(), lines: Vec::new() }
    }

    fn push(&mut self, line: usize, words: &str) {
        if !self.words.is_empty() {
            self.words.push(' ');
        }
        self.lines.push((self.words.len(), line));
        self.words.push_str(words.trim());
    }

    /// The number of the line that holds this byte of `words`.
    pub(crate) fn line_at(&self, byte: usize) -> usize {
        self.lines.iter().take_while(|(start, _)| *start <= byte).last().map_or(0, |(_, line)| *line)
    }
}

/// Joins lines to paragraphs.
struct Paragraphs {
    place: Place,
    /// The place of all paragraphs after the first one.
    then: Place,
    texts: Vec<Text>,
    open: bool,
    /// The language of the code block that is open.
    code: Option<String>,
    /// The source of the code block so far, if it is Rust, and its first line.
    rust: (usize, String),
}

impl Paragraphs {
    fn new(place: Place, then: Place) -> Self {
        Self { place, then, texts: Vec::new(), open: false, code: None, rust: (0, String::new()) }
    }

    fn line(&mut self, number: usize, line: &str) {
        let line = line.trim();
        if let Some(language) = line.strip_prefix("```") {
            self.fence(number, language);
        } else if let Some(language) = &self.code {
            if language.is_empty() || language.contains("rust") || language.contains("no_run") {
                self.rust.1.push_str(line.strip_prefix("# ").unwrap_or(line));
                self.rust.1.push('\n');
            }
        } else if line.is_empty() {
            self.open = false;
        } else {
            let starts =
                ["- ", "* ", "| ", "# ", "## ", "### ", "> "].iter().any(|start| line.starts_with(start));
            let numbered = line.split_once(". ").is_some_and(|(n, _)| n.parse::<u8>().is_ok());
            if starts || numbered || !self.open {
                self.texts.push(Text::new(self.place));
                self.place = self.then;
            }
            self.open = true;
            if let Some(text) = self.texts.last_mut() {
                text.push(number, line);
            }
        }
    }

    fn fence(&mut self, number: usize, language: &str) {
        self.open = false;
        if self.code.take().is_none() {
            self.code = Some(language.to_owned());
            self.rust = (number, String::new());
        } else {
            let (first, source) = std::mem::take(&mut self.rust);
            self.texts.extend(rust(&source).into_iter().map(|mut text| {
                for (_, line) in &mut text.lines {
                    *line += first;
                }
                text
            }));
        }
    }

    fn end(mut self) -> Vec<Text> {
        for text in &mut self.texts {
            text.words = masked(&text.words);
        }
        self.texts
    }
}

/// Replaces what code spans and targets of links contain by underscores.
fn masked(words: &str) -> String {
    let mut masked = String::new();
    let (mut code, mut target) = (false, false);
    let mut before = ' ';
    for c in words.chars() {
        match c {
            '`' if !target => code = !code,
            '(' if !code && before == ']' => target = true,
            ')' if target => target = false,
            _ => {}
        }
        if (code && c != '`') || target {
            masked.extend(std::iter::repeat_n('_', c.len_utf8()));
        } else {
            masked.push(c);
        }
        before = c;
    }
    masked
}

/// The paragraphs of a page. Of blocks of code, only those in Rust are read.
pub(crate) fn markdown(content: &str) -> Vec<Text> {
    let mut paragraphs = Paragraphs::new(Place::Page, Place::Page);
    for (index, line) in content.lines().enumerate() {
        paragraphs.line(index + 1, line);
    }
    paragraphs.end()
}

/// The comments and the strings of a Python file.
pub(crate) fn python(content: &str) -> Vec<Text> {
    let mut texts = Vec::new();
    let mut rest = content;
    while let Some(start) = rest.find(['#', '"', '\'']) {
        let line = content[..content.len() - rest.len() + start].matches('\n').count() + 1;
        rest = &rest[start..];
        let quote = ["\"\"\"", "\'\'\'", "\"", "'"].into_iter().find(|quote| rest.starts_with(quote));
        let (opening, closing) = quote.map_or(("#", "\n"), |quote| (quote, quote));
        rest = &rest[opening.len()..];
        let (text, after) = rest.split_once(closing).unwrap_or((rest, ""));
        let mut paragraphs = Paragraphs::new(Place::Comment, Place::Comment);
        for (index, words) in text.lines().enumerate() {
            paragraphs.line(line + index, words);
        }
        texts.extend(paragraphs.end());
        rest = after;
    }
    texts
}

/// The comments, the strings and the names of functions of a source file.
pub(crate) fn rust(content: &str) -> Vec<Text> {
    let mut texts = Vec::new();
    let mut comment: Option<(Kind, usize, Paragraphs)> = None;
    for piece in pieces(content) {
        match piece.kind {
            Kind::Code => {
                names(piece.text, piece.line, &mut texts);
                // Between the lines of one comment there is nothing but indentation.
                if !piece.text.trim().is_empty() || piece.text.matches('\n').count() > 1 {
                    texts.extend(comment.take().into_iter().flat_map(|(_, _, open)| open.end()));
                }
            }
            Kind::Str => {
                let mut open = Paragraphs::new(Place::Str, Place::Str);
                let text = piece.text.replace("\\n", "\n");
                for (index, line) in text.lines().enumerate() {
                    open.line(piece.line + index, line.trim_end_matches('\\'));
                }
                texts.extend(open.end());
            }
            Kind::Doc | Kind::Comment => {
                if comment.as_ref().is_some_and(|(kind, ..)| *kind != piece.kind) {
                    texts.extend(comment.take().into_iter().flat_map(|(_, _, open)| open.end()));
                }
                let (_, _, open) = comment.get_or_insert_with(|| {
                    let (place, then) = match piece.kind {
                        Kind::Doc => (Place::Summary, Place::Doc),
                        _ => (Place::Comment, Place::Comment),
                    };
                    (piece.kind, piece.line, Paragraphs::new(place, then))
                });
                let lines = if piece.text.is_empty() { vec![""] } else { piece.text.lines().collect() };
                for (index, line) in lines.into_iter().enumerate() {
                    open.line(piece.line + index, line);
                }
            }
        }
    }
    texts.extend(comment.into_iter().flat_map(|(_, _, open)| open.end()));
    texts
}

/// The names of functions that read like a sentence: those of four words and more.
fn names(code: &str, first: usize, texts: &mut Vec<Text>) {
    for (index, line) in code.lines().enumerate() {
        let Some((_, rest)) = line.split_once("fn ") else { continue };
        let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        if name.matches('_').count() >= 3 {
            let mut text = Text::new(Place::Name);
            text.push(first + index, &name.replace('_', " "));
            texts.push(text);
        }
    }
}
