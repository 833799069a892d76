//! Variables of the environment and of a file, as values.

use std::path::PathBuf;

use serde::Deserialize;
use stelo_toolkit::config::{CommaSeparated, Environment, EnvironmentError, NoClosingQuote, Secret};
use stelo_toolkit::request::Url;

/// A file that is removed at the end of its test.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stelo-config-{}-{name}", std::process::id()));
        std::fs::write(&path, text).expect("a file for the test");
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Fast,
    Safe,
}

#[test]
fn values_have_the_types_that_the_program_asks_for() {
    let env = Environment::of([
        ("TEXT", "some"),
        ("YES", "TRUE"),
        ("NO", "0"),
        ("N", "-7"),
        ("MODE", "safe"),
        ("L", "1, 2"),
    ]);
    assert_eq!(env.get::<String>("TEXT").unwrap(), "some");
    assert_eq!(env.get_or("LACKS", String::new()).unwrap(), "");
    assert_eq!(env.optional::<String>("LACKS").unwrap(), None);
    assert!(env.get::<bool>("YES").unwrap() && !env.get::<bool>("NO").unwrap());
    assert!(env.get_or("LACKS", true).unwrap());
    assert_eq!(env.get::<i8>("N").unwrap(), -7);
    assert_eq!(env.get::<Mode>("MODE").unwrap(), Mode::Safe);
    assert_eq!(env.get::<Vec<u8>>("L").unwrap(), [1, 2]);
    assert_eq!(env.get::<PathBuf>("TEXT").unwrap(), PathBuf::from("some"));
    assert_eq!(env.optional_with("N", str::parse::<i64>).unwrap(), Some(-7));
    let fault = |error: EnvironmentError| error.to_string();
    assert_eq!(
        fault(env.get::<u8>("N").unwrap_err()),
        "the variable N is invalid: expected a number: invalid digit found in string"
    );
    assert_eq!(
        fault(env.get::<bool>("TEXT").unwrap_err()),
        "the variable TEXT is invalid: expected true, 1, false or 0"
    );
    assert!(fault(env.get::<Mode>("TEXT").unwrap_err()).contains("expected `fast` or `safe`"));
    assert!(
        fault(env.get::<std::net::IpAddr>("TEXT").unwrap_err()).starts_with("the variable TEXT is invalid: ")
    );
}

#[test]
fn variables_of_the_process_come_before_those_of_a_file() {
    let file = File::new(
        "first",
        "# not in the repository\nDATABASE_URL=postgres://user:pass@localhost/dbname\nHOSTNAME=example.com\n\
         SECRET_KEY='12345'\nOFF=0\nDEBUG=false\n\n",
    );
    let env = Environment::of([("DEBUG", "true"), ("EMPTY", "")]).file(&file.0).unwrap();
    assert!(env.get::<bool>("DEBUG").unwrap());
    let url: Url = env.get("DATABASE_URL").unwrap();
    assert_eq!((url.path(), url.username(), url.password()), ("/dbname", Some("user"), Some("pass")));
    assert!(!format!("{url:?}").contains("pass@"));
    assert_eq!(env.get_or("TIMEOUT", 10).unwrap(), 10);
    let secret: Secret = env.get("SECRET_KEY").unwrap();
    assert_eq!((format!("{secret:?}"), secret.expose()), ("Secret(**********)".into(), "12345"));
    assert!(!secret.is_empty() && env.get::<Secret>("EMPTY").unwrap().is_empty());
    assert_eq!(env.get::<u8>("OFF").unwrap(), 0);
    assert!(!env.get::<bool>("OFF").unwrap());
    assert!(
        matches!(env.get::<String>("MISSING"), Err(EnvironmentError::Missing { name }) if name == "MISSING")
    );
    assert!(Environment::new().get::<String>("PATH").is_ok());
}

#[test]
fn a_struct_is_read_at_once() {
    #[derive(Deserialize, Debug)]
    struct Settings {
        hosts: CommaSeparated,
        port: Option<u16>,
        #[serde(default)]
        debug: bool,
        key: Secret,
    }
    let env = |port: &str| {
        Environment::of([("APP_HOSTS", "a, b"), ("APP_KEY", "k"), ("PORT", "1"), ("APP_PORT", port)])
            .prefix("APP_")
    };
    let settings: Settings = env("8000").load().unwrap();
    assert_eq!(
        (&*settings.hosts, settings.port, settings.debug),
        (&["a".to_owned(), "b".into()][..], Some(8000), false)
    );
    assert_eq!(settings.key.expose(), "k");
    let error = env("tea").load::<Settings>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the variable APP_PORT is invalid: expected a number: invalid digit found in string"
    );
    let error = Environment::of([("APP_HOSTS", "a")]).prefix("APP_").load::<Settings>().unwrap_err();
    assert_eq!(error.to_string(), "the variable APP_KEY is missing, and has no default: set it");

    #[derive(Deserialize)]
    struct All {
        #[serde(flatten)]
        rest: std::collections::BTreeMap<String, String>,
    }
    let all: All = env("1").load().unwrap();
    assert_eq!(all.rest.keys().collect::<Vec<_>>(), ["hosts", "key", "port"]);
}

#[test]
fn a_missing_file_is_skipped_and_an_invalid_line_is_an_error() {
    assert!(Environment::of([("A", "1")]).file("/nowhere/.env").unwrap().contains("A"));
    let file = File::new("invalid", "A=1\nB='2\n");
    let error = Environment::new().file(&file.0).unwrap_err();
    assert_eq!(error.to_string(), format!("{}:2: a quoted value does not end", file.0.display()));
    assert!(matches!(Environment::new().file("/"), Err(EnvironmentError::File { .. })));
}

#[test]
fn a_variable_that_was_read_cannot_be_changed() {
    let mut env = Environment::of([("TESTING", "0"), ("GONE", "1")]);
    env.set("TESTING", "1").unwrap();
    env.remove("GONE").unwrap();
    assert!(env.get::<bool>("TESTING").unwrap() && !env.contains("GONE"));
    let error = env.set("TESTING", "0").unwrap_err();
    assert_eq!(error.to_string(), "the variable TESTING has been read: change it before the first read");
    assert!(matches!(env.remove("GONE"), Err(EnvironmentError::AlreadyRead { .. })));
}

#[test]
fn a_prefix_hides_other_variables() {
    let env = Environment::of([("APP_DEBUG", "value"), ("ENVIRONMENT", "dev")]).prefix("APP_");
    assert_eq!(env.get::<String>("DEBUG").unwrap(), "value");
    assert!(env.get::<String>("ENVIRONMENT").is_err());
}

#[test]
fn a_file_is_utf_8() {
    let file = File::new("utf-8", "MESSAGE=Hello 世界\n");
    let env = Environment::of([("", ""); 0]).file(&file.0).unwrap();
    assert_eq!(env.get::<String>("MESSAGE").unwrap(), "Hello 世界");
    assert!(!format!("{env:?}").contains("世界"));
}

#[test]
fn commas_separate_texts_with_and_without_quotes() {
    let list = |text: &str| text.parse::<CommaSeparated>();
    for text in [
        r#""localhost", "127.0.0.1", 0.0.0.0"#,
        "'localhost', '127.0.0.1', 0.0.0.0",
        "localhost, 127.0.0.1, 0.0.0.0",
    ] {
        let list = list(text).unwrap();
        assert_eq!(*list, ["localhost", "127.0.0.1", "0.0.0.0"]);
        assert_eq!(list.to_string(), "'localhost', '127.0.0.1', '0.0.0.0'");
    }
    assert_eq!(list("a, b").unwrap(), ["a", "b"].into_iter().collect());
    for (text, expected) in [
        ("a, b ,c", &["a", "b", "c"][..]),
        ("'a,b',c", &["a,b", "c"]),
        (r"a\,b", &["a,b"]),
        ("a b", &["a b"]),
        ("", &[]),
        ("\"\"", &[]),
        (",", &[]),
        ("a#b,c", &["a#b", "c"]),
        (r#""a\"b","#, &["a\"b"]),
    ] {
        assert_eq!(*list(text).unwrap(), *expected, "{text}");
    }
    for text in ["\"x", "'", "a\\"] {
        assert_eq!(list(text), Err(NoClosingQuote));
    }
}
