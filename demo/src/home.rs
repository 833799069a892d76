//! The start page.

use stelo_toolkit::Html;

/// Loads nothing else: no script, no font, no image.
const PAGE: &str = include_str!("home.html");

pub(crate) async fn page() -> Html<&'static str> {
    Html(PAGE)
}
