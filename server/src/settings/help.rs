//! `--help` and `--version`.

use std::env;
use std::fmt::Write;

use super::line::COMMANDS;
use crate::Config;
use crate::config::GROUPS;
use crate::config::codec::Executor;
use crate::config::table::{Kind, Setting, alternatives};

const AFTER: &str = "
The command line overrides variables, which override --env-file, which overrides
--config. The variable of --port is STELO_PORT, and so on; that of --header is
STELO_HEADERS, with fields separated by spaces. Sizes are in bytes, times in
seconds.";

/// The column of the second text, and the width of a line.
const COLUMN: usize = 32;
const WIDTH: usize = 80;

pub(super) fn version() -> String {
    format!("Running stelo {} on {}", env!("CARGO_PKG_VERSION"), env::consts::OS)
}

/// Writes the help, with the defaults and the executors of a program.
pub(super) fn text(name: &str, defaults: &Config, executors: &[&str], takes_folder: bool) -> String {
    let mut text = match takes_folder {
        true => format!(
            "Serves a folder, or without one a demonstration application.\n\n\
             Usage: {name} [OPTIONS] [FOLDER]\n\n\
             Arguments:\n  [FOLDER]  The folder to serve\n"
        ),
        false => format!("Usage: {name} [OPTIONS]\n"),
    };
    text.push_str("\nOptions:\n");
    for (usage, help) in COMMANDS {
        row(&mut text, usage, help);
    }
    for group in &GROUPS {
        // Writing to a string does not fail.
        let _ = writeln!(text, "\n{}:", group.title);
        for setting in group.settings {
            row(&mut text, &usage(setting), &help(setting, defaults, executors));
        }
    }
    text.push_str(AFTER);
    text
}

fn usage(setting: &Setting) -> String {
    match setting.kind {
        Kind::Switch => format!("--{0}, --no-{0}", setting.name),
        Kind::SwitchOrWord(_) => format!("{}, --no-{}", setting.usage(), setting.name),
        _ => setting.usage(),
    }
}

/// Returns the help of a setting, with the words that it takes and its default.
fn help(setting: &Setting, defaults: &Config, executors: &[&str]) -> String {
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

/// Writes two columns. The second breaks between words. It begins on a new line if the first is too wide.
fn row(text: &mut String, usage: &str, help: &str) {
    let mut line = format!("  {usage:width$}", width = COLUMN - 2);
    if line.len() > COLUMN || line.ends_with(|c| c != ' ') {
        text.push_str(line.trim_end());
        text.push('\n');
        line = " ".repeat(COLUMN);
    }
    // The default does not break.
    let (sentence, default) = help.split_once(" [").map_or((help, None), |(a, b)| (a, Some(format!("[{b}"))));
    for word in sentence.split(' ').map(Into::into).chain(default) {
        if line.len() + word.len() > WIDTH {
            text.push_str(line.trim_end());
            text.push('\n');
            line = " ".repeat(COLUMN);
        }
        line.push_str(&word);
        line.push(' ');
    }
    text.push_str(line.trim_end());
    text.push('\n');
}
