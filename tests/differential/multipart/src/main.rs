//! Gives the bodies in the tables of `docs/evidence/multipart.md` to multer, and to Starlette with python-multipart, and
//! writes their verdicts to the page. The test `core/tests/multipart.rs` checks the column of Stelo.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use futures_lite::future::block_on;
use futures_lite::stream::once;
use multer::Multipart;

/// The notation of bytes is that of the HTTP/1.1 corpus.
#[path = "../../../../core/tests/corpus/escape.rs"]
mod escape;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

fn main() -> Result<(), Box<dyn Error>> {
    let path = Path::new(HERE).join("../../../docs/evidence/multipart.md");
    let page = fs::read_to_string(&path)?;
    let bodies: Vec<_> = page.lines().filter_map(body).collect();
    let python = python(&bodies)?;
    let mut verdicts = bodies.iter().map(|body| multer(body)).zip(python);
    let mut written = String::new();
    for line in page.lines() {
        match body(line) {
            Some(_) => {
                let cells: Vec<&str> = line.split(" | ").collect();
                let (multer, python) = verdicts.next().ok_or("a verdict for each body")?;
                written += &[cells[0], cells[1], &code(&python), &(code(&multer) + " |")].join(" | ");
            }
            None => written += line,
        }
        written.push('\n');
    }
    fs::write(path, written)?;
    Ok(())
}

/// Returns the body in the row of a table.
fn body(line: &str) -> Option<&str> {
    line.strip_prefix("| `")?.split_once("` | ").map(|(body, _)| body)
}

fn code(verdict: &str) -> String {
    format!("`{verdict}`")
}

fn multer(body: &str) -> String {
    let body = escape::unescape(body).expect("the notation of the corpus");
    let mut form = Multipart::new(once(Ok::<_, std::io::Error>(body)), "B");
    let mut parts = Vec::<Vec<u8>>::new();
    loop {
        let field = match block_on(form.next_field()) {
            Ok(Some(field)) => field,
            Ok(None) if parts.is_empty() => return "empty".into(),
            Ok(None) => return escape::escape(&parts.join(&b"; "[..])),
            Err(_) => return "error".into(),
        };
        let name = field.name().unwrap_or("?").to_owned();
        let file = field.file_name().map_or_else(String::new, |file| format!("({file})"));
        match block_on(field.bytes()) {
            Ok(data) => parts.push([format!("{name}{file}=").as_bytes(), &data].concat()),
            Err(_) => return "error".into(),
        }
    }
}

/// Returns the verdicts of Starlette with python-multipart, which it installs.
fn python(bodies: &[&str]) -> Result<Vec<String>, Box<dyn Error>> {
    let folder = PathBuf::from(HERE).join("target/python");
    let python = folder.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let requirements = Path::new(HERE).join("requirements.txt");
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(requirements))?;
    let script = Path::new(HERE).join("verdicts.py");
    let mut child =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().ok_or("a pipe")?.write_all(bodies.join("\n").as_bytes())?;
    let output = child.wait_with_output()?;
    let verdicts: Vec<_> = String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect();
    if verdicts.len() != bodies.len() {
        return Err(format!("{} verdicts for {} bodies", verdicts.len(), bodies.len()).into());
    }
    Ok(verdicts)
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    match command.status()?.success() {
        true => Ok(()),
        false => Err(format!("{command:?} failed").into()),
    }
}
