//! `docs/evidence/differential.md`: its tables are written here, its reasons by hand.
//!
//! The rows of a table that begins with `case` name the cases that differ for one reason; the cells after the name are
//! filled in. The table that begins with `server` is written here as a whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::exchange::Outcome;
use crate::peers::Peer;

/// The outcomes of each case, in the order of the peers, Stelo first.
pub(crate) type Outcomes = BTreeMap<String, Vec<Outcome>>;

/// The page with its tables brought up to date, and the faults that need an edit.
pub(crate) fn update(page: &str, peers: &[Peer], outcomes: &Outcomes) -> (String, Vec<String>) {
    let rows: BTreeMap<&str, String> = outcomes
        .iter()
        .filter(|(_, outcomes)| outcomes.iter().any(|outcome| differ(outcome, outcomes)))
        .map(|(case, outcomes)| (&**case, row(case, outcomes)))
        .collect();
    let (mut written, mut named, mut faults) = (String::new(), BTreeSet::new(), Vec::new());
    let mut table = None;
    for line in page.lines() {
        let begins = |text: &str| line.starts_with(text);
        let case = line.split('`').nth(1).unwrap_or_default();
        let new = match table {
            _ if begins("| case |") => {
                table = Some(Table::Cases);
                heading(peers)
            }
            _ if begins("| server |") => {
                table = Some(Table::Servers);
                format!("{line}\n|---|---|\n{}", servers(peers, outcomes))
            }
            _ if !begins("|") => {
                table = None;
                line.to_owned()
            }
            Some(Table::Servers) => continue,
            Some(Table::Cases) if begins("| ") => {
                if !named.insert(case.to_owned()) {
                    faults.push(format!("{case} is named twice: leave it under one reason"));
                }
                rows.get(case).cloned().unwrap_or_else(|| {
                    faults.push(format!("{case} does not differ, or is gone: take its row away"));
                    line.to_owned()
                })
            }
            _ => line.to_owned(),
        };
        written.push_str(&new);
        written.push('\n');
    }
    let unnamed = rows.iter().filter(|(case, _)| !named.contains(**case));
    faults.extend(unnamed.map(|(_, row)| format!("this differs and has no reason yet:\n{row}")));
    (written, faults)
}

#[derive(Clone, Copy)]
enum Table {
    Cases,
    Servers,
}

/// Whether a peer has read a case otherwise than ours did.
fn differ(outcome: &Outcome, outcomes: &[Outcome]) -> bool {
    outcome.reading() != outcomes[0].reading()
}

fn heading(peers: &[Peer]) -> String {
    peers.iter().fold("| case |".to_owned(), |line, peer| format!("{line} {} |", peer.name))
}

fn row(case: &str, outcomes: &[Outcome]) -> String {
    let cells = outcomes.iter().enumerate().map(|(at, outcome)| match at == 0 || differ(outcome, outcomes) {
        true => outcome.to_string().replace('|', "\\|"),
        false => "=".into(),
    });
    cells.fold(format!("| `{case}` |"), |line, cell| format!("{line} {cell} |"))
}

/// A row for each peer but ours, and how often it differs.
fn servers(peers: &[Peer], outcomes: &Outcomes) -> String {
    let rows = peers.iter().enumerate().skip(1).map(|(at, Peer { version, .. })| {
        let count = outcomes.values().filter(|outcomes| differ(&outcomes[at], outcomes)).count();
        format!("| {version} | {count} of {} |", outcomes.len())
    });
    rows.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;
    use crate::exchange::{Answer, End};

    fn peer(name: &'static str) -> Peer {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        Peer { name, version: format!("{name} 1.0"), address, _process: None }
    }

    #[test]
    fn tables_are_written_and_reasons_are_asked_for() {
        let refused = || Outcome { answers: vec![Answer::Refused(400)], end: End::Closed };
        let taken = || Outcome { answers: Vec::new(), end: End::Next };
        let outcomes = Outcomes::from([
            ("a/differs".to_owned(), vec![refused(), taken(), refused()]),
            ("a/same".to_owned(), vec![taken(), taken(), taken()]),
        ]);
        let peers = ["ours", "one", "other"].map(peer);
        let page = |tables: &str| format!("# Page\n\n{tables}\n\nText.\n");
        let of_servers = "| server | differs |\n|---|---|\n| one 1.0 | 1 of 2 |\n| other 1.0 | 0 of 2 |";
        let of_cases = "| case | ours | one | other |\n|---|---|\n| `a/differs` | 400, closed | next | = |";

        let old = page(
            "| server | differs |\n|---|---|\n| gone 0.1 | 9 of 9 |\n\n| case |\n|---|---|\n| `a/differs` |",
        );
        let new = page(&format!("{of_servers}\n\n{of_cases}"));
        assert_eq!(update(&old, &peers, &outcomes), (new.clone(), Vec::new()));
        assert_eq!(update(&new, &peers, &outcomes), (new, Vec::new()));

        let (_, faults) = update(&page(of_servers), &peers, &outcomes);
        assert_eq!(faults, ["this differs and has no reason yet:\n| `a/differs` | 400, closed | next | = |"]);
        let wrong = format!("{of_cases}\n| `a/differs` |\n| `a/same` |");
        let (_, faults) = update(&page(&wrong), &peers, &outcomes);
        assert_eq!(
            faults,
            [
                "a/differs is named twice: leave it under one reason",
                "a/same does not differ, or is gone: take its row away"
            ]
        );
    }
}
