//! Request targets: the parts that were found stand in the target, in order, and together are all of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stelo_core::http::{Method, Target, TargetForm};

fuzz_target!(|input: (u8, &[u8])| {
    let (method, bytes) = input;
    let method = [Method::Get, Method::Options, Method::Connect][usize::from(method) % 3].clone();
    let Some(target) = Target::parse(bytes, &method) else { return };
    let mut whole = String::new();
    match target.form {
        TargetForm::Origin => assert!(target.path.starts_with('/')),
        TargetForm::Absolute => {
            whole.push_str(target.scheme.expect("an absolute target has a scheme"));
            whole.push_str("://");
        }
        TargetForm::Authority => assert_eq!(method, Method::Connect),
        TargetForm::Asterisk => assert_eq!((&method, target.path), (&Method::Options, "*")),
    }
    whole.push_str(target.authority.unwrap_or_default());
    let start = whole.len();
    // An absolute target without a path has the path `/`, which does not stand there.
    if bytes[start..].first().is_some_and(|&b| b != b'?') {
        whole.push_str(target.path);
    }
    if let Some(query) = target.query {
        whole.push('?');
        whole.push_str(query);
    }
    assert_eq!(whole.as_bytes(), bytes);
});
