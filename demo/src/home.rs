//! The page that says what this is.

use stelo_toolkit::Html;

/// Stands on its own: no script, no font, no image from elsewhere.
const PAGE: &str = include_str!("home.html");

pub(crate) async fn page() -> Html<&'static str> {
    Html(PAGE)
}
