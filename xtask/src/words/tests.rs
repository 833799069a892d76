use super::*;

fn found(path: &str, content: &str) -> Vec<(usize, String)> {
    let rules = list::rules().unwrap();
    find(&rules, path, content).into_iter().map(|finding| (finding.line, finding.words)).collect()
}

fn words(path: &str, content: &str) -> Vec<String> {
    found(path, content).into_iter().map(|(_, words)| words).collect()
}

#[test]
fn the_dialect_is_found() {
    for (sentence, expected) in [
        ("// The head stands at the start.", "stands"),
        ("// It stood there.", "stood"),
        ("// For whoever asks.", "whoever"),
        ("// Nobody reads it.", "Nobody"),
        ("// The task that wakes all who wait.", "all who"),
        ("// Who has closed waits.", "Who"),
        ("// It waits for so long.", "so long"),
        ("// Whether files are to be had.", "to be had"),
        ("// The head is to be sent.", "is to be"),
        ("// What is to follow HTTP.", "is to follow"),
        ("// Bytes at hand are read.", "at hand"),
        ("// A type of ours.", "of ours"),
        ("// It takes leave of the state.", "takes leave"),
        ("// A stretch of the file.", "stretch"),
        ("// A pattern that is none.", "that is none"),
        ("// It bears a name.", "bears"),
        ("/// Has the timer ring early.", "Has the"),
        ("/// What the client sends.", "What the"),
        ("//! How a case is written.", "How a"),
        ("// Several in one turn.", "one turn"),
        ("// When the timer rings, it ends.", "timer rings"),
        ("// Be it a route or a mount.", "Be it"),
        ("// It is of no use.", "is of no use"),
        ("// It is told of the end.", "told of"),
    ] {
        assert!(
            words("a.rs", sentence).contains(&expected.to_owned()),
            "{sentence}: {:?}",
            words("a.rs", sentence)
        );
    }
}

#[test]
fn plain_english_is_left_alone() {
    for sentence in [
        "// An outstanding read; users understand the standard, of long duration, and the standby.",
        "// A stand-in for the clock, and a stand-alone program.",
        "// There is none. If there are none, it ends.",
        "// In turn, the reader turns it off. What ASGI is to Python.",
        "// The bearer token is in the header. A remainder; reminders.",
        "// As long as the buffer has room. Users who run it. The task whose waker is set.",
        "// The ring buffer; strings ring-fenced.",
        "/// Has no effect if the timer is off.",
        "/// Has a body.",
        "/// Whether the client is still there.",
        "/// Whose fault it is.",
        "/// Returns the range.\n///\n/// What follows is discarded. Has been sent.",
        "// What follows is discarded. How it works.",
        "// Every one of its own; own threads.",
    ] {
        assert_eq!(words("a.rs", sentence), [""; 0], "{sentence}");
    }
}

#[test]
fn comments_strings_and_long_names_are_read_but_code_is_not() {
    let source =
        "fn stands(stretch: u8) { mind(\"it stands\") }\n// at hand\nfn who_stands_in_front_is_named() {}\n";
    assert_eq!(
        found("a.rs", source),
        [(1, "stands".into()), (2, "at hand".into()), (3, "stands".into()), (3, "who".into())]
            .map(|(line, words): (usize, String)| (line, words))
    );
}

#[test]
fn a_pattern_may_be_broken_over_lines() {
    assert_eq!(found("a.rs", "/// First.\n/// It waits for so\n/// many bytes.\n"), [(2, "so many".into())]);
    assert_eq!(found("a.md", "It is\nto be sent.\n\nIt is\n\nto be sent.\n"), [(1, "is to be".into())]);
}

#[test]
fn only_the_first_paragraph_of_a_doc_comment_is_its_summary() {
    let source = "/// Returns it.\n///\n/// What comes later.\nfn a() {}\n\n/// What it is.\n/// What else.\nfn b() {}\n";
    assert_eq!(found("a.rs", source), [(6, "What it".into())]);
}

#[test]
fn code_spans_and_targets_of_links_are_left_alone() {
    assert_eq!(words("a.md", "The error `it stands` is [here](stands.md), but stands.\n"), ["stands"]);
    assert_eq!(words("a.rs", "/// The field `at hand`.\n/// It prints \"`nobody`\".\n"), [""; 0]);
}

#[test]
fn comments_in_blocks_of_rust_are_read_and_other_blocks_are_not() {
    let page = "Text.\n\n```rust\nlet a = 1; // it stands\n```\n\n```text\nit stands\n```\n\nIt stands.\n";
    assert_eq!(found("a.md", page), [(4, "stands".into()), (11, "stands".into())]);
    let source = "/// Text.\n///\n/// ```\n/// // it stands\n/// let who = 1;\n/// ```\nfn a() {}\n";
    assert_eq!(found("a.rs", source), [(4, "stands".into())]);
}

#[test]
fn comments_and_strings_of_python_are_read() {
    let source = "\"\"\"It\n\nstands.\"\"\"\nif body is None:  # at hand\n    print('so many', who)\n";
    assert_eq!(found("a.py", source), [(3, "stands".into()), (4, "at hand".into()), (5, "so many".into())]);
}

#[test]
fn a_finding_says_where_it_is_and_what_to_write() {
    let rules = list::rules().unwrap();
    let findings = find(&rules, "a.md", "\nA timer rings.\n");
    assert_eq!(findings[0].to_string(), "2: \"timer rings\": a timer fires or expires");
}

#[test]
fn folders_are_counted_by_two_levels() {
    let of = |path| folder(path);
    assert_eq!(of("README.md"), "(root)");
    assert_eq!(of("core/src/h1/state.rs"), "core/h1");
    assert_eq!(of("adapters/os/src/lib.rs"), "adapters/os");
    assert_eq!(of("docs/inside/decisions/0001.md"), "docs/inside");
}
