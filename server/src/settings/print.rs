//! `--print-config`: all settings in the format of `--config`, with the origin of each in a comment.

use std::fmt::Write;

use super::Origin;
use crate::Config;
use crate::config::GROUPS;
use crate::config::table::{Setting, Value};

/// The column of the comments.
const COLUMN: usize = 40;

/// Writes a configuration as TOML.
pub(super) fn text(config: &Config, origin: impl Fn(&'static Setting) -> Origin) -> String {
    let mut text = String::new();
    for group in &GROUPS {
        let separator = if text.is_empty() { "" } else { "\n" };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{separator}# {}", group.title);
        for setting in group.settings {
            let value = (setting.get)(config);
            let _ = match toml(&value) {
                None if value == Value::Secret => {
                    writeln!(text, "# {} is set by {}, and not shown", setting.name, origin(setting))
                }
                Some(value) => {
                    let line = format!("{} = {value}", setting.name);
                    writeln!(text, "{line:COLUMN$} # {}", origin(setting))
                }
                None => writeln!(text, "# {} is not set", setting.name),
            };
        }
    }
    text.pop();
    text
}

fn toml(value: &Value) -> Option<String> {
    match value {
        Value::Unset | Value::Secret => None,
        Value::Plain(text) => Some(text.clone()),
        Value::Text(text) => Some(quote(text)),
        Value::List(values) => {
            let values: Vec<_> = values.iter().map(|value| quote(value)).collect();
            Some(format!("[{}]", values.join(", ")))
        }
    }
}

/// Writes a basic string.
fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
