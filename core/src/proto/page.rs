//! Formats state tables as the documentation shows them, for the tests that compare the two.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Debug;

/// Formats the diagram of one side, which begins in the first state, then its table.
pub(crate) fn side<State, Step>(
    states: &[State],
    steps: &[Step],
    next: impl Fn(State, Step) -> Option<State>,
) -> String
where
    State: Copy + Debug,
    Step: Copy + Debug,
{
    let mut diagram = String::from("```mermaid\nstateDiagram-v2\n");
    diagram.extend(states.first().map(|first| format!("    [*] --> {first:?}\n")));
    let mut table = String::from("| |");
    table.extend(steps.iter().map(|step| format!(" {step:?} |")));
    table += &format!("\n|---|{}\n", "---|".repeat(steps.len()));
    for &state in states {
        let reached: Vec<_> = steps.iter().map(|&step| next(state, step)).collect();
        if reached.iter().all(Option::is_none) {
            continue;
        }
        table += &format!("| {state:?} |");
        for (step, to) in steps.iter().zip(reached) {
            match to {
                Some(to) => {
                    table += &format!(" {to:?} |");
                    diagram += &format!("    {state:?} --> {to:?}: {step:?}\n");
                }
                None => table += " |",
            }
        }
        table += "\n";
    }
    format!("{diagram}```\n\n{table}")
}
