//! Settings from the command line, variables and files.

mod answers;
mod line;
mod refusals;
mod sources;

use std::path::PathBuf;
use std::time::Duration;

use super::missing::State;
use super::*;
use crate::config::table::{Kind, Setting, Value, all};
use crate::{Config, HttpVersions, LogLevel, Ws};

const EXECUTORS: [&str; 3] = ["tokio", "smol", "async-std"];

fn read_with(
    defaults: &Config,
    arguments: &[&str],
    environment: &[(&str, &str)],
    positional: Positional,
) -> Result<Outcome, Exit> {
    super::read(Inputs {
        defaults,
        executors: &EXECUTORS,
        positional,
        apps: &["x"],
        arguments: arguments.iter().map(Into::into).collect(),
        environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        columns: None,
    })
}

/// Reads a command line, and variables as `NAME=value`.
fn read(line: &str, environment: &[&str]) -> Result<Outcome, Exit> {
    let arguments: Vec<_> = ["stelo"].into_iter().chain(line.split_whitespace()).collect();
    let environment: Vec<_> = environment.iter().filter_map(|pair| pair.split_once('=')).collect();
    read_with(&Config::new(), &arguments, &environment, Positional::Folder)
}

fn config(line: &str, environment: &[&str]) -> Config {
    read(line, environment).unwrap_or_else(|exit| panic!("{line} {environment:?}: {exit}")).config
}

fn refusal(line: &str, environment: &[&str]) -> Exit {
    match read(line, environment) {
        Err(exit @ Exit::Refusal(_)) => exit,
        _ => panic!("not refused: {line} {environment:?}"),
    }
}

fn answer(defaults: &Config, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    match read_with(defaults, arguments, environment, Positional::None) {
        Err(Exit::Answer(text)) => text,
        Err(exit) => panic!("{arguments:?}: {exit}"),
        Ok(_) => panic!("{arguments:?}: no answer"),
    }
}

/// Returns a value of a setting that is not its default, as text and as TOML.
fn sample(setting: &Setting) -> (String, String) {
    let off = (setting.get)(&Config::new()) == Value::Plain("false".into());
    let text = match (setting.name, setting.kind) {
        ("header", _) => return ("X-A:b".into(), r#"["X-A:b"]"#.into()),
        ("loop", _) => "smol".into(),
        ("admin", _) => "127.0.0.1:9000".into(),
        ("log-target", _) => "shop::cart=debug".into(),
        ("access-log-format", _) => "%(h)s".into(),
        ("root-path", _) => "/api".into(),
        ("http2-max-frame-size" | "http2-initial-connection-window-size", _) => "100000".into(),
        ("umask", _) => "027".into(),
        ("forwarded-allow-ips" | "proxy-allow-from", _) => "10.0.0.0/8,unix:".into(),
        ("tcp-keepalive-probes", _) => "12".into(),
        ("insecure-bind", _) => return ("unix:/a".into(), r#"["unix:/a"]"#.into()),
        ("ssl-ciphers", _) => "ECDHE+AESGCM".into(),
        (_, Kind::Switch | Kind::Boolean) => off.to_string(),
        (_, Kind::Number(_) | Kind::Bytes) => "1234".into(),
        (_, Kind::Seconds) => "1.25".into(),
        (_, Kind::Word(words) | Kind::SwitchOrWord(words)) => words[words.len() - 1].to_owned(),
        (_, Kind::Executor | Kind::Text(_) | Kind::Path | Kind::Paths | Kind::Texts(_) | Kind::Fields) => {
            "x".into()
        }
    };
    let is_bare =
        matches!(setting.kind, Kind::Switch | Kind::Boolean | Kind::Number(_) | Kind::Bytes | Kind::Seconds);
    let toml = if is_bare { text.clone() } else { format!("{text:?}") };
    (text, toml)
}

/// A file that is removed at the end of the test.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stelo-settings-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // A file that stays behind does not make the test fail.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Arguments, an environment, and the origin that they give to a setting.
type Sourced<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], String);
