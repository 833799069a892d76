//! `--completions`: scripts that complete the options in a shell.

use std::fmt::Write;

use super::Inputs;
use super::help;
use super::line::COMMANDS;
use crate::config::table::{Kind, Setting, all};

/// A shell that completes options.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Shell {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            "fish" => Some(Self::Fish),
            _ => None,
        }
    }
}

/// The values that a shell offers for an option.
enum Completes {
    /// The option takes no value.
    Nothing,
    Words(Vec<String>),
    Files,
    Folders,
    /// A value that the shell cannot know.
    Unknown,
}

/// An option as the shells see it.
struct Row {
    /// The name, without the dashes.
    name: String,
    help: String,
    value: Completes,
}

/// Writes the script for a program of this name.
pub(super) fn script(shell: Shell, name: &str, inputs: &Inputs<'_>) -> String {
    let rows = rows(inputs);
    let argument = match help::argument(inputs) {
        Some(_) if inputs.apps.is_empty() => Completes::Folders,
        Some(_) => Completes::Words(inputs.apps.iter().copied().map(Into::into).collect()),
        None => Completes::Unknown,
    };
    let mut text = match shell {
        Shell::Bash => bash(name, &rows, &argument),
        Shell::Zsh => zsh(name, &rows, &argument),
        Shell::Fish => fish(name, &rows, &argument),
    };
    text.truncate(text.trim_end().len());
    text
}

fn rows(inputs: &Inputs<'_>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (usage, help) in COMMANDS {
        let Some((name, value)) =
            usage.split("--").nth(1).map(|name| name.split_once(' ').unwrap_or((name, "")))
        else {
            continue;
        };
        let value = match value {
            "" => Completes::Nothing,
            "<SHELL>" => Completes::Words(["bash", "zsh", "fish"].map(Into::into).into()),
            _ => Completes::Files,
        };
        rows.push(Row { name: name.into(), help: help.into(), value });
    }
    for setting in all() {
        rows.push(Row {
            name: setting.name.into(),
            help: setting.help.into(),
            value: value(setting, inputs),
        });
        if setting.kind.is_switch() {
            let help = format!("Not: {}", setting.help);
            rows.push(Row { name: format!("no-{}", setting.name), help, value: Completes::Nothing });
        }
    }
    rows
}

fn value(setting: &Setting, inputs: &Inputs<'_>) -> Completes {
    match setting.kind {
        // A value may follow, but need not.
        Kind::Switch | Kind::SwitchOrWord(_) => Completes::Nothing,
        Kind::Boolean => Completes::Words(["true", "false"].map(Into::into).into()),
        Kind::Path | Kind::Paths => Completes::Files,
        _ => match help::words(setting, inputs) {
            words if words.is_empty() => Completes::Unknown,
            words => Completes::Words(words),
        },
    }
}

/// Makes a name for a function of a shell.
fn identifier(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn bash(name: &str, rows: &[Row], argument: &Completes) -> String {
    let function = identifier(name);
    let mut text = format!(
        "_{function}() {{\n    local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}\n    \
         case $previous in\n"
    );
    for Row { name, value, .. } in rows {
        // Writing to a string does not fail.
        let _ = match value {
            Completes::Nothing => continue,
            value => writeln!(text, "    --{name}) {}; return ;;", reply(value)),
        };
    }
    let options: Vec<_> = rows.iter().map(|row| format!("--{}", row.name)).collect();
    let options = options.join(" ");
    let _ = write!(
        text,
        "    esac\n    case $word in\n    -*) COMPREPLY=($(compgen -W \"{options}\" -- \"$word\")) ;;\n    \
         *) {} ;;\n    esac\n}}\ncomplete -o filenames -F _{function} {name}\n",
        reply(argument)
    );
    text
}

/// Returns the command of bash that completes a value.
fn reply(value: &Completes) -> String {
    match value {
        Completes::Words(words) => {
            format!("COMPREPLY=($(compgen -W \"{}\" -- \"$word\"))", words.join(" "))
        }
        Completes::Files => "COMPREPLY=($(compgen -f -- \"$word\"))".into(),
        Completes::Folders => "COMPREPLY=($(compgen -d -- \"$word\"))".into(),
        Completes::Nothing | Completes::Unknown => "COMPREPLY=()".into(),
    }
}

fn zsh(name: &str, rows: &[Row], argument: &Completes) -> String {
    let mut text = format!("#compdef {name}\n\n_arguments -s");
    // What ends a description or a quoted text of zsh.
    let escape =
        |help: &str| help.replace('\'', "'\\''").replace('[', "\\[").replace(']', "\\]").replace(':', "\\:");
    let action = |value: &Completes| match value {
        Completes::Nothing => String::new(),
        Completes::Words(words) => format!(":value:({})", words.join(" ")),
        Completes::Files => ":file:_files".into(),
        Completes::Folders => ":folder:_files -/".into(),
        Completes::Unknown => ":value: ".into(),
    };
    for Row { name, help, value } in rows {
        let _ = write!(text, " \\\n    '*--{name}[{}]{}'", escape(help), action(value));
    }
    if !matches!(argument, Completes::Unknown) {
        let _ = write!(text, " \\\n    '1{}'", action(argument));
    }
    text.push('\n');
    text
}

fn fish(name: &str, rows: &[Row], argument: &Completes) -> String {
    let escape = |help: &str| help.replace('\\', "\\\\").replace('\'', "\\'");
    let words = |words: &[String]| format!("-f -a '{}'", words.join(" "));
    let mut text = match argument {
        Completes::Words(names) => format!("complete -c {name} {}\n", words(names)),
        Completes::Folders => format!("complete -c {name} -f -a '(__fish_complete_directories)'\n"),
        _ => format!("complete -c {name} -f\n"),
    };
    for Row { name: option, help, value } in rows {
        let value = match value {
            Completes::Nothing => String::new(),
            Completes::Words(list) => format!(" -r {}", words(list)),
            Completes::Files => " -r -F".into(),
            Completes::Folders | Completes::Unknown => " -r -f".into(),
        };
        let _ = writeln!(text, "complete -c {name} -l {option}{value} -d '{}'", escape(help));
    }
    text
}
