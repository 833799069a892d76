//! The page of options, `docs/server/options.md`, which is written from the table.

use std::fmt::Write;

use super::missing::{self, Missing, State};
use crate::Config;
use crate::config::GROUPS;
use crate::config::alias::ALIASES;
use crate::config::table::{Kind, Setting, Value, alternatives};

/// The line after which the page is generated.
const MARK: &str = "<!-- Written from the table of settings: see docs/inside/settings.md. -->\n";

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/server/options.md");

fn tables() -> String {
    let mut text = String::new();
    let defaults = Config::new();
    for group in &GROUPS {
        let _ =
            write!(text, "\n## {}\n\n| option | variable | default | |\n|---|---|---|---|\n", group.title);
        for setting in group.settings {
            let usage = match setting.kind {
                Kind::Switch => format!("`--{0}`, `--no-{0}`", setting.name),
                Kind::SwitchOrWord(_) => format!("`{}`, `--no-{}`", setting.usage(), setting.name),
                _ => format!("`{}`", setting.usage()),
            };
            let (variable, default) = (setting.variable(), default(setting, &defaults));
            let _ = writeln!(text, "| {usage} | `{variable}` | {default} | {} |", help(setting));
        }
    }
    text
}

/// Writes the table of the names of other servers.
fn aliases() -> String {
    let mut text = String::from("\n## Names of other servers\n\n");
    text.push_str("They are accepted on the command line and in the TOML file.\n\n");
    text.push_str("| name | of | the same as |\n|---|---|---|\n");
    for (alias, name, servers) in ALIASES {
        let _ = writeln!(text, "| `--{alias}` | {servers} | `--{name}` |");
    }
    text
}

/// Writes the table of the options that Stelo lacks.
fn lacking() -> String {
    let mut text = String::from("\n## Options of Uvicorn and Gunicorn that Stelo lacks\n\n");
    text.push_str(
        "Unless they are accepted without an effect, they are refused on the command line and in a file. A variable of such an \
         option has no effect.\n\n",
    );
    text.push_str("| option | of | |\n|---|---|---|\n");
    for Missing { name, server, state } in missing::OPTIONS {
        let state = match state {
            State::NotYet => "not implemented yet".to_owned(),
            State::Use(options) => format!("use {options}"),
            State::Refused(reason) => format!("refused: {reason}"),
            State::Accepted(accepted) => format!("accepted without an effect: {}", accepted.reason),
            State::Never => "for programs in Python".to_owned(),
        };
        let _ = writeln!(text, "| `--{name}` | {server} | {state} |");
    }
    text
}

fn default(setting: &Setting, defaults: &Config) -> String {
    match (setting.get)(defaults) {
        Value::Unset => "none".into(),
        value if value.to_string().is_empty() => "empty".into(),
        value => format!("`{value}`"),
    }
}

fn help(setting: &Setting) -> String {
    match setting.kind {
        Kind::Word(words) | Kind::SwitchOrWord(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            format!("{}: {}", setting.help, alternatives(&words))
        }
        Kind::Executor => {
            format!("{}: `auto`, or one that is compiled in (`tokio`, `smol`, `async-std`)", setting.help)
        }
        _ => setting.help.into(),
    }
}

#[test]
fn the_page_is_what_the_table_says() {
    let page = std::fs::read_to_string(PATH).unwrap();
    let (prose, tables_of_page) = page.split_once(MARK).expect("the page has the mark");
    let tables = tables() + &aliases() + &lacking();
    if std::env::var_os("WRITE_PAGES").is_some() {
        std::fs::write(PATH, format!("{prose}{MARK}{tables}")).unwrap();
        return;
    }
    let help = "run WRITE_PAGES=1 cargo test -p stelo-server page";
    assert_eq!(tables_of_page, tables, "docs/server/options.md differs from the table: {help}");
}
