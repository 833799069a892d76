//! Code shared by the benchmarks: counting instructions, which do not depend on the load of the machine.

use std::env;
use std::error::Error;
use std::process::Command;

/// The result of a benchmark, or a line with the reason for its failure.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The instructions that one round of this program costs: it is run with `case` and a number of rounds as its
/// arguments. Two numbers of rounds are compared, so that it does not count what it costs to start and to prepare.
///
/// # Errors
/// There is no valgrind, or the program fails.
pub fn instructions(case: &[&str], rounds: usize) -> Result<f64> {
    let (once, twice) = (count(case, rounds)?, count(case, 2 * rounds)?);
    Ok((twice - once) as f64 / rounds as f64)
}

/// Runs this program under callgrind; gives the instructions that it has counted.
fn count(case: &[&str], rounds: usize) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(case)
        .arg(rounds.to_string())
        .output()
        .map_err(|error| format!("valgrind is needed to count instructions: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    match collected {
        Some((_, number)) if output.status.success() => Ok(number.trim().parse()?),
        _ => Err(text.into_owned().into()),
    }
}
