//! The README shows the first example as it is.

use std::fs;
use std::path::Path;

#[test]
fn the_readme_shows_the_first_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| fs::read_to_string(root.join(path)).expect(path);
    let (readme, example) = (read("README.md"), read("examples/hello.rs"));
    assert!(
        readme.contains(&format!("\n```rust\n{example}```\n")),
        "copy examples/hello.rs into README.md:\n{example}"
    );
}
