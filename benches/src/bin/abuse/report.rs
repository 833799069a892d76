//! The table: what is said about an attack.

use std::fmt;
use std::sync::Arc;

use crate::attacker::{Attack, Outcomes};
use crate::client::Latencies;
use crate::watch::Seen;

/// The head of the table.
pub(crate) const HEADER: &str = "\
| attack | attackers | median, ms | p99, ms | MiB before | peak | after | KiB each | what became of them |
|---|--:|--:|--:|--:|--:|--:|--:|---|";

/// An attack and how it went.
pub(crate) struct Row {
    pub(crate) attack: Arc<Attack>,
    pub(crate) latencies: Latencies,
    pub(crate) seen: Seen,
    /// KiB of memory when all was over.
    pub(crate) after: f64,
    /// Open files and sockets above those at the start, when all was over.
    pub(crate) left: usize,
    pub(crate) outcomes: Outcomes,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attack, latencies, seen, after, left, outcomes } = self;
        let [before, peak, after] = [seen.before, seen.peak, *after].map(|kib| kib / 1024.0);
        write!(f, "| {} | {} ", attack.name, attack.attackers)?;
        write!(f, "| {:.2} | {:.2} ", latencies.percentile(50), latencies.percentile(99))?;
        write!(f, "| {before:.1} | {peak:.1} | {after:.1} ")?;
        match seen.most {
            // Attackers that reconnect are not all connected at the same time.
            _ if attack.returns || seen.most == 0 => write!(f, "| | ")?,
            most => write!(f, "| {:.1} | ", (seen.peak - seen.before) / most as f64)?,
        }
        let mut parts = Vec::from_iter(Some(outcomes.to_string()).filter(|text| !text.is_empty()));
        match seen.gone {
            _ if attack.returns || seen.most == 0 => {}
            Some(gone) => parts.push(format!("gone after {:.1} s", gone.as_secs_f64())),
            None => parts.push(format!("{} still there after {} s", seen.open, attack.seconds)),
        }
        if *left > 0 {
            parts.push(format!("**{left} descriptors were left**"));
        }
        if latencies.lost > 0 {
            parts.push(format!("**{} requests of the client were lost**", latencies.lost));
        }
        write!(f, "{} |", parts.join("; "))
    }
}
