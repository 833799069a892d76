//! The format of `.env` files, as `python-dotenv` reads it for Uvicorn: `NAME=value` on a line. The server reads
//! `--env-file` with it, the toolkit the file of a configuration.
//!
//! `export` may come first. A quoted value may have several lines. In single quotes only `\'` and `\\` are escapes; in
//! double quotes `\n`, `\t` and others are too. An unquoted value ends with the line or before ` #`. `${NAME}` and
//! `${NAME:-default}` are replaced everywhere, from the environment or from an earlier line. An invalid line is an error;
//! `python-dotenv` skips it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A variable with the line where it begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assignment {
    /// The number of the line, from 1.
    pub line: usize,
    /// The name.
    pub name: String,
    /// The value, without quotes and escapes.
    pub value: String,
}

/// A fault of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyntaxFault {
    /// The line is not `NAME=value`.
    Assignment,
    /// A quoted value does not end.
    Quote,
}

impl fmt::Display for SyntaxFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Assignment => "use NAME=value",
            Self::Quote => "a quoted value does not end",
        })
    }
}

impl core::error::Error for SyntaxFault {}

/// Parses a file. Skips names without an equals sign. `variable` returns a variable of the environment, for `${NAME}`.
///
/// ```
/// use stelo_core::dotenv;
///
/// let read = dotenv::parse("A=1\nB=\"${A} ${HOME}\" # comment", |_| Some("/root".into()))?;
/// assert_eq!((read[1].line, &*read[1].value), (2, "/root /root"));
/// # Ok::<(), (usize, dotenv::SyntaxFault)>(())
/// ```
///
/// # Errors
/// Returns the number of an invalid line, and the fault.
pub fn parse(
    text: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Assignment>, (usize, SyntaxFault)> {
    let mut read: Vec<Assignment> = Vec::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    loop {
        rest = rest.trim_start();
        let line = 1 + text[..text.len() - rest.len()].matches('\n').count();
        if rest.is_empty() {
            return Ok(read);
        }
        if rest.starts_with('#') {
            rest = end_of_line(rest).1;
            continue;
        }
        let (assignment, after) = assignment(rest).map_err(|fault| (line, fault))?;
        rest = after;
        if let Some((name, raw)) = assignment {
            let lookup = |name: &str| {
                let earlier = read.iter().rev().find(|earlier| earlier.name == name);
                variable(name).or_else(|| earlier.map(|earlier| earlier.value.clone()))
            };
            let value = expand(&raw, lookup);
            read.push(Assignment { line, name, value });
        }
    }
}

/// Returns the rest of a line, and what comes after it.
fn end_of_line(text: &str) -> (&str, &str) {
    text.split_at(text.find('\n').unwrap_or(text.len()))
}

fn trim_blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

type Parsed<'a> = (Option<(String, String)>, &'a str);

/// Reads one assignment: name and value, before variables are replaced, and what comes after it.
fn assignment(text: &str) -> Result<Parsed<'_>, SyntaxFault> {
    let exported = text.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
    let text = exported.map_or(text, trim_blanks);
    let (name, rest) = match text.strip_prefix('\'') {
        Some(quoted) => quoted.split_once('\'').ok_or(SyntaxFault::Quote)?,
        None => text
            .split_at(text.find(|c: char| matches!(c, '=' | '#') || c.is_whitespace()).unwrap_or(text.len())),
    };
    if name.is_empty() {
        return Err(SyntaxFault::Assignment);
    }
    let rest = trim_blanks(rest);
    let Some(value) = rest.strip_prefix('=').map(trim_blanks) else {
        return only_a_comment(rest).map(|rest| (None, rest));
    };
    let (value, rest) = match value.chars().next() {
        Some(quote @ ('\'' | '"')) => {
            let (value, rest) = quoted(&value[1..], quote)?;
            (value, only_a_comment(trim_blanks(rest))?)
        }
        _ => {
            let (value, rest) = end_of_line(value);
            (without_comment(value).trim_end().into(), rest)
        }
    };
    Ok((Some((name.into(), value)), rest))
}

/// Skips the rest of a line, which may be nothing but a comment.
fn only_a_comment(rest: &str) -> Result<&str, SyntaxFault> {
    let (comment, after) = end_of_line(rest);
    if comment.trim().is_empty() || comment.starts_with('#') {
        Ok(after)
    } else {
        Err(SyntaxFault::Assignment)
    }
}

/// Cuts a comment off, which begins with `#` after white space.
fn without_comment(value: &str) -> &str {
    let starts = value.match_indices('#').map(|(at, _)| at);
    let comment = starts.into_iter().find(|at| value[..*at].ends_with(char::is_whitespace));
    comment.map_or(value, |at| &value[..at])
}

/// Reads up to the closing quote, and resolves escapes.
fn quoted(text: &str, quote: char) -> Result<(String, &str), SyntaxFault> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok((value, &text[at + 1..])),
            '\\' => {
                let (_, escaped) = chars.next().ok_or(SyntaxFault::Quote)?;
                match escape(escaped, quote) {
                    Some(c) => value.push(c),
                    None => value.extend(['\\', escaped]),
                }
            }
            _ => value.push(c),
        }
    }
    Err(SyntaxFault::Quote)
}

/// Returns the character of an escape, if it is valid between such quotes.
fn escape(c: char, quote: char) -> Option<char> {
    match (c, quote) {
        ('\\' | '\'', _) | ('"', '"') => Some(c),
        ('a', '"') => Some('\x07'),
        ('b', '"') => Some('\x08'),
        ('f', '"') => Some('\x0c'),
        ('n', '"') => Some('\n'),
        ('r', '"') => Some('\r'),
        ('t', '"') => Some('\t'),
        ('v', '"') => Some('\x0b'),
        _ => None,
    }
}

/// Replaces `${NAME}` and `${NAME:-default}`.
fn expand(mut text: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::new();
    while let Some((before, rest)) = text.split_once("${") {
        expanded.push_str(before);
        let inside = rest.split_once('}');
        let variable = inside.and_then(|(inside, after)| match inside.split_once(':') {
            None => Some((inside, "", after)),
            Some((name, default)) => Some((name, default.strip_prefix('-')?, after)),
        });
        text = match variable {
            Some((name, default, after)) => {
                expanded.push_str(&lookup(name).unwrap_or_else(|| default.into()));
                after
            }
            None => {
                expanded.push_str("${");
                rest
            }
        };
    }
    expanded + text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Assignment>, (usize, SyntaxFault)> {
        super::parse(text, |name| (name == "HOME").then(|| "/root".into()))
    }

    /// The expected values are those of python-dotenv 1.2.
    #[test]
    fn values_are_those_of_python_dotenv() {
        let text = r#"
# comment
A=1
export B = 2 
C='single $A ${A} \n \' q'
D="double ${A} \n \" \t \\ x"
E=un quoted value # comment
F=no#comment
G=
H
I=${A}-${NOPE}-${NOPE:-def}-${HOME}-${A:x}
J="multi
line"
K=a\nb
L="abc" # c
  N = x
'Q Q'=5
O=$A
P=a'b'c
 export   R=7
1X=ok
S-T=4
"#;
        let expected = [
            (3, "A", "1"),
            (4, "B", "2"),
            (5, "C", r"single $A 1 \n ' q"),
            (6, "D", "double 1 \n \" \t \\ x"),
            (7, "E", "un quoted value"),
            (8, "F", "no#comment"),
            (9, "G", ""),
            (11, "I", "1--def-/root-${A:x}"),
            (12, "J", "multi\nline"),
            (14, "K", r"a\nb"),
            (15, "L", "abc"),
            (16, "N", "x"),
            (17, "Q Q", "5"),
            (18, "O", "$A"),
            (19, "P", "a'b'c"),
            (20, "R", "7"),
            (21, "1X", "ok"),
            (22, "S-T", "4"),
        ];
        let read = parse(text).unwrap();
        let read: Vec<_> = read.iter().map(|a| (a.line, a.name.as_str(), a.value.as_str())).collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn double_quotes_have_the_escapes_of_python_dotenv() {
        let read = parse(r#"A="\a\b\f\n\r\t\v\x""#).expect("a valid line");
        assert_eq!(read[0].value, "\x07\x08\x0c\n\r\t\x0b\\x");
        let read = parse(r"A='\a\b'").expect("a valid line");
        assert_eq!(read[0].value, r"\a\b");
    }

    #[test]
    fn the_line_of_a_fault_is_found() {
        for (text, line, fault) in [
            ("A=1\n=bad\n", 2, SyntaxFault::Assignment),
            ("A=\"1\" trailing", 1, SyntaxFault::Assignment),
            ("A B", 1, SyntaxFault::Assignment),
            ("\n\nA=\"1\nB=2\n", 3, SyntaxFault::Quote),
            ("A='", 1, SyntaxFault::Quote),
            ("'A", 1, SyntaxFault::Quote),
        ] {
            assert_eq!(parse(text), Err((line, fault)), "{text}");
        }
    }

    #[test]
    fn line_ends_of_windows_are_line_ends() {
        let read = parse("\u{feff}A=1\r\nB='2'\r\n").unwrap();
        let values: Vec<_> = read.iter().map(|a| (a.line, a.value.as_str())).collect();
        assert_eq!(values, [(1, "1"), (2, "2")]);
    }
}
