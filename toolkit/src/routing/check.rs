//! Mistakes in patterns and in their order: those that are certain are errors, the others are warnings.

use std::panic::Location;

use stelo_core::routing::{Methods, RouteId, Router, Unreachable};

use super::BuildError;
use super::declare::{Line, Target};
use crate::request::position::Protocol;
use crate::request::site::NodeId;

/// A text in a pattern that another framework reads as a parameter.
struct Foreign {
    /// The text.
    found: String,
    /// The text to write instead.
    instead: String,
    /// Whether it cannot mean anything else.
    is_certain: bool,
}

impl Foreign {
    fn new(found: &str, name: &str, convertor: &str, is_certain: bool) -> Option<Self> {
        let name = if is_identifier(name) { name } else { "rest" };
        let instead = match convertor {
            "" => format!("`{{{name}}}`"),
            _ => format!("`{{{name}:{convertor}}}`"),
        };
        Some(Self { found: found.to_owned(), instead, is_certain })
    }

    /// The first such text of a pattern.
    fn of(pattern: &str) -> Option<Self> {
        pattern.split('/').find_map(Self::of_segment).or_else(|| Self::braces(pattern))
    }

    fn of_segment(segment: &str) -> Option<Self> {
        let inside = |start, end| segment.strip_prefix(start)?.strip_suffix(end);
        if let Some(name) = inside("{*", "}") {
            // axum, actix-web.
            return Self::new(segment, name, "path", true);
        }
        if let Some(inner) = inside("<", ">") {
            // Flask, Django, Rocket.
            let (convertor, name) = inner.split_once(':').unwrap_or(("", inner));
            let convertor = match convertor {
                "int" | "float" | "path" | "uuid" => convertor,
                _ => "",
            };
            return Self::new(segment, name, convertor, true);
        }
        match segment.split_at_checked(1)? {
            // Express, Rails, axum before 0.8. Few paths begin a segment with a colon or an asterisk.
            (":", name) if is_identifier(name) => Self::new(segment, name, "", false),
            ("*", name) if name.is_empty() || is_identifier(name) => Self::new(segment, name, "path", false),
            _ => None,
        }
    }

    /// Braces that are not those of a parameter.
    fn braces(pattern: &str) -> Option<Self> {
        let at = pattern.find(['{', '}'])?;
        let (brace, rest) = pattern[at..].split_at(1);
        if let Some(rest) = rest.strip_prefix(brace) {
            // An escape.
            return Self::braces(rest);
        }
        let Some((inner, rest)) = rest.split_once('}').filter(|_| brace == "{") else {
            let instead =
                format!("`{{name}}` or `{{name:convertor}}` for a parameter, `{brace}{brace}` for a brace");
            return Some(Self { found: brace.into(), instead, is_certain: false });
        };
        let (name, convertor) = inner.split_once(':').unwrap_or((inner, "str"));
        if is_identifier(name) && is_identifier(convertor) {
            return Self::braces(rest);
        }
        let found = format!("{{{inner}}}");
        let instead =
            "`{name}` or `{name:convertor}` for a parameter, both of letters, digits and `_`".into();
        Some(Self { found, instead, is_certain: false })
    }
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Checks a pattern for the syntax of other frameworks. Returns a warning if it may be meant.
pub(super) fn syntax(pattern: &str, place: &'static Location<'static>) -> Result<Option<String>, BuildError> {
    // The asterisk form of a target.
    let Some(Foreign { found, instead, is_certain }) = Foreign::of(pattern).filter(|_| pattern != "*") else {
        return Ok(None);
    };
    let error = BuildError::ForeignSyntax { pattern: pattern.to_owned(), found, instead, at: place };
    if is_certain { Err(error) } else { Ok(Some(error.to_string())) }
}

/// The lines of a table.
pub(super) struct Lines<'a> {
    pub(super) table: &'a Router<NodeId>,
    pub(super) protocol: Protocol,
    /// The pattern of the mount that has the table.
    pub(super) prefix: &'a str,
}

impl Lines<'_> {
    /// Checks for routes that no request reaches. Returns a warning for each that a wider pattern hides.
    pub(super) fn check<'l>(
        &self,
        line: impl Fn(NodeId) -> Option<&'l Line>,
    ) -> Result<Vec<String>, BuildError> {
        let values: Vec<_> = self.table.values().copied().collect();
        let mut warnings = Vec::new();
        for Unreachable { route, by, is_same } in self.table.unreachable() {
            let (Some(later), Some(earlier)) = (line(values[route.index()]), line(values[by.index()])) else {
                continue;
            };
            let error = BuildError::Unreachable {
                route: self.label(route, later),
                at: later.place,
                earlier: self.label(by, earlier),
                earlier_at: earlier.place,
                is_same,
            };
            match is_same {
                true => return Err(error),
                false => warnings.push(error.to_string()),
            }
        }
        Ok(warnings)
    }

    /// Names a route for a message: ``GET `/users` ``.
    fn label(&self, route: RouteId, line: &Line) -> String {
        let pattern = self.table.pattern(route);
        match &line.target {
            Target::Host(_) => format!("the host `{pattern}`"),
            Target::Mounted(_) => format!("the mount `{}{pattern}`", self.prefix),
            Target::Handler(_) => format!("{} `{}{pattern}`", self.methods(route), self.prefix),
        }
    }

    /// The methods of a route as declared: GET implies HEAD.
    fn methods(&self, route: RouteId) -> String {
        let (Protocol::Http, Some(methods)) = (self.protocol, self.table.methods(route)) else {
            return "the WebSocket".to_owned();
        };
        if methods.contains_all(&Methods::ANY) {
            return "any method of".to_owned();
        }
        let names = methods.names();
        let is_implied = |name: &&str| *name == "HEAD" && names.contains(&"GET");
        names.iter().copied().filter(|name| !is_implied(name)).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str) -> Option<(String, String, bool)> {
        Foreign::of(pattern).map(|foreign| (foreign.found, foreign.instead, foreign.is_certain))
    }

    #[test]
    fn the_syntax_of_other_frameworks_is_recognized() {
        let cases = [
            ("/{*rest}", "{*rest}", "`{rest:path}`", true),
            ("/files/{*}", "{*}", "`{rest:path}`", true),
            ("/<int:id>/x", "<int:id>", "`{id:int}`", true),
            ("/<name>", "<name>", "`{name}`", true),
            ("/<string:name>", "<string:name>", "`{name}`", true),
            ("/users/:id", ":id", "`{id}`", false),
            ("/*", "*", "`{rest:path}`", false),
            ("/*path", "*path", "`{path:path}`", false),
        ];
        for (pattern, text, instead, is_certain) in cases {
            assert_eq!(found(pattern), Some((text.into(), instead.into(), is_certain)), "{pattern}");
        }
        for (pattern, text, is_certain) in
            [("/{id?}", "{id?}", false), ("/{id:[0-9]+}", "{id:[0-9]+}", false), ("/a}", "}", false)]
        {
            let (found, _, certain) = found(pattern).expect(pattern);
            assert_eq!((&*found, certain), (text, is_certain), "{pattern}");
        }
    }

    #[test]
    fn ordinary_patterns_are_not_suspected() {
        for pattern in [
            "",
            "/",
            "/{id}",
            "/{id:int}.{kind}",
            "/{{x}}",
            "/{{{id}}}",
            "/items/{name}:batch",
            "/a*b",
            "/@{user}",
            "/~:x y",
        ] {
            assert_eq!(found(pattern), None, "{pattern}");
        }
    }
}
