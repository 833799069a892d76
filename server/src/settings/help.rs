//! `--help` and `--version`.

use std::env;
use std::fmt::Write;

use super::line::COMMANDS;
use super::{Inputs, Positional};
use crate::Config;
use crate::config::GROUPS;
use crate::config::codec::Executor;
use crate::config::table::{Kind, Setting, alternatives};

pub(super) const PRECEDENCE: &str = "The command line overrides variables, which override --env-file, which overrides --config. \
     The variable of --port is STELO_PORT, and so on; that of --header is STELO_HEADERS, with fields separated by spaces. \
     Sizes are in bytes, times in seconds.";

/// The column of the second text.
const COLUMN: usize = 32;
/// The width of a line where the terminal does not tell. Narrower terminals show the second text below the first.
const WIDTH: usize = 80;
const NARROW: usize = 64;
/// Lines are never shorter, however narrow the terminal, nor longer, for they would be hard to read.
const WIDTHS: (usize, usize) = (40, 120);

pub(super) fn version() -> String {
    format!("Running stelo {} on {}", env!("CARGO_PKG_VERSION"), env::consts::OS)
}

/// Writes the help, with the defaults and the executors of a program.
pub(super) fn text(name: &str, inputs: &Inputs<'_>) -> String {
    let width = width(inputs);
    let mut text = String::new();
    if let Some(purpose) = purpose(inputs) {
        let _ = writeln!(text, "{purpose}\n");
    }
    let _ = writeln!(text, "Usage: {}", synopsis(name, inputs));
    if let Some((usage, help)) = argument(inputs) {
        text.push_str("\nArguments:\n");
        row(&mut text, width, usage, &help);
    }
    text.push_str("\nOptions:\n");
    for (usage, help) in COMMANDS {
        row(&mut text, width, usage, help);
    }
    for group in &GROUPS {
        // Writing to a string does not fail.
        let _ = writeln!(text, "\n{}:", group.title);
        for setting in group.settings {
            row(&mut text, width, &usage(setting), &help(setting, inputs.defaults, inputs.executors));
        }
    }
    text.push('\n');
    wrap(&mut text, String::new(), width, "", PRECEDENCE);
    text.truncate(text.trim_end().len());
    text
}

/// Returns the width of the lines: what `COLUMNS` says, or the terminal.
fn width(inputs: &Inputs<'_>) -> usize {
    let columns = inputs.environment.iter().find(|(name, _)| name == "COLUMNS");
    let columns = columns.and_then(|(_, value)| value.to_str()?.parse().ok()).filter(|columns| *columns > 0);
    let (least, most) = WIDTHS;
    columns.or(inputs.columns).map_or(WIDTH, |columns| columns.clamp(least, most))
}

/// Returns a sentence about a program that serves folders.
pub(super) fn purpose(inputs: &Inputs<'_>) -> Option<&'static str> {
    (inputs.positional == Positional::Folder)
        .then_some("Serves a folder, or without one a demonstration application.")
}

/// Returns the form of the command line.
pub(super) fn synopsis(name: &str, inputs: &Inputs<'_>) -> String {
    match argument(inputs) {
        Some((argument, _)) => format!("{name} [OPTIONS] {argument}"),
        None => format!("{name} [OPTIONS]"),
    }
}

/// Returns the argument that is not an option, and its help.
pub(super) fn argument(inputs: &Inputs<'_>) -> Option<(&'static str, String)> {
    match inputs.positional {
        Positional::None => None,
        Positional::Folder => Some(("[FOLDER]", "The folder to serve".into())),
        Positional::App => {
            let usage = if inputs.apps.len() > 1 { "<APP>" } else { "[APP]" };
            Some((usage, format!("The application: {}", alternatives(inputs.apps))))
        }
    }
}

pub(super) fn usage(setting: &Setting) -> String {
    match setting.kind {
        Kind::Switch => format!("--{0}, --no-{0}", setting.name),
        Kind::SwitchOrWord(_) => format!("{}, --no-{}", setting.usage(), setting.name),
        _ => setting.usage(),
    }
}

/// Returns the words that a setting takes.
pub(super) fn words(setting: &Setting, inputs: &Inputs<'_>) -> Vec<String> {
    let words = match setting.kind {
        Kind::Word(words) | Kind::SwitchOrWord(words) => words.to_vec(),
        Kind::Executor => [&[Executor::AUTO], inputs.executors].concat(),
        _ if setting.name == "app" => inputs.apps.to_vec(),
        _ => Vec::new(),
    };
    words.into_iter().map(Into::into).collect()
}

/// Returns the help of a setting, with the words that it takes and its default.
pub(super) fn help(setting: &Setting, defaults: &Config, executors: &[&str]) -> String {
    let mut help = setting.help.to_owned();
    let words = match setting.kind {
        Kind::Word(words) | Kind::SwitchOrWord(words) => words.to_vec(),
        Kind::Executor => [&[Executor::AUTO], executors].concat(),
        _ => Vec::new(),
    };
    if !words.is_empty() {
        help = format!("{help}: {}", alternatives(&words));
    }
    let default = (setting.get)(defaults).to_string();
    if default.is_empty() { help } else { format!("{help} [default: {default}]") }
}

/// Writes two columns. The second begins on a new line if the first is too wide, or the terminal too narrow.
fn row(text: &mut String, width: usize, usage: &str, help: &str) {
    let column = if width < NARROW { 6 } else { COLUMN };
    let indent = " ".repeat(column);
    let mut line = format!("  {usage:width$}", width = column - 2);
    if line.len() > column || line.ends_with(|c| c != ' ') {
        text.push_str(line.trim_end());
        text.push('\n');
        line.clone_from(&indent);
    }
    wrap(text, line, width, &indent, help);
}

/// Appends words to `line`, and breaks lines between them. A default in brackets does not break.
fn wrap(text: &mut String, mut line: String, width: usize, indent: &str, words: &str) {
    let (sentence, default) =
        words.split_once(" [").map_or((words, None), |(a, b)| (a, Some(format!("[{b}"))));
    for word in sentence.split(' ').map(Into::into).chain(default) {
        if line.len() + word.len() > width && line.len() > indent.len() {
            text.push_str(line.trim_end());
            text.push('\n');
            indent.clone_into(&mut line);
        }
        line.push_str(&word);
        line.push(' ');
    }
    text.push_str(line.trim_end());
    text.push('\n');
}
