//! The page that lists a directory.

use std::fmt::Write;
use std::time::UNIX_EPOCH;

use stelo_core::app::Response;
use stelo_core::http::date;
use stelo_core::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use stelo_os::files::Item;

use crate::request::Parts;
use crate::request::url::encode_path;
use crate::response::{Html, IntoResponse, ResponseExt};

/// The most entries of a page.
pub(super) const MOST: usize = 10_000;

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.25rem;overflow-wrap:anywhere}\
table{width:100%;border-collapse:collapse}\
td{padding:.3rem .5rem;border-top:1px solid #8884;overflow-wrap:anywhere}\
td+td{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;opacity:.75}\
a{color:inherit;text-decoration:none}a:hover,a:focus-visible{text-decoration:underline}\
@media(max-width:36rem){td:last-child{display:none}}";

/// Adds an item to a list that is sorted by name, unless the list has one of this name.
pub(super) fn add(items: &mut Vec<Item>, item: Item) {
    if let Err(place) = items.binary_search_by(|other| other.name.cmp(&item.name)) {
        items.insert(place, item);
    }
}

/// Returns the page that lists the directory of a request.
pub(super) fn page(request: &Parts, items: &[Item]) -> Response {
    let mut rows = String::new();
    // The directory above the root is not served.
    if !request.route_path().trim_matches('/').is_empty() {
        rows.push_str("<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n");
    }
    let (folders, files): (Vec<_>, Vec<_>) = items.iter().partition(|item| item.is_dir);
    folders.into_iter().chain(files).for_each(|item| row(&mut rows, item));
    if items.len() >= MOST {
        rows.push_str("<tr><td>Further entries are not listed.</td><td></td><td></td></tr>\n");
    }
    let title = escape(request.path());
    Html(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n<table>\n{rows}</table>\n</html>\n"
    ))
    .into_response()
    .with_header(CACHE_CONTROL, "no-cache")
    .with_header(CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'")
}

fn row(rows: &mut String, item: &Item) {
    let slash = if item.is_dir { "/" } else { "" };
    // The `./` keeps a name with a colon from being read as a scheme.
    let link = encode_path(item.name.as_encoded_bytes());
    let name = escape(&item.name.to_string_lossy());
    let size = if item.is_dir { String::new() } else { size(item.size) };
    let modified = item.modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = modified.map(|time| day(time.as_secs())).unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(
        rows,
        "<tr><td><a href=\"./{link}{slash}\">{name}{slash}</a></td><td>{size}</td><td>{modified}</td></tr>",
        link = escape(&link),
    );
}

/// `06 Nov 1994 08:49`
fn day(seconds: u64) -> String {
    let date = date::format(seconds);
    String::from_utf8_lossy(&date[5..22]).into_owned()
}

/// A size in bytes, or in binary units with three digits.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut number = bytes as f64;
    let mut unit = 0;
    while number >= 999.5 && unit + 1 < UNITS.len() {
        (number, unit) = (number / 1024.0, unit + 1);
    }
    let digits = usize::from(unit > 0 && number < 9.95);
    format!("{number:.digits$} {}", UNITS[unit])
}

/// Escapes text for HTML, between tags and in quoted attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_up_to_three_digits() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 KiB"),
            (10_240, "10 KiB"),
            (1 << 20, "1.0 MiB"),
            (1_500_000_000, "1.4 GiB"),
            (u64::MAX, "16 EiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn markup_in_names_is_text() {
        assert_eq!(escape("<a href='x'>&\"</a>"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;&lt;/a&gt;");
    }
}
