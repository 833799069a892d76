//! The TOML file of `--config`: flat, with the names of the options as keys.
//!
//! `toml_parser` finds keys and scalars and their positions. Numbers, truth values and strings are passed on to the setting
//! as text, as from the command line.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use toml_parser::decoder::ScalarKind;
use toml_parser::parser::{Event, EventKind, RecursionGuard, parse_document};
use toml_parser::{ParseError, Raw, Source as Document};

use super::Notice;
use super::error::{SettingsError, SyntaxFault};
use super::missing;
use super::origin::{Given, Location, Origin, Source};
use super::suggest::nearest;
use crate::config::table::{Kind, Setting, all};

/// The type and the text of a value.
struct Scalar {
    kind: ScalarKind,
    text: String,
}

/// Parses a file.
pub(super) fn read(text: &str, path: PathBuf) -> Result<(Vec<Given>, Vec<Notice>), SettingsError> {
    let document = Document::new(text);
    let tokens = document.lex().into_vec();
    let mut events: Vec<Event> = Vec::new();
    let mut error: Option<ParseError> = None;
    parse_document(&tokens, &mut RecursionGuard::new(&mut events, 8), &mut error);
    let mut reader = Reader { text, path: Arc::new(path), given: Vec::new(), notices: Vec::new() };
    reader.check(error)?;
    reader.walk(&document, &events)?;
    Ok((reader.given, reader.notices))
}

struct Reader<'a> {
    text: &'a str,
    path: Arc<PathBuf>,
    given: Vec<Given>,
    notices: Vec<Notice>,
}

impl Reader<'_> {
    fn location(&self, offset: usize) -> Location {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Location { path: self.path.clone(), line }
    }

    fn check(&self, error: Option<ParseError>) -> Result<(), SettingsError> {
        let Some(error) = error else { return Ok(()) };
        let span = error.unexpected().or(error.context());
        let place = self.location(span.map_or(0, |span| span.start()));
        Err(SettingsError::syntax(&place, SyntaxFault::Toml(error.description().into())))
    }

    fn walk(&mut self, document: &Document<'_>, events: &[Event]) -> Result<(), SettingsError> {
        let (mut key, mut values, mut in_array) = (None, Vec::new(), false);
        for event in events {
            let place = || self.location(event.span().start());
            match event.kind() {
                EventKind::StdTableOpen
                | EventKind::ArrayTableOpen
                | EventKind::InlineTableOpen
                | EventKind::KeySep => return Err(SettingsError::syntax(&place(), SyntaxFault::Table)),
                EventKind::SimpleKey => {
                    let (mut name, mut error) = (Cow::Borrowed(""), None);
                    raw(document, event).decode_key(&mut name, &mut error);
                    self.check(error)?;
                    key = Some((name.into_owned(), place()));
                }
                EventKind::ArrayOpen if in_array => {
                    let fault = SyntaxFault::Type { wanted: Kind::Fields.toml() };
                    return Err(SettingsError::syntax(&place(), fault));
                }
                EventKind::ArrayOpen => in_array = true,
                EventKind::Scalar => {
                    let (mut text, mut error) = (Cow::Borrowed(""), None);
                    let kind = raw(document, event).decode_scalar(&mut text, &mut error);
                    self.check(error)?;
                    values.push(Scalar { kind, text: text.into_owned() });
                }
                EventKind::ArrayClose => in_array = false,
                _ => continue,
            }
            let is_whole = matches!(event.kind(), EventKind::Scalar if !in_array)
                || event.kind() == EventKind::ArrayClose;
            if let Some((name, place)) = key.take_if(|_| is_whole) {
                let is_array = event.kind() == EventKind::ArrayClose;
                self.give(&name, place, std::mem::take(&mut values), is_array)?;
            }
        }
        Ok(())
    }

    fn give(
        &mut self,
        name: &str,
        place: Location,
        values: Vec<Scalar>,
        is_array: bool,
    ) -> Result<(), SettingsError> {
        let Some(setting) = Setting::named(name) else {
            if let Some((missing, _)) = missing::accepted_as(name) {
                self.notices.extend(missing.notice(format!("{place}:{name}")));
                return Ok(());
            }
            if let Some(missing) = missing::named(name) {
                return Err(SettingsError::missing(format!("{place}:{name}"), missing));
            }
            let nearest = nearest(name, all().map(|setting| setting.name));
            return Err(SettingsError::UnknownKey { place: place.to_string(), key: name.into(), nearest });
        };
        if self.given.iter().any(|given| given.origin.setting == setting) {
            return Err(SettingsError::syntax(&place, SyntaxFault::Repeated));
        }
        let values: Option<Vec<OsString>> =
            values.into_iter().map(|scalar| setting.kind.text(scalar)).collect();
        let values = values.filter(|_| !is_array || setting.kind.is_list());
        let fault = || SettingsError::syntax(&place, SyntaxFault::Type { wanted: setting.kind.toml() });
        let values = values.ok_or_else(fault)?;
        self.given.push(Given { origin: Origin { setting, source: Source::File(place) }, values });
        Ok(())
    }
}

fn raw<'a>(document: &Document<'a>, event: &Event) -> Raw<'a> {
    let raw = document.input().get(event.span().start()..event.span().end()).unwrap_or_default();
    Raw::new_unchecked(raw, event.encoding(), event.span())
}

impl Kind {
    /// Returns the types that a file can have for such a setting.
    fn toml(self) -> &'static str {
        match self {
            Self::Switch | Self::Boolean => "true or false",
            Self::SwitchOrWord(_) => "true, false or a string",
            Self::Number(_) | Self::Bytes | Self::Seconds => "a number",
            Self::Word(_) | Self::Executor | Self::Text(_) | Self::Path => "a string",
            Self::Texts(_) | Self::Paths => "a string or an array of strings",
            Self::Fields => "an array of strings",
        }
    }

    /// Returns the text of a value, or `None` for the wrong type. Every setting takes a string, for values such as `"off"`.
    fn text(self, Scalar { kind, text }: Scalar) -> Option<OsString> {
        match (kind, self) {
            (ScalarKind::String, _)
            | (ScalarKind::Boolean(_), Self::Switch | Self::SwitchOrWord(_) | Self::Boolean)
            | (ScalarKind::Float, Self::Seconds) => Some(text.into()),
            (ScalarKind::Integer(radix), Self::Number(_) | Self::Bytes | Self::Seconds) => {
                match radix.value() {
                    10 => Some(text.into()),
                    radix => u64::from_str_radix(&text, radix).ok().map(|number| number.to_string().into()),
                }
            }
            _ => None,
        }
    }
}
