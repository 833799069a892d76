//! Suggestions for unknown names.

/// Returns the name with the smallest edit distance, if that is at most 2 and at most half of the length.
pub(super) fn nearest<N: AsRef<str> + Ord>(name: &str, names: impl IntoIterator<Item = N>) -> Option<N> {
    let distance = |candidate: N| (distance(name, candidate.as_ref()), candidate);
    let (distance, nearest) = names.into_iter().map(distance).min()?;
    (distance <= 2.min(name.len() / 2)).then_some(nearest)
}

/// Returns the number of bytes to insert, remove or replace (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.bytes().enumerate() {
            let cost = if a == b { corner } else { 1 + corner.min(row[j]).min(row[j + 1]) };
            corner = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_name_is_suggested() {
        let names = ["host", "port", "limit-head"];
        for (name, expected) in [
            ("prot", Some("port")),
            ("hots", Some("host")),
            ("limit_head", Some("limit-head")),
            ("", None),
            ("x", None),
            ("reload", None),
        ] {
            assert_eq!(nearest(name, names), expected, "{name}");
        }
    }
}
