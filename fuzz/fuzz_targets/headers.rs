//! Header fields: every sequence of changes leaves what the same changes leave in a plain list of pairs, and
//! nothing gets in that could split a message.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use stelo_core::http::{Headers, is_field_value, is_token};

#[derive(Arbitrary, Debug)]
enum Change<'a> {
    Append(&'a [u8], &'a [u8]),
    Insert(&'a [u8], &'a [u8]),
    Remove(&'a str),
    Clear,
}

fn same(a: &[u8], b: &[u8]) -> bool {
    a.eq_ignore_ascii_case(b)
}

fuzz_target!(|changes: Vec<Change<'_>>| {
    let mut headers = Headers::new();
    let mut plain: Vec<(&[u8], &[u8])> = Vec::new();
    for change in changes {
        match change {
            Change::Append(name, value) => {
                let valid = is_token(name) && is_field_value(value);
                assert_eq!(headers.append(name, value).is_ok(), valid);
                if valid {
                    plain.push((name, value));
                }
            }
            Change::Insert(name, value) => {
                let valid = is_token(name) && is_field_value(value);
                assert_eq!(headers.insert(name, value).is_ok(), valid);
                if valid {
                    match plain.iter().position(|field| same(field.0, name)) {
                        Some(first) => {
                            let rest = plain.split_off(first + 1);
                            plain[first].1 = value;
                            plain.extend(rest.into_iter().filter(|field| !same(field.0, name)));
                        }
                        None => plain.push((name, value)),
                    }
                }
            }
            Change::Remove(name) => {
                let before = plain.len();
                plain.retain(|field| !same(field.0, name.as_bytes()));
                assert_eq!(headers.remove(name), plain.len() < before);
            }
            Change::Clear => {
                headers.clear();
                plain.clear();
            }
        }
        assert!(headers.iter().eq(plain.iter().copied()), "{headers:?} is not {plain:?}");
    }
    for (name, value) in headers.iter() {
        assert!(!name.contains(&b':') && !value.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)));
    }
});
