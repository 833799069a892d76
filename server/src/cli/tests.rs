use std::time::Duration;

use super::*;
use crate::{LogLevel, Loop, Ws};

/// Arguments and `NAME=value` pairs, as one would type them.
fn read(line: &str, environment: &[&str]) -> Result<Parsed, Exit> {
    let arguments = ["stelo"].into_iter().chain(line.split_whitespace());
    CommandLine::new(Config::new()).folder().parse(arguments, |name| {
        let mut pairs = environment.iter().filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value.into())
    })
}

fn config(line: &str, environment: &[&str]) -> Config {
    read(line, environment).unwrap_or_else(|exit| panic!("{line} {environment:?}: {exit}")).config
}

/// A command line, an environment, and what must differ from the defaults.
type Row = (&'static str, &'static [&'static str], fn(Config) -> Config);

#[test]
fn options_variables_and_which_wins() {
    let rows: &[Row] = &[
        ("", &[], |c| c),
        ("--host ::1 --port 0", &[], |c| c.host("::1").port(0)),
        ("--port=9", &["STELO_PORT=7", "STELO_HOST=h"], |c| c.host("h").port(9)),
        ("", &["STELO_PORT="], |c| c),
        ("--uds /tmp/s", &[], |c| c.uds("/tmp/s")),
        ("", &["STELO_UDS=/tmp/s"], |c| c.uds("/tmp/s")),
        ("", &["STELO_FD=0"], |c| c.fd(0)),
        ("--port 9", &["STELO_UDS=/tmp/s"], |c| c.port(9)),
        ("--fd 3", &["STELO_UDS=/tmp/s"], |c| c.fd(3)),
        ("--uds /tmp/s", &["STELO_PORT=7"], |c| c.uds("/tmp/s").port(7)),
        ("--threads 3 --backlog 1", &[], |c| c.threads(3).backlog(1)),
        ("", &["STELO_THREADS=3", "STELO_BACKLOG=1"], |c| c.threads(3).backlog(1)),
        ("--loop async-std", &[], |c| c.runtime(Loop::AsyncStd)),
        ("--loop SMOL", &["STELO_LOOP=tokio"], |c| c.runtime(Loop::Smol)),
        ("", &["STELO_LOOP=tokio"], |c| c.runtime(Loop::Tokio)),
        ("--log-level trace", &[], |c| c.log_level(LogLevel::Trace)),
        ("", &["STELO_LOG_LEVEL=Critical"], |c| c.log_level(LogLevel::Critical)),
        ("--no-access-log", &["STELO_ACCESS_LOG=1"], |c| c.access_log(false)),
        ("--access-log", &["STELO_ACCESS_LOG=off"], |c| c),
        ("--no-access-log --access-log", &["STELO_ACCESS_LOG=off"], |c| c),
        ("--access-log --no-access-log", &[], |c| c.access_log(false)),
        ("", &["STELO_ACCESS_LOG=NO"], |c| c.access_log(false)),
        ("", &["STELO_NO_ACCESS_LOG=true"], |c| c),
        ("--no-server-header --no-date-header", &[], |c| c.server_header(false).date_header(false)),
        ("", &["STELO_SERVER_HEADER=0", "STELO_DATE_HEADER=f"], |c| {
            c.server_header(false).date_header(false)
        }),
        ("--header X-A:b --header x-a:", &[], |c| c.header("x-a", "b").unwrap().header("x-a", "").unwrap()),
        ("", &["STELO_HEADERS=A:b  c:d:e"], |c| c.header("a", "b").unwrap().header("c", "d:e").unwrap()),
        ("--header a:1", &["STELO_HEADERS=b:2"], |c| c.header("a", "1").unwrap()),
        ("--root-path /api/", &[], |c| c.root_path("/api")),
        ("", &["STELO_ROOT_PATH=/"], |c| c),
        ("--limit-concurrency 1", &["STELO_LIMIT_MAX_REQUESTS=2"], |c| {
            c.limit_concurrency(1).limit_max_requests(2)
        }),
        ("--timeout-keep-alive 0", &[], |c| c.timeout_keep_alive(Duration::ZERO)),
        ("--timeout-keep-alive 1.0000000019", &[], |c| {
            c.timeout_keep_alive(Duration::from_nanos(1_000_000_001))
        }),
        ("", &["STELO_TIMEOUT_GRACEFUL_SHUTDOWN=0.5"], |c| {
            c.timeout_graceful_shutdown(Duration::from_millis(500))
        }),
        ("--ws none", &["STELO_WS=auto"], |c| c.ws(Ws::None)),
        ("", &["STELO_WS=AUTO"], |c| c),
        ("--ws-max-size 1024 --ws-max-queue 1", &[], |c| c.ws_max_size(1024).ws_max_queue(1)),
        ("", &["STELO_WS_MAX_SIZE=0", "STELO_WS_MAX_QUEUE=7"], |c| c.ws_max_size(0).ws_max_queue(7)),
        ("--ws-ping-interval 0 --ws-ping-timeout off", &[], |c| {
            c.ws_ping_interval(None).ws_ping_timeout(None)
        }),
        ("--ws-ping-timeout 0.5", &["STELO_WS_PING_INTERVAL=-1"], |c| {
            c.ws_ping_interval(None).ws_ping_timeout(Some(Duration::from_millis(500)))
        }),
        ("--ws-ping-interval -0.5 --ws-ping-timeout 0.0", &[], |c| {
            c.ws_ping_interval(None).ws_ping_timeout(None)
        }),
        ("--ws-per-message-deflate no", &[], |c| c.ws_per_message_deflate(false)),
        ("", &["STELO_WS_PER_MESSAGE_DEFLATE=1"], |c| c),
    ];
    for (line, environment, expected) in rows {
        // A configuration has no equality that anyone but this test would want.
        let (got, expected) = (config(line, environment), expected(Config::new()));
        assert_eq!(format!("{got:?}"), format!("{expected:?}"), "{line} {environment:?}");
    }
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let seconds = "use a number of seconds, such as 5 or 0.5";
    let rows: &[(&str, &[&str], &str)] = &[
        (
            "--port abc",
            &[],
            "invalid value 'abc' for '--port <PORT>': use a number from 0 to 65535; 0 lets the system choose",
        ),
        (
            "--port 65536",
            &[],
            "invalid value '65536' for '--port <PORT>': use a number from 0 to 65535; 0 lets the system choose",
        ),
        (
            "",
            &["STELO_PORT=abc"],
            "invalid value 'abc' for STELO_PORT: use a number from 0 to 65535; 0 lets the system choose",
        ),
        ("--prot 80", &[], "unexpected argument '--prot' found; tip: a similar argument exists: '--port'"),
        ("--port", &[], "a value is required for '--port <PORT>' but none was supplied"),
        ("--port 1 --port 2", &[], "the argument '--port <PORT>' cannot be used multiple times"),
        (
            "--fd -1",
            &[],
            "invalid value '-1' for '--fd <FD>': use the number of an open descriptor, 0 or more",
        ),
        ("--threads 0", &[], "invalid value '0' for '--threads <NUMBER>': use a whole number, 1 or more"),
        (
            "--backlog 3000000000",
            &[],
            "invalid value '3000000000' for '--backlog <NUMBER>': use a whole number, 1 or more",
        ),
        ("--loop uv", &[], "invalid value 'uv' for '--loop <NAME>': use auto, tokio, smol or async-std"),
        (
            "--log-level foo",
            &[],
            "invalid value 'foo' for '--log-level <LEVEL>': use critical, error, warning, info, debug or trace",
        ),
        (
            "",
            &["STELO_LOG_LEVEL=foo"],
            "invalid value 'foo' for STELO_LOG_LEVEL: use critical, error, warning, info, debug or trace",
        ),
        ("", &["STELO_ACCESS_LOG=maybe"], "invalid value 'maybe' for STELO_ACCESS_LOG: use true or false"),
        (
            "--header X",
            &[],
            "invalid value 'X' for '--header <NAME:VALUE>': use Name:Value, such as X-Frame-Options:DENY",
        ),
        (
            "",
            &["STELO_HEADERS=a:b c"],
            "invalid value 'c' for STELO_HEADERS: use Name:Value, such as X-Frame-Options:DENY",
        ),
        (
            "--header é:1",
            &[],
            "invalid value 'é:1' for '--header <NAME:VALUE>': invalid header name: use letters, digits and !#$%&'*+-.^_`|~ only",
        ),
        (
            "--root-path api",
            &[],
            "invalid value 'api' for '--root-path <PATH>': the root path must begin with a slash, such as /api, and be plain ASCII",
        ),
        (
            "--limit-concurrency 0",
            &[],
            "invalid value '0' for '--limit-concurrency <NUMBER>': use a whole number, 1 or more",
        ),
        (
            "--limit-max-requests x",
            &[],
            "invalid value 'x' for '--limit-max-requests <NUMBER>': use a whole number, 1 or more",
        ),
        (
            "--timeout-keep-alive -1",
            &[],
            &format!("invalid value '-1' for '--timeout-keep-alive <SECONDS>': {seconds}"),
        ),
        (
            "--timeout-keep-alive 99999999999999999999",
            &[],
            &format!("invalid value '99999999999999999999' for '--timeout-keep-alive <SECONDS>': {seconds}"),
        ),
        (
            "--timeout-keep-alive 1.",
            &[],
            &format!("invalid value '1.' for '--timeout-keep-alive <SECONDS>': {seconds}"),
        ),
        ("--uds --fd 3", &[], "a value is required for '--uds <PATH>' but none was supplied"),
        ("--access-log=true", &[], "unexpected argument for option '--access-log': \"true\""),
        ("-x", &[], "unexpected argument '-x' found"),
        (
            "--timeout-graceful-shutdown NaN",
            &[],
            &format!("invalid value 'NaN' for '--timeout-graceful-shutdown <SECONDS>': {seconds}"),
        ),
        ("--ws wsproto", &[], "invalid value 'wsproto' for '--ws <NAME>': use auto or none"),
        ("", &["STELO_WS=websockets"], "invalid value 'websockets' for STELO_WS: use auto or none"),
        (
            "--ws-max-size 16MiB",
            &[],
            "invalid value '16MiB' for '--ws-max-size <BYTES>': use a number of bytes; 0 means no limit",
        ),
        (
            "--ws-max-queue 0",
            &[],
            "invalid value '0' for '--ws-max-queue <NUMBER>': use a whole number, 1 or more",
        ),
        (
            "--ws-ping-interval never",
            &[],
            &format!("invalid value 'never' for '--ws-ping-interval <SECONDS>': {seconds}, or off"),
        ),
        (
            "--ws-ping-timeout NaN",
            &[],
            &format!("invalid value 'NaN' for '--ws-ping-timeout <SECONDS>': {seconds}, or off"),
        ),
        (
            "--ws-per-message-deflate maybe",
            &[],
            "invalid value 'maybe' for '--ws-per-message-deflate <BOOLEAN>': use true or false",
        ),
        ("--uds /a --fd 3", &[], "--uds and --fd both say where to listen: give one of them"),
        ("--uds /a --port 3", &[], "--port and --uds both say where to listen: give one of them"),
        ("--host a --port 3 --fd 3", &[], "--host and --fd both say where to listen: give one of them"),
        (
            "",
            &["STELO_UDS=/a", "STELO_FD=3"],
            "STELO_UDS and STELO_FD both say where to listen: give one of them",
        ),
        ("/no/such", &[], "invalid value '/no/such' for '[FOLDER]': there is no such folder"),
        (". extra", &[], "unexpected argument 'extra' found"),
    ];
    for (line, environment, expected) in rows {
        let exit = read(line, environment).err();
        assert_eq!(exit, Some(Exit::Refusal((*expected).into())), "{line} {environment:?}");
        assert_eq!(exit.map(|exit| exit.code()), Some(2));
    }
}

#[test]
fn what_was_typed_does_not_break_the_line() {
    let line = CommandLine::new(Config::new());
    for arguments in [&["shop", "--header", "a:b\nc"][..], &["shop", "--no\nsuch"], &["shop", "a\nb"]] {
        let Err(Exit::Refusal(refusal)) = line.parse(arguments, |_| None) else { panic!("{arguments:?}") };
        assert!(refusal.contains("\\n") && refusal.lines().count() == 1, "{refusal}");
    }
}

#[test]
fn the_defaults_are_those_of_the_program() {
    let defaults = Config::new().port(3000).access_log(false).uds("/tmp/s").header("a", "1").unwrap();
    let line = CommandLine::new(defaults.clone());
    let parsed = line.parse(["shop"], |_| None).unwrap();
    assert_eq!(format!("{:?}", parsed.config), format!("{defaults:?}"));
    assert_eq!(parsed.folder, None);

    let parsed = line.parse(["shop", "--access-log", "--host", "h"], |_| None).unwrap();
    assert!(parsed.config.access_log && parsed.config.uds.is_none());
    assert!(line.parse(["shop", "."], |_| None).is_err(), "it takes no folder");
}

#[test]
fn a_folder_is_taken_where_it_is_wanted() {
    assert_eq!(read(". --port 1", &[]).unwrap().folder, Some(".".into()));
    assert_eq!(read("", &["STELO_FOLDER=."]).unwrap().folder, None);
}

#[test]
fn help_and_version_answer() {
    let Err(Exit::Answer(version)) = read("--version --port 1", &["STELO_PORT=x"]) else {
        panic!("no answer")
    };
    assert_eq!(version, format!("Running stelo {} on {}", env!("CARGO_PKG_VERSION"), env::consts::OS));

    let exit =
        CommandLine::new(Config::new().port(3000)).parse(["/bin/shop", "--help"], |_| None).unwrap_err();
    assert_eq!(exit.code(), 0);
    let help = exit.to_string();
    assert!(help.starts_with("Usage: "), "{help}");
    for part in
        ["Usage: shop [OPTIONS]", "Where to listen:", "--no-date-header", "[default: 3000]", "STELO_HEADERS"]
    {
        assert!(help.contains(part), "{part} is not in\n{help}");
    }
}

#[test]
fn the_page_shows_every_option() {
    let page = include_str!("../../../docs/server/options.md");
    let config = Config::new();
    for option in Opt::all() {
        let default = match (option.shown)(&config) {
            Some(_) if option.name == "threads" => "one for each core".into(),
            Some(value) if value.is_empty() => "empty".into(),
            Some(value) => format!("`{value}`"),
            None => "none".into(),
        };
        let row = format!("\n| `--{}` | `{}` | {default} | ", option.name, option.variable());
        assert!(page.contains(&row), "docs/server/options.md has no row that begins with{row}");
    }
}
