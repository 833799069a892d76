//! The commonest mistakes, and what the compiler says about them.
//!
//! Each file of `programs` is a program with a mistake. The first error of the compiler is in the line that ends with
//! `//~ here`. Each further line that begins with `//~` is text that the beginning of this error contains. Such texts
//! are ours where they can be, so that most releases of the compiler agree. Mistakes that are found at start-up are tested
//! in `toolkit/tests`.
//!
//! The programs are the binaries of a package that the test writes. One run of `cargo check` compiles all of them, with the
//! versions of this workspace's lock file.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The number of lines in which an error says what is wrong and what to do about it.
const BEGINNING: usize = 18;

const MANIFEST: &str = r#"[package]
name = "mistakes"
version = "0.0.0"
edition = "2024"
autobins = false

[workspace]

[profile.dev]
debug = 0
incremental = false

[dependencies]
"#;

/// An error of the compiler.
#[derive(Debug)]
struct Fault {
    /// The line where the error is reported, from 1.
    line: usize,
    /// The text that the compiler prints.
    text: String,
}

/// Returns the programs by name.
fn programs() -> BTreeMap<String, PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("mistakes/programs");
    fs::read_dir(&folder)
        .expect("the folder of programs exists")
        .map(|entry| {
            let path = entry.expect("the folder can be read").path();
            let name = path.file_stem().and_then(|name| name.to_str()).expect("names are text");
            (name.to_owned(), path.clone())
        })
        .collect()
}

/// Writes the package, and returns its folder.
fn package(programs: &BTreeMap<String, PathBuf>) -> PathBuf {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the repository");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mistakes");
    fs::create_dir_all(&folder).expect("the folder can be made");
    let mut manifest = MANIFEST.to_owned();
    manifest.push_str("serde = { version = \"1\", features = [\"derive\"] }\n");
    writeln!(manifest, "stelo = {{ path = {root:?}, default-features = false, features = [\"tokio\"] }}")
        .expect("a text takes all");
    for (name, path) in programs {
        writeln!(manifest, "\n[[bin]]\nname = {name:?}\npath = {path:?}").expect("a text takes all");
    }
    fs::write(folder.join("Cargo.toml"), manifest).expect("the manifest can be written");
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("the lock file can be copied");
    folder
}

/// Returns the place of a span in the program: that of the call, if the span is in one of our macros.
fn place(mut span: &Value) -> &Value {
    while span["expansion"].is_object() {
        span = &span["expansion"]["span"];
    }
    span
}

/// Compiles all programs. Returns the first error of each, by the name of the program.
fn compile(folder: &Path) -> BTreeMap<String, Fault> {
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--keep-going", "--bins", "--message-format=json", "--target-dir"])
        .arg(folder.join("target"))
        .current_dir(folder)
        .env_remove("RUSTFLAGS")
        .env("CARGO_TERM_COLOR", "never")
        .output()
        .expect("cargo runs");
    let mut faults = BTreeMap::new();
    for line in String::from_utf8(output.stdout).expect("JSON is UTF-8").lines() {
        let report: Value = serde_json::from_str(line).expect("each line is JSON");
        let message = &report["message"];
        let spans = message["spans"].as_array().map_or(&[][..], Vec::as_slice);
        let Some(primary) = spans.iter().find(|span| span["is_primary"] == true) else { continue };
        if message["level"] != "error" {
            continue;
        }
        let name = report["target"]["name"].as_str().expect("a report names its program");
        let line = place(primary)["line_start"].as_u64().and_then(|line| line.try_into().ok());
        let text = message["rendered"].as_str().expect("an error has a text");
        let fault = Fault { line: line.expect("a place has a line"), text: text.to_owned() };
        faults.entry(name.to_owned()).or_insert(fault);
    }
    assert!(!faults.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    faults
}

/// Says how the error of a program differs from what its file expects.
fn difference(program: &str, fault: Option<&Fault>) -> Option<String> {
    let Some(fault) = fault else { return Some("compiles".into()) };
    let beginning = fault.text.lines().take(BEGINNING).collect::<Vec<_>>().join("\n");
    let here =
        program.lines().position(|line| line.ends_with("//~ here")).expect("a line has the mistake") + 1;
    if fault.line != here {
        return Some(format!("has its error in line {}, not {here}:\n{}", fault.line, fault.text));
    }
    let mut texts = program.lines().filter_map(|line| line.strip_prefix("//~ ")).peekable();
    assert!(texts.peek().is_some(), "a program says what the compiler says");
    let missing = texts.find(|text| !beginning.contains(text))?;
    Some(format!("has an error that does not begin with `{missing}`:\n{}", fault.text))
}

#[test]
fn errors_of_the_compiler_say_what_is_wrong_and_what_to_do() {
    let programs = programs();
    assert!(programs.len() >= 15, "the programs are missing");
    let faults = compile(&package(&programs));
    let differences: Vec<_> = programs
        .iter()
        .filter_map(|(name, path)| {
            let program = fs::read_to_string(path).expect("a program can be read");
            Some(format!("{name} {}", difference(&program, faults.get(name))?))
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn an_error_elsewhere_or_in_other_words_is_noticed() {
    let program = "fn main() {\n    fail(); //~ here\n}\n//~ cannot fail\n";
    let fault = |line, text: &str| Fault { line, text: text.into() };
    assert_eq!(difference(program, Some(&fault(2, "error: `u8` cannot fail"))), None);
    assert_eq!(difference(program, None).as_deref(), Some("compiles"));
    for other in [fault(1, "error: `u8` cannot fail"), fault(2, "error: `u8` fails")] {
        assert!(difference(program, Some(&other)).is_some(), "{other:?}");
    }
    let late = format!("error\n{}cannot fail", "note\n".repeat(BEGINNING));
    assert!(difference(program, Some(&fault(2, &late))).is_some());
}
