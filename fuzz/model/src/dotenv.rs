//! `.env` files, as python-dotenv reads them.

use stelo_core::dotenv::{Assignment, parse};

use crate::source::Source;

/// Checks that a variable is unchanged after a round trip, in each kind of quotes. Any text has the variables of its
/// two halves, cut at any line end where the first half is complete.
///
/// The input: name and value of a variable, then a file.
pub fn dotenv(input: &[u8]) {
    let mut source = Source::new(input);
    let mut text = || String::from_utf8_lossy(source.bytes()).into_owned();
    round_trip(&text(), &text());
    let Ok(text) = std::str::from_utf8(source.rest()) else { return };
    halves(text);
}

fn round_trip(name: &str, value: &str) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // What is between `${` and `}` is replaced.
    if name.is_empty() || !name.chars().all(is_name) || value.contains("${") {
        return;
    }
    let read = |text: String| {
        let read = parse(&text, |_| None).unwrap_or_else(|error| panic!("{text:?}: {error:?}"));
        assert_eq!(read.len(), 2, "{text:?}");
        let expected = Assignment { line: 2, name: name.to_owned(), value: value.to_owned() };
        assert_eq!(read[0], expected, "{text:?}");
        let line = 1 + text.trim_end().matches('\n').count();
        assert_eq!((read[1].line, &*read[1].value), (line, "1"), "{text:?}");
    };
    let escaped = value.replace('\\', "\\\\");
    read(format!("# comment\nexport {name}='{}' # comment\nZ=1", escaped.replace('\'', "\\'")));
    read(format!("\n{name} = \"{}\"\nZ=1\n", escaped.replace('"', "\\\"").replace('\n', "\\n")));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-./:=#$@".contains(c);
    if value.chars().all(is_plain) && !value.starts_with('#') {
        read(format!("\n{name}={value}\r\nZ=1\r\n"));
    }
}

fn halves(text: &str) {
    let variable = |name: &str| (name == "HOME").then(|| "/root".to_owned());
    let whole = parse(text, variable);
    let lines = text.lines().count();
    match &whole {
        Ok(read) => {
            assert!(read.iter().is_sorted_by_key(|assignment| assignment.line), "{text:?}");
            assert!(read.iter().all(|assignment| (1..=lines).contains(&assignment.line)), "{text:?}");
            assert!(read.iter().all(|assignment| !assignment.name.is_empty()), "{text:?}");
        }
        Err((line, _)) => assert!((1..=lines).contains(line), "{text:?}: {line}"),
    }
    for (end, _) in text.match_indices('\n') {
        let (before, after) = (&text[..end], &text[end + 1..]);
        let Ok(mut read) = parse(before, variable) else { continue };
        if after.starts_with('\u{feff}') {
            continue;
        }
        let earlier = |name: &str| read.iter().rev().find(|assignment| assignment.name == name);
        let lookup = |name: &str| variable(name).or_else(|| earlier(name).map(|found| found.value.clone()));
        // A variable of the second half hides one of the first.
        let hidden = |name: &str| after.contains(name);
        if read.iter().any(|assignment| hidden(&assignment.name)) {
            continue;
        }
        let moved = 1 + before.matches('\n').count();
        let joined = match parse(after, lookup) {
            Ok(second) => {
                let second = second
                    .into_iter()
                    .map(|assignment| Assignment { line: assignment.line + moved, ..assignment });
                read.extend(second);
                Ok(read)
            }
            Err((line, fault)) => Err((line + moved, fault)),
        };
        assert_eq!(joined, whole, "{text:?} at {end}");
    }
}
