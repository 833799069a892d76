//! What the command line says of itself: the help, the version, and what somebody may have meant.

use std::env;
use std::fmt::Write;
use std::path::Path;

use lexopt::Parser;

use super::CommandLine;
use super::options::{Kind, Opt, SECTIONS};

const AFTER: &str = "
Each option can also be given by an environment variable: STELO_PORT for --port and so on,
STELO_HEADERS for --header (fields separated by spaces), STELO_ACCESS_LOG=false and the
like for on/off pairs. The command line wins.";

/// Options that are wider have their help on a line of its own.
const WIDE: usize = 24;

pub(super) fn version() -> String {
    format!("Running stelo {} on {}", env!("CARGO_PKG_VERSION"), env::consts::OS)
}

/// The help, with the defaults of this program.
pub(super) fn text(line: &CommandLine, parser: &Parser) -> String {
    let name = parser.bin_name().and_then(|name| Path::new(name).file_name()?.to_str()).unwrap_or("stelo");
    let mut text = match line.folder {
        true => format!(
            "Serves a folder, or without one a demonstration application.\n\n\
             Usage: {name} [OPTIONS] [FOLDER]\n\n\
             Arguments:\n  [FOLDER]  The folder to serve\n"
        ),
        false => format!("Usage: {name} [OPTIONS]\n"),
    };
    text.push_str("\nOptions:\n  -h, --help     Print help\n  -V, --version  Print version\n");
    for (heading, options) in SECTIONS {
        let rows: Vec<_> = options.iter().flat_map(|option| rows(option, line)).collect();
        let width = rows.iter().map(|(usage, _)| usage.len()).max().unwrap_or(0);
        // Nothing can fail that is written into a string.
        let _ = writeln!(text, "\n{heading}:");
        for (usage, help) in rows {
            let _ = match width {
                ..=WIDE => writeln!(text, "      {usage:width$}  {help}"),
                _ => writeln!(text, "      {usage}\n          {help}"),
            };
        }
    }
    text.push_str(AFTER);
    text
}

/// An option and its help; of an on/off pair, both.
fn rows(option: &Opt, line: &CommandLine) -> Vec<(String, String)> {
    let row = (option.usage(), option.help.to_owned());
    if let Kind::Switch(opposite, _) = option.kind {
        return vec![row, (format!("--no-{}", option.name), opposite.into())];
    }
    match (option.shown)(&line.defaults).filter(|value| !value.is_empty()) {
        Some(value) => vec![(row.0, format!("{} [default: {value}]", row.1))],
        None => vec![row],
    }
}

/// The option whose name is nearest to this one, if it is near: no more than half of the letters differ, and no more
/// than two.
pub(super) fn similar(name: &str) -> Option<&'static str> {
    let nearest = Opt::all().map(|option| (distance(name, option.name), option.name)).min()?;
    (nearest.0 <= 2.min(name.len() / 2)).then_some(nearest.1)
}

/// How many letters must be put in, left out or replaced to make one of the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.bytes().enumerate() {
            let cost = if a == b { corner } else { 1 + corner.min(row[j]).min(row[j + 1]) };
            corner = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[other.len()]
}
