//! `--man`: the manual page, in the language of `man`(7).

use std::fmt::Write;

use super::Inputs;
use super::help::{self, PRECEDENCE};
use super::line::COMMANDS;
use crate::config::GROUPS;

/// Writes the manual page of a program of this name.
pub(super) fn page(name: &str, inputs: &Inputs<'_>) -> String {
    let mut text = format!(
        ".TH {} 1 \"\" \"stelo {}\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n{}\n",
        escape(&name.to_uppercase()),
        env!("CARGO_PKG_VERSION"),
        escape(name),
        escape(help::purpose(inputs).unwrap_or("a server of HTTP and WebSockets")),
        escape(&help::synopsis(name, inputs)),
    );
    text.push_str(".SH DESCRIPTION\n");
    paragraph(&mut text, PRECEDENCE);
    if let Some((usage, help)) = help::argument(inputs) {
        text.push_str(".SH ARGUMENTS\n");
        entry(&mut text, usage, &help);
    }
    text.push_str(".SH OPTIONS\n");
    for (usage, help) in COMMANDS {
        entry(&mut text, usage, help);
    }
    for group in &GROUPS {
        // Writing to a string does not fail.
        let _ = writeln!(text, ".SS {}", escape(group.title));
        for setting in group.settings {
            let help = help::help(setting, inputs.defaults, inputs.executors);
            entry(&mut text, &help::usage(setting), &format!("{help}. Variable: {}.", setting.variable()));
        }
    }
    text.push_str(".SH EXIT STATUS\n");
    for (status, meaning) in
        [("0", "The server has stopped."), ("2", "A setting is invalid."), ("3", "The server did not start.")]
    {
        entry(&mut text, status, meaning);
    }
    text.push_str(".SH SIGNALS\n");
    for (signal, meaning) in [
        ("SIGTERM, SIGINT", "Stop gracefully; a second one stops at once."),
        ("SIGHUP", "Read the settings again and replace the workers, or read the certificates again."),
        ("SIGUSR1", "Open the files of the log again."),
        ("SIGUSR2", "Start a new supervisor from the program's path, which takes the sockets."),
        ("SIGTTIN, SIGTTOU", "Start one worker more, or one less."),
        ("SIGQUIT", "Stop at once."),
    ] {
        entry(&mut text, signal, meaning);
    }
    text.truncate(text.trim_end().len());
    text
}

fn entry(text: &mut String, term: &str, meaning: &str) {
    let _ = writeln!(text, ".TP\n.B {}", escape(term));
    paragraph(text, meaning);
}

/// Writes a text that does not begin a line with a request.
fn paragraph(text: &mut String, words: &str) {
    let _ = writeln!(text, "\\&{}", escape(words));
}

/// Escapes what `man` would read as a command or a hyphen.
fn escape(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}
