//! The public API of each published crate, as a list in `docs/inside/api/`, so that a change of it shows in a diff.
//!
//! The lists are taken from the pages that rustdoc writes, since its JSON needs a nightly toolchain. A list has every item
//! with its declaration, its methods and the traits that it implements.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::builds;
use crate::metadata::target;
use crate::run::{Outcome, root};

/// The folder of the lists.
const FOLDER: &str = "docs/inside/api";

/// The crates that other programs depend on.
const CRATES: &[&str] = &[
    "stelo",
    "stelo_core",
    "stelo_os",
    "stelo_runtime",
    "stelo_server",
    "stelo_sim",
    "stelo_templates",
    "stelo_toolkit",
];

/// A crate that re-exports items of the others. Its list has their paths only.
const FACADE: &str = "stelo";

/// Fails if a list differs from the documentation, which is built first.
pub(crate) fn check() -> Outcome {
    lists(|path, list| {
        let written = fs::read_to_string(root().join(path)).unwrap_or_default();
        let difference = difference(&written, list);
        if difference.is_empty() {
            return Ok(());
        }
        Err(format!("the public API differs from {path}:\n{difference}if intended: cargo xtask api --write"))
    })
}

/// Writes the lists.
pub(crate) fn write() -> Outcome {
    lists(|path, list| fs::write(root().join(path), list).map_err(|error| format!("{path}: {error}")))
}

fn lists(mut act: impl FnMut(&str, &str) -> Outcome) -> Outcome {
    builds::docs()?;
    let pages = target()?.join("doc");
    let mut faults = Vec::new();
    for name in CRATES {
        let list = list(&pages.join(name), name)?;
        faults.extend(act(&format!("{FOLDER}/{}.txt", name.replace('_', "-")), &list).err());
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// The lines that only one of two lists has.
fn difference(old: &str, new: &str) -> String {
    let lines = |text: &'static str, these: BTreeSet<&str>| -> String {
        these.into_iter().map(|line| format!("{text}{line}\n")).collect()
    };
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) = (old.lines().collect(), new.lines().collect());
    lines("- ", old.difference(&new).copied().collect())
        + &lines("+ ", new.difference(&old).copied().collect())
}

/// The list of one crate, from the folder of its pages.
fn list(pages: &Path, name: &str) -> Result<String, String> {
    let read = |path: &str| {
        let path = pages.join(path);
        fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
    };
    let all = read("all.html")?;
    let items = all.split("<li><a href=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0));
    let items: BTreeSet<&str> = items.filter(|item| item.ends_with(".html")).collect();
    let folders: BTreeSet<&str> =
        items.iter().map(|item| item.rsplit_once('/').map_or("", |(folder, _)| folder)).chain([""]).collect();

    let mut lines = BTreeSet::new();
    for folder in folders {
        let module = format!("{name}::{}", folder.replace('/', "::"));
        let module = module.trim_end_matches(':');
        let separator = if folder.is_empty() { "" } else { "/" };
        let exports = re_exports(&read(&format!("{folder}{separator}index.html"))?);
        lines.extend(exports.into_iter().map(|export| format!("{module}: {export}")));
    }
    for item in items {
        let path = item.trim_end_matches(".html").replace('/', "::");
        let (module, file) = path.rsplit_once("::").unwrap_or(("", &path));
        let (kind, name_of_item) = file.split_once('.').unwrap_or(("", file));
        let full = [name, module, name_of_item].into_iter().filter(|part| !part.is_empty());
        let full = full.collect::<Vec<_>>().join("::");
        if name == FACADE {
            lines.insert(format!("{full} ({kind})"));
        } else {
            lines.extend(declarations(&read(item)?).into_iter().map(|line| format!("{full}: {line}")));
        }
    }
    Ok(lines.into_iter().map(|line| line + "\n").collect())
}

/// The items of other crates that a module exports under its own path.
fn re_exports(page: &str) -> Vec<String> {
    let exports = page.split("id=\"reexport.").skip(1);
    exports.filter_map(|rest| Some(text(rest.split_once("<code>")?.1.split_once("</code>")?.0))).collect()
}

/// The declaration of an item, its methods, and the traits that it implements.
fn declarations(page: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let end = |start: &'static str| page.find(start).unwrap_or(page.len());
    let traits = end("id=\"trait-implementations-list\"");
    let automatic = end("id=\"synthetic-implementations\"").min(end("id=\"blanket-implementations\""));
    let own = &page[..traits.min(automatic).min(end("id=\"implementors\"")).min(end("id=\"foreign-impls\""))];

    let declaration =
        own.split_once("item-decl\"><code>").and_then(|(_, rest)| rest.split_once("</code></pre>"));
    lines.extend(declaration.map(|(declaration, _)| text(declaration)));
    lines.extend(headers(own, "h4").into_iter().filter(|header| header.starts_with("pub ")));
    if traits < automatic {
        lines.extend(headers(&page[traits..automatic], "h3"));
    }
    lines
}

fn headers(page: &str, tag: &str) -> Vec<String> {
    let opening = format!("<{tag} class=\"code-header\">");
    let closing = format!("</{tag}>");
    page.split(&opening).skip(1).filter_map(|rest| Some(text(rest.split_once(&closing)?.0))).collect()
}

/// The text of HTML, on one line.
fn text(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        // Where rustdoc begins a new line without a line end.
        if tag.starts_with("div") || tag.starts_with("br") {
            text.push(' ');
        }
        // The label of a part that is folded away.
        let end = if tag.starts_with("summary") { "</summary>" } else { ">" };
        rest = tag.split_once(end).map_or("", |(_, rest)| rest);
    }
    text.push_str(rest);
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    // The mark of a tooltip.
    let text = text.replace('ⓘ', "");
    let text = text.replace("&nbsp;", " ").replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_methods_and_traits_are_listed() {
        let page = r##"<pre class="rust item-decl"><code>pub struct A&lt;T&gt;(<span>/* private fields */</span>);</code></pre>
            <div id="implementations-list"><section><h3 class="code-header">impl A</h3></section>
            <h4 class="code-header">pub fn <a href="#x" class="fn">new</a>(x: &amp;<a>T</a>) -&gt; Self<div class="where">where
                T: Copy,</div></h4></div>
            <div id="trait-implementations-list"><h3 class="code-header">impl Debug for A</h3>
            <h4 class="code-header">fn fmt()</h4></div>
            <h2 id="synthetic-implementations"><h3 class="code-header">impl Send for A</h3>"##;
        assert_eq!(
            declarations(page),
            [
                "pub struct A<T>(/* private fields */);",
                "pub fn new(x: &T) -> Self where T: Copy,",
                "impl Debug for A"
            ]
        );
    }

    #[test]
    fn folded_parts_of_a_declaration_are_listed_without_their_label() {
        let html = "pub enum A {<details><summary class=\"hideme\"><span>Show 2 variants</span></summary> B,\n C,\n</details>}";
        assert_eq!(text(html), "pub enum A { B, C, }");
    }

    #[test]
    fn a_difference_names_the_lines() {
        assert_eq!(difference("a\nb\n", "b\nc\n"), "- a\n+ c\n");
        assert_eq!(difference("a\n", "a\n"), "");
    }

    #[test]
    fn re_exports_are_found() {
        let page = "<dt id=\"reexport.App\"><code>pub use <a>t</a>::<a>App</a>;</code></dt>";
        assert_eq!(re_exports(page), ["pub use t::App;"]);
    }
}
