//! The page of [`App::debug`](crate::App::debug): an unforeseen error with its sources, its request and its backtrace.
//!
//! Every text in it is escaped. Fields with credentials are hidden.

use std::error::Error;
use std::fmt::{self, Write};

use stelo_core::app::Response;
use stelo_core::http::Status;

use crate::request::Request;
use crate::response::panics::Panicked;
use crate::response::{Html, HttpError, IntoResponse};

/// Fields whose values are secrets of the client.
const HIDDEN: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "x-api-key"];

/// Returns the page if the error is unforeseen: an error without a status, or a panic.
pub(super) fn page(request: &Request, error: &HttpError) -> Option<Response> {
    let source = error.source().filter(|_| error.status == Status::INTERNAL_SERVER_ERROR)?;
    let accepts_html =
        request.headers().get_all("accept").any(|value| value.windows(9).any(|part| part == b"text/html"));
    let report = Report { request, error: source };
    let mut response = match accepts_html {
        true => Html(report.html().unwrap_or_default()).into_response(),
        false => report.text().unwrap_or_default().into_response(),
    };
    response.status = error.status;
    response.headers.set("cache-control", "no-store");
    Some(response)
}

/// Whether the error is a panic.
pub(super) fn is_panic(error: &HttpError) -> bool {
    error.source().is_some_and(|source| source.is::<Panicked>())
}

struct Report<'a> {
    request: &'a Request,
    error: &'a (dyn Error + 'static),
}

impl<'a> Report<'a> {
    /// The error and its sources, from the outermost.
    fn chain(&self) -> impl Iterator<Item = &'a (dyn Error + 'static)> + use<'a> {
        let first: &'a (dyn Error + 'static) = self.error;
        std::iter::successors(Some(first), |&error| error.source())
    }

    /// The place and the backtrace of a panic. For another error its `Debug` form, which has the backtrace of errors
    /// that keep one.
    fn details(&self) -> (Option<&str>, String) {
        match self.error.downcast_ref::<Panicked>().and_then(|panic| panic.place.as_ref()) {
            Some(place) => (Some(&place.location), place.backtrace.to_string()),
            None => (None, format!("{:#?}", self.error)),
        }
    }

    fn target(&self) -> String {
        format!("{} {}", self.request.method(), self.request.head().target())
    }

    fn fields(&self) -> impl Iterator<Item = (&str, String)> {
        self.request.headers().iter().map(|(name, value)| {
            let is_hidden = HIDDEN.iter().any(|hidden| hidden.eq_ignore_ascii_case(name));
            let value = if is_hidden { "(hidden)".into() } else { value.escape_ascii().to_string() };
            (name, value)
        })
    }

    fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::from("500 Internal Server Error\n\n");
        for (depth, error) in self.chain().enumerate() {
            writeln!(text, "{}{error}", if depth == 0 { "" } else { "caused by: " })?;
        }
        writeln!(text, "\n{}", self.target())?;
        writeln!(text, "route: {}", self.request.matched_path().unwrap_or("none"))?;
        for (name, value) in self.fields() {
            writeln!(text, "{name}: {value}")?;
        }
        let (location, details) = self.details();
        if let Some(location) = location {
            writeln!(text, "\nat {location}")?;
        }
        writeln!(text, "\n{details}")?;
        Ok(text)
    }

    fn html(&self) -> Result<String, fmt::Error> {
        let mut html = String::new();
        write!(
            html,
            "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n\
             <meta name=viewport content=\"width=device-width\">\n<title>{}</title>\n<style>{STYLE}</style>\n\
             <h1>500 Internal Server Error</h1>\n<h2>{0}</h2>\n",
            Escaped(self.error)
        )?;
        let mut sources = self.chain().skip(1).peekable();
        if sources.peek().is_some() {
            html.push_str("<h3>Caused by</h3>\n<ol>\n");
            sources.try_for_each(|error| writeln!(html, "<li>{}</li>", Escaped(error)))?;
            html.push_str("</ol>\n");
        }
        let route = self.request.matched_path().unwrap_or("none");
        write!(html, "<h3>Request</h3>\n<p><code>{}</code>, ", Escaped(self.target()))?;
        write!(html, "route <code>{}</code></p>\n<table>\n", Escaped(route))?;
        for (name, value) in self.fields() {
            writeln!(html, "<tr><th>{}</th><td>{}</td></tr>", Escaped(name), Escaped(value))?;
        }
        html.push_str("</table>\n");
        let (location, details) = self.details();
        match location {
            Some(location) => {
                write!(html, "<h3>Backtrace</h3>\n<p>at <code>{}</code></p>", Escaped(location))?
            }
            None => html.push_str("<h3>Details</h3>"),
        }
        write!(html, "\n<pre>{}</pre>\n", Escaped(details))?;
        html.push_str(
            "<p>This page is that of <code>App::debug(true)</code>. A release build has none.</p>\n",
        );
        Ok(html)
    }
}

const STYLE: &str = ":root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}\
    body{max-width:60rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}\
    h1{font-size:1.1rem;color:#c0392b}h2{font-size:1.6rem;margin:.2rem 0}h3{font-size:1rem;margin:1.5rem 0 .3rem}\
    table{border-collapse:collapse}th{text-align:left;vertical-align:top;font-weight:500}\
    th,td{padding:.15rem 1rem .15rem 0}pre{overflow-x:auto;padding:1rem;border:1px solid #8888;border-radius:6px;\
    font-size:.85rem;overflow-wrap:normal}";

/// Writes a value as text of an HTML page, in an element or in a quoted attribute.
struct Escaped<T>(T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.write_str("&amp;")?,
                '<' => self.0.write_str("&lt;")?,
                '>' => self.0.write_str("&gt;")?,
                '"' => self.0.write_str("&#34;")?,
                '\'' => self.0.write_str("&#39;")?,
                c => self.0.write_char(c)?,
            }
        }
        Ok(())
    }
}
