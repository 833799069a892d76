//! Patterns: `/users/{id:int}/posts/{slug}` as a list of literals and parameters.
//!
//! A parameter is `{name}` or `{name:convertor}`, both identifiers. `{{` is a literal `{`, and `}}` a literal `}`.
//! Everything else is literal text, including an invalid parameter such as `{a-b}`: there are no wildcards.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::convertor::{Class, Convertors};
use super::error::RouteError;

/// A parameter of a pattern.
#[derive(Clone, Debug)]
pub struct Param {
    name: Box<str>,
    convertor: Box<str>,
    pub(super) class: Class,
}

impl Param {
    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name of the convertor, `str` if the pattern names none.
    pub fn convertor(&self) -> &str {
        &self.convertor
    }
}

/// A part of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Literal(Box<str>),
    /// The index in [`Pattern::params`].
    Param(usize),
}

/// A parsed pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) text: Box<str>,
    /// No literal is empty, and no two are adjacent.
    pub(super) parts: Vec<Part>,
    pub(super) params: Vec<Param>,
}

impl Pattern {
    /// Parses a pattern. Errors: an unknown convertor, a repeated name.
    pub(super) fn parse(text: &str, convertors: &Convertors) -> Result<Self, RouteError> {
        let mut pattern = Self { text: text.into(), parts: Vec::new(), params: Vec::new() };
        let (mut literal, mut rest) = (String::new(), text);
        while let Some(found) = rest.find(['{', '}']) {
            let (before, tail) = rest.split_at(found);
            literal.push_str(before);
            if let Some((name, convertor, after)) = param_at(tail) {
                let class = convertors.class(convertor).ok_or_else(|| RouteError::UnknownConvertor {
                    pattern: text.into(),
                    convertor: convertor.into(),
                })?;
                pattern.literal(core::mem::take(&mut literal));
                pattern.parts.push(Part::Param(pattern.params.len()));
                pattern.params.push(Param { name: name.into(), convertor: convertor.into(), class });
                rest = after;
                continue;
            }
            let is_escape = tail.starts_with("{{") || tail.starts_with("}}");
            literal.push_str(&tail[..1]);
            rest = &tail[if is_escape { 2 } else { 1 }..];
        }
        literal.push_str(rest);
        pattern.literal(literal);
        pattern.refuse_repeated(&[])?;
        Ok(pattern)
    }

    fn literal(&mut self, text: String) {
        if !text.is_empty() {
            self.parts.push(Part::Literal(text.into()));
        }
    }

    /// Rejects a name that occurs twice in the pattern, or that is also in `taken`.
    pub(super) fn refuse_repeated(&self, taken: &[&str]) -> Result<(), RouteError> {
        let mut names: Vec<&str> = self.params.iter().map(Param::name).chain(taken.iter().copied()).collect();
        names.sort_unstable();
        let mut repeated: Vec<Box<str>> =
            names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].into()).collect();
        repeated.dedup();
        if repeated.is_empty() {
            return Ok(());
        }
        Err(RouteError::DuplicateParams { pattern: self.text.clone(), names: repeated })
    }

    /// Rejects a custom convertor with no fixed text on either side: matching would be quadratic in the path length.
    ///
    /// `slash_follows` is true for a prefix.
    pub(super) fn refuse_unbounded(
        &self,
        convertors: &Convertors,
        slash_follows: bool,
    ) -> Result<(), RouteError> {
        // Whether an earlier parameter has no fixed end: in this segment, or anywhere if it spans segments.
        let (mut in_segment, mut anywhere) = (false, false);
        for (i, part) in self.parts.iter().enumerate() {
            let param = match part {
                Part::Literal(text) => {
                    in_segment &= !text.contains('/');
                    continue;
                }
                Part::Param(param) => &self.params[*param],
            };
            let spans = convertors.spans(param.class);
            let closed = match self.parts.get(i + 1) {
                None => !slash_follows || !convertors.takes(param.class, b'/'),
                Some(Part::Literal(text)) => !convertors.takes(param.class, text.as_bytes()[0]),
                Some(Part::Param(_)) => param.class == Class::Uuid,
            };
            if matches!(param.class, Class::Custom(_)) && (in_segment || anywhere) && (spans || !closed) {
                return Err(RouteError::Unbounded { pattern: self.text.clone(), param: param.name.clone() });
            }
            in_segment |= !closed;
            anywhere |= !closed && spans;
        }
        Ok(())
    }
}

/// Parses the parameter that `text` begins with. Returns its name, its convertor and what follows it.
fn param_at(text: &str) -> Option<(&str, &str, &str)> {
    let (inner, after) = text.strip_prefix('{')?.split_once('}')?;
    let (name, convertor) = inner.split_once(':').unwrap_or((inner, "str"));
    (is_identifier(name) && is_identifier(convertor)).then_some((name, convertor, after))
}

/// Returns whether `text` is a valid name of a parameter or convertor.
pub(super) fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    fn shown(text: &str) -> String {
        let pattern = Pattern::parse(text, &Convertors::default()).unwrap();
        let parts = pattern.parts.iter().map(|part| match part {
            Part::Literal(text) => format!("'{text}'"),
            Part::Param(i) => format!("<{} {}>", pattern.params[*i].name(), pattern.params[*i].convertor()),
        });
        parts.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_pattern_is_split_into_literals_and_parameters() {
        assert_eq!(shown("/a"), "'/a'");
        assert_eq!(shown("/u/{id:int}/p/{slug}"), "'/u/' <id int> '/p/' <slug str>");
        assert_eq!(shown("/{a}.{b}"), "'/' <a str> '.' <b str>");
        assert_eq!(shown("/v{n:int}{_x1}"), "'/v' <n int> <_x1 str>");
        assert_eq!(shown("/p({n:int})$"), "'/p(' <n int> ')$'");
        assert_eq!(shown(""), "");
    }

    #[test]
    fn an_invalid_parameter_is_literal_text() {
        for text in
            ["/{a-b}", "/{}", "/{:int}", "/{a:}", "/{1a}", "/{a", "/a}", "/{ a}", "/{a:int:str}", "/{é}"]
        {
            assert_eq!(shown(text), format!("'{text}'"));
        }
        assert_eq!(shown("/{a-{b}"), "'/{a-' <b str>");
    }

    #[test]
    fn two_braces_are_a_literal_one() {
        assert_eq!(shown("/{{a}}"), "'/{a}'");
        assert_eq!(shown("/{{{a}}}"), "'/{' <a str> '}'");
        assert_eq!(shown("/{a}{{}}{{b:int}}"), "'/' <a str> '{}{b:int}'");
        assert_eq!(shown("/{{{{"), "'/{{'");
        assert_eq!(shown("/{{a}"), "'/{a}'");
    }

    #[test]
    fn errors_name_the_pattern() {
        let error = |text| Pattern::parse(text, &Convertors::default()).unwrap_err().to_string();
        assert!(error("/{x:nope}").contains("`/{x:nope}`") && error("/{x:nope}").contains("`nope`"));
        assert!(error("/{id}/{id}").contains("`id` more than once"));
        assert!(error("/{n}/{id}/{id}/{n}/{id}").contains("`id`, `n` more than once"));
    }
}
