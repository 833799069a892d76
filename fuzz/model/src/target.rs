//! Request targets and percent-encoding (RFC 9112 section 3.2, RFC 3986 section 2).

use stelo_core::http::{Method, Target, TargetForm};
use stelo_core::routing::{Builder, Captures, Found};

use crate::query::percent_decode;
use crate::reference::head::{is_authority, is_encoded};
use crate::source::Source;

/// Checks that the parts of a target follow the grammar, and together are the whole target. Any text without NUL and
/// line ends can be a path: the target built from it has the same path.
///
/// The input: the method, then the target, which is also the text of the path.
pub fn target(input: &[u8]) {
    let mut source = Source::new(input);
    let method = source.pick(&["GET", "OPTIONS", "CONNECT"]);
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let bytes = source.rest();
    if let Ok(text) = std::str::from_utf8(bytes) {
        round_trip(text);
    }
    let Some(target) = Target::parse(bytes, &method) else {
        let mut query = false;
        let plain = |&b: &u8| {
            query |= b == b'?';
            b.is_ascii_alphanumeric() || b"/-._~?=&+[]^{|}".contains(&b) || (query && b"\\`".contains(&b))
        };
        let origin = bytes.starts_with(b"/") && bytes.iter().all(plain) && method != Method::Connect;
        return assert!(!origin, "{} is a target", bytes.escape_ascii());
    };
    assert!(bytes.iter().all(|b| b.is_ascii_graphic() && !b"#\"<>".contains(b)));
    assert!(!target.path.contains(['\\', '`', '?']));
    let mut whole = String::new();
    match target.form {
        TargetForm::Origin => assert!(target.path.starts_with('/')),
        TargetForm::Absolute => {
            let scheme = target.scheme.expect("an absolute target has a scheme");
            assert!(["http", "https"].contains(&&*scheme.to_lowercase()));
            whole.push_str(scheme);
            whole.push_str("://");
        }
        TargetForm::Authority => assert_eq!(method, Method::Connect),
        TargetForm::Asterisk => assert_eq!((&method, target.path), (&Method::Options, "*")),
    }
    assert!(target.authority.is_none_or(|authority| is_authority(authority.as_bytes())));
    assert!(is_encoded(target.path));
    whole.push_str(target.authority.unwrap_or_default());
    // An absolute target without a path has the path `/`, which is not part of the text.
    if bytes[whole.len()..].first().is_some_and(|&b| b != b'?') {
        whole.push_str(target.path);
    }
    if let Some(query) = target.query {
        whole.push('?');
        whole.push_str(query);
    }
    assert_eq!(whole.as_bytes(), bytes);
}

fn round_trip(text: &str) {
    let mut builder = Builder::new();
    builder.route("/files/{file:path}", Method::Get, ()).named("file");
    let router = builder.build().expect("a table");
    let Ok(url) = router.url_path_for("file", &[("file", &text)]) else {
        // Clients remove segments of dots, also encoded ones.
        let is_removed = text.split('/').any(|part| {
            let part = part.to_ascii_lowercase().replace("%2e", ".");
            part == "." || part == ".."
        });
        let is_refused = is_removed || text.contains(['\0', '\r', '\n']);
        return assert!(is_refused, "{} can be a path", text.escape_debug());
    };
    let path = url.path;
    let target =
        Target::parse(path.as_bytes(), &Method::Get).expect("a path from the router is a valid target");
    assert_eq!((target.form, target.path, target.query), (TargetForm::Origin, &*path, None));
    let decoded = String::from_utf8(percent_decode(path.as_bytes())).expect("the decoded path is UTF-8");
    let mut captures = Captures::new();
    assert!(matches!(router.find("", &decoded, &Method::Get, &mut captures), Found::Match(_)), "{path}");
    assert!(captures.ranges().map(|range| &decoded[range]).eq([text]), "{path}");
}
