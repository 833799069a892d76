use std::path::PathBuf;
use std::time::Duration;

use super::missing::State;
use super::*;
use crate::config::table::{Kind, Setting, Value, all};
use crate::{Config, HttpVersions, LogLevel, Ws};

const EXECUTORS: [&str; 3] = ["tokio", "smol", "async-std"];

fn read_with(
    defaults: &Config,
    arguments: &[&str],
    environment: &[(&str, &str)],
    takes_folder: bool,
) -> Result<Outcome, Exit> {
    super::read(Inputs {
        defaults,
        executors: &EXECUTORS,
        takes_folder,
        arguments: arguments.iter().map(Into::into).collect(),
        environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
    })
}

/// Reads a command line, and variables as `NAME=value`.
fn read(line: &str, environment: &[&str]) -> Result<Outcome, Exit> {
    let arguments: Vec<_> = ["stelo"].into_iter().chain(line.split_whitespace()).collect();
    let environment: Vec<_> = environment.iter().filter_map(|pair| pair.split_once('=')).collect();
    read_with(&Config::new(), &arguments, &environment, true)
}

fn config(line: &str, environment: &[&str]) -> Config {
    read(line, environment).unwrap_or_else(|exit| panic!("{line} {environment:?}: {exit}")).config
}

fn refusal(line: &str, environment: &[&str]) -> Exit {
    match read(line, environment) {
        Err(exit @ Exit::Refusal(_)) => exit,
        _ => panic!("not refused: {line} {environment:?}"),
    }
}

fn answer(defaults: &Config, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    match read_with(defaults, arguments, environment, false) {
        Err(Exit::Answer(text)) => text,
        Err(exit) => panic!("{arguments:?}: {exit}"),
        Ok(_) => panic!("{arguments:?}: no answer"),
    }
}

/// A command line, an environment, and what must differ from the defaults.
type Row = (&'static str, &'static [&'static str], fn(Config) -> Config);

#[test]
fn options_override_variables() {
    let rows: &[Row] = &[
        ("", &[], |c| c),
        ("--host ::1 --port 0", &[], |c| c.host("::1").port(0)),
        ("--port=9", &["STELO_PORT=7", "STELO_HOST=h"], |c| c.host("h").port(9)),
        ("", &["STELO_PORT="], |c| c),
        ("--host ::1 --port 1 --host h --host ::1", &[], |c| c.hosts(["::1", "h"]).port(1)),
        ("--port 2", &["STELO_HOST=::1  h"], |c| c.hosts(["::1", "h"]).port(2)),
        ("--host :: --ipv6-only", &[], |c| c.host("::").ipv6_only(true)),
        ("--uds /tmp/s", &[], |c| c.uds("/tmp/s")),
        ("", &["STELO_UDS=/tmp/s"], |c| c.uds("/tmp/s")),
        ("", &["STELO_FD=0"], |c| c.fd(0)),
        ("--port 9", &["STELO_UDS=/tmp/s"], |c| c.port(9)),
        ("--fd 3", &["STELO_UDS=/tmp/s"], |c| c.fd(3)),
        ("--uds /tmp/s", &["STELO_PORT=7"], |c| c.uds("/tmp/s")),
        ("--workers 3", &[], |c| c.workers(3)),
        ("--workers auto", &[], |c| c.workers(0)),
        ("-w 3", &["STELO_WORKERS=2"], |c| c.workers(3)),
        ("", &["WEB_CONCURRENCY=3"], |c| c.workers(3)),
        ("", &["WEB_CONCURRENCY="], |c| c),
        ("--threads auto", &["STELO_THREADS=3"], |c| c),
        ("--threads 3 --backlog 1", &[], |c| c.threads(3).backlog(1)),
        ("", &["STELO_THREADS=3", "STELO_BACKLOG=1"], |c| c.threads(3).backlog(1)),
        ("--loop async-std", &[], |c| c.executor("async-std")),
        ("--loop SMOL", &["STELO_LOOP=tokio"], |c| c.executor("smol")),
        ("", &["STELO_LOOP=tokio"], |c| c.executor("tokio")),
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
        ("--limit-concurrency off", &["STELO_LIMIT_CONCURRENCY=2"], |c| c),
        ("--port 9", &["STELO_PORT=wrong"], |c| c.port(9)),
        ("", &["STELO_PORT=tcp://10.96.17.4:8000"], |c| c),
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
        ("--timeout-half-closed 3", &[], |c| c.timeout_half_closed(Duration::from_secs(3))),
        ("--ws none", &["STELO_WS=auto"], |c| c.ws(Ws::None)),
        ("--http 1", &["STELO_HTTP=2"], |c| c.http_versions(HttpVersions::Http1)),
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
        // Only tests compare configurations.
        let (got, expected) = (config(line, environment), expected(Config::new()));
        assert_eq!(format!("{got:?}"), format!("{expected:?}"), "{line} {environment:?}");
    }
}

#[test]
fn an_invalid_value_gives_one_line() {
    let seconds = "use a number of seconds, such as 5 or 0.5";
    let rows: &[(&str, &[&str], &str)] = &[
        (
            "--port abc",
            &[],
            "invalid value 'abc' for --port: use a number from 0 to 65535; 0 lets the system choose",
        ),
        (
            "--port 65536",
            &[],
            "invalid value '65536' for --port: use a number from 0 to 65535; 0 lets the system choose",
        ),
        (
            "",
            &["STELO_PORT=abc"],
            "invalid value 'abc' for STELO_PORT: use a number from 0 to 65535; 0 lets the system choose",
        ),
        (
            "--port +80",
            &[],
            "invalid value '+80' for --port: use a number from 0 to 65535; 0 lets the system choose",
        ),
        ("--threads=+2", &[], "invalid value '+2' for --threads: use a whole number, 1 or more, or auto"),
        (
            "",
            &["WEB_CONCURRENCY=x"],
            "invalid value 'x' for WEB_CONCURRENCY: use a whole number, 1 or more, or auto",
        ),
        ("--prot 80", &[], "unknown option --prot: did you mean --port?"),
        ("--port", &[], "the value is missing: use --port <PORT>"),
        ("--port 1 --port 2", &[], "--port <PORT> is given more than once"),
        ("--fd -1", &[], "invalid value '-1' for --fd: use the number of an open descriptor, 0 or more"),
        ("--workers 0", &[], "invalid value '0' for --workers: use a whole number, 1 or more, or auto"),
        ("--threads 0", &[], "invalid value '0' for --threads: use a whole number, 1 or more, or auto"),
        (
            "--backlog 3000000000",
            &[],
            "invalid value '3000000000' for --backlog: use a whole number, 1 or more",
        ),
        (
            "--loop uv",
            &[],
            "invalid value 'uv' for --loop: the executor uv is not compiled in: use auto, tokio, smol or async-std, \
             or build with another executor",
        ),
        (
            "--log-level foo",
            &[],
            "invalid value 'foo' for --log-level: use critical, error, warning, info, debug or trace",
        ),
        (
            "",
            &["STELO_LOG_LEVEL=foo"],
            "invalid value 'foo' for STELO_LOG_LEVEL: use critical, error, warning, info, debug or trace",
        ),
        ("", &["STELO_ACCESS_LOG=maybe"], "invalid value 'maybe' for STELO_ACCESS_LOG: use true or false"),
        ("--header X", &[], "invalid value 'X' for --header: use Name:Value, such as X-Frame-Options:DENY"),
        (
            "",
            &["STELO_HEADERS=a:b c"],
            "invalid value 'c' for STELO_HEADERS: use Name:Value, such as X-Frame-Options:DENY",
        ),
        (
            "--header é:1",
            &[],
            "invalid value 'é:1' for --header: invalid header name: use letters, digits and !#$%&'*+-.^_`|~ only",
        ),
        (
            "--header Connection:close",
            &[],
            "invalid value 'Connection:close' for --header: the server frames messages and manages connections: \
             leave the field connection out",
        ),
        (
            "",
            &["STELO_HEADERS=a:b TE:trailers"],
            "invalid value 'TE:trailers' for STELO_HEADERS: the server frames messages and manages connections: \
             leave the field te out",
        ),
        (
            "--root-path api",
            &[],
            "invalid value 'api' for --root-path: the root path must begin with a slash, such as /api, and be plain ASCII",
        ),
        (
            "--limit-concurrency 0",
            &[],
            "invalid value '0' for --limit-concurrency: use a whole number, 1 or more, or off",
        ),
        (
            "--limit-max-requests x",
            &[],
            "invalid value 'x' for --limit-max-requests: use a whole number, 1 or more, or off",
        ),
        ("--timeout-keep-alive -1", &[], &format!("invalid value '-1' for --timeout-keep-alive: {seconds}")),
        (
            "--timeout-keep-alive 99999999999999999999",
            &[],
            &format!("invalid value '99999999999999999999' for --timeout-keep-alive: {seconds}"),
        ),
        ("--timeout-keep-alive 1.", &[], &format!("invalid value '1.' for --timeout-keep-alive: {seconds}")),
        ("--uds --fd 3", &[], "the value is missing: use --uds <PATH>"),
        ("--access-log=true", &[], "--access-log takes no value, but 'true' was given"),
        ("-x", &[], "unexpected argument '-x': see --help"),
        (
            "--timeout-graceful-shutdown NaN",
            &[],
            &format!("invalid value 'NaN' for --timeout-graceful-shutdown: {seconds}"),
        ),
        ("--http h11", &[], "invalid value 'h11' for --http: use auto, 1 or 2"),
        ("--ws wsproto", &[], "invalid value 'wsproto' for --ws: use auto or none"),
        ("", &["STELO_WS=websockets"], "invalid value 'websockets' for STELO_WS: use auto or none"),
        (
            "--ws-max-size 16MiB",
            &[],
            "invalid value '16MiB' for --ws-max-size: use a number of bytes; 0 means no limit",
        ),
        ("--ws-max-queue 0", &[], "invalid value '0' for --ws-max-queue: use a whole number, 1 or more"),
        (
            "--ws-ping-interval never",
            &[],
            &format!("invalid value 'never' for --ws-ping-interval: {seconds}, or off"),
        ),
        (
            "--ws-ping-timeout NaN",
            &[],
            &format!("invalid value 'NaN' for --ws-ping-timeout: {seconds}, or off"),
        ),
        (
            "--ws-per-message-deflate maybe",
            &[],
            "invalid value 'maybe' for --ws-per-message-deflate: use true or false",
        ),
        ("--uds /a --fd 3", &[], "--uds and --fd exclude each other: give one of them"),
        ("--bind a --port 3", &[], "--bind and --port exclude each other: give one of them"),
        (
            "--bind :80",
            &[],
            "invalid value ':80' for --bind: use HOST:PORT, such as 127.0.0.1:8000, [ADDRESS]:PORT for IPv6, unix:PATH \
             or fd://N",
        ),
        (
            "--forwarded-allow-ips 10.0.0.1/8",
            &[],
            "invalid value '10.0.0.1/8' for --forwarded-allow-ips: 10.0.0.1/8 has bits behind its prefix: use \
             10.0.0.0/8, or the address alone",
        ),
        (
            "--proxy-allow-from balancer",
            &[],
            "invalid value 'balancer' for --proxy-allow-from: use addresses and networks with commas, such as \
             127.0.0.1,10.0.0.0/8, unix: for Unix sockets, or * alone",
        ),
        (
            "--proxy-headers=x-real-ip",
            &[],
            "invalid value 'x-real-ip' for --proxy-headers: use off, x-forwarded, forwarded or auto",
        ),
        ("--uds /a --port 3", &[], "--uds and --port exclude each other: give one of them"),
        ("--host a --port 3 --fd 3", &[], "--host and --fd exclude each other: give one of them"),
        ("", &["STELO_UDS=/a", "STELO_FD=3"], "STELO_UDS and STELO_FD exclude each other: give one of them"),
        ("/no/such", &[], "there is no folder '/no/such'"),
        (". extra", &[], "unexpected argument 'extra': see --help"),
    ];
    for (line, environment, expected) in rows {
        let exit = refusal(line, environment);
        assert_eq!(exit.to_string(), format!("Error: {expected}"), "{line} {environment:?}");
        assert_eq!(exit.code(), 2);
    }
}

#[test]
fn an_option_of_uvicorn_or_gunicorn_that_is_missing_is_named() {
    for option in missing::OPTIONS {
        let line = format!("Error: --{} {option}", option.name);
        assert_eq!(refusal(&format!("--{}", option.name), &[]).to_string(), line);
        assert_eq!(Setting::named(option.name), None);
        if let State::Use(options) = option.state {
            let names = options.split([' ', ',']).filter_map(|word| word.strip_prefix("--"));
            for name in names.filter(|name| *name != "print-config") {
                assert!(Setting::named(name).is_some(), "{line}");
            }
        }
    }
    for (line, expected) in [
        ("--reload", "--reload is an option of Uvicorn that is not implemented yet"),
        ("--no-reload", "--no-reload is an option of Uvicorn that is not implemented yet"),
        ("--factory", "--factory is an option of Uvicorn for programs in Python: leave it out"),
        ("-k 4", "-k is an option of Gunicorn: use --loop instead"),
        (
            "-D",
            "-D is an option of Gunicorn that this server does not have: run it under a service manager, such as systemd, or \
             with nohup",
        ),
        (
            "--preload",
            "--preload is an option of Gunicorn that this server does not have: workers execute the program, so they share \
             its code without it, and SIGHUP replaces the program",
        ),
        ("--umask 8", "invalid value '8' for --umask: use an octal number from 0 to 777, such as 027"),
        ("-x", "unexpected argument '-x': see --help"),
    ] {
        assert_eq!(refusal(line, &[]).to_string(), format!("Error: {expected}"));
    }
}

#[test]
fn a_refusal_is_one_line_for_any_argument() {
    for arguments in [&["shop", "--header", "a:b\nc"][..], &["shop", "--no\nsuch"], &["shop", "a\nb"]] {
        let exit = read_with(&Config::new(), arguments, &[], false).err().unwrap();
        let line = exit.to_string();
        assert!(line.contains("\\n") && line.lines().count() == 1, "{line}");
    }
}

#[test]
fn the_defaults_are_those_of_the_program() {
    let field = |c: Config, value| c.header("a", value).unwrap().header("b", value).unwrap();
    let defaults = field(Config::new().port(3000).access_log(false), "1");
    let read = |arguments: &[&str]| read_with(&defaults, arguments, &[], false);
    let outcome = read(&["shop"]).unwrap();
    assert_eq!(format!("{:?}", outcome.config), format!("{defaults:?}"));
    assert_eq!(outcome.folder, None);

    let config = read(&["shop", "--access-log", "--host", "h", "--header", "a:2"]).unwrap().config;
    assert!(config.log.access);
    assert_eq!(config.listen, Config::new().host("h").port(3000).listen);
    let fields: Vec<_> = config.http.headers.iter().collect();
    assert_eq!(fields, [("b", &b"1"[..]), ("a", b"2")]);
    assert!(read(&["shop", "."]).is_err(), "it takes no folder");
}

#[test]
fn a_folder_is_an_argument_only() {
    assert_eq!(read(". --port 1", &[]).unwrap().folder, Some(".".into()));
    assert_eq!(read("", &["STELO_FOLDER=."]).unwrap().folder, None);
}

#[test]
fn help_and_version_answer() {
    let version = answer(&Config::new(), &["stelo", "--version", "--port", "1"], &[("STELO_PORT", "x")]);
    assert_eq!(version, format!("Running stelo {} on {}", env!("CARGO_PKG_VERSION"), std::env::consts::OS));

    let help = answer(&Config::new().port(3000), &["/bin/shop", "--help"], &[]);
    assert!(help.starts_with("Usage: shop [OPTIONS]"), "{help}");
    for part in ["Listening:", "--no-date-header", "[default: 3000]", "auto, tokio, smol or async-std"] {
        assert!(help.contains(part), "{part} is not in\n{help}");
    }
    for line in help.lines() {
        assert!(line.len() <= 80, "wider than 80 columns: {line}");
    }
}

/// Returns a value of a setting that is not its default, as text and as TOML.
fn sample(setting: &Setting) -> (String, String) {
    let off = (setting.get)(&Config::new()) == Value::Plain("false".into());
    let text = match (setting.name, setting.kind) {
        ("header", _) => return ("X-A:b".into(), r#"["X-A:b"]"#.into()),
        ("loop", _) => "smol".into(),
        ("admin", _) => "127.0.0.1:9000".into(),
        ("log-target", _) => "shop::cart=debug".into(),
        ("access-log-format", _) => "%(h)s".into(),
        ("root-path", _) => "/api".into(),
        ("umask", _) => "027".into(),
        ("forwarded-allow-ips" | "proxy-allow-from", _) => "10.0.0.0/8,unix:".into(),
        ("tcp-keepalive-probes", _) => "12".into(),
        ("insecure-bind", _) => return ("unix:/a".into(), r#"["unix:/a"]"#.into()),
        ("ssl-ciphers", _) => "ECDHE+AESGCM".into(),
        (_, Kind::Switch | Kind::Boolean) => off.to_string(),
        (_, Kind::Number(_) | Kind::Bytes) => "1234".into(),
        (_, Kind::Seconds) => "1.25".into(),
        (_, Kind::Word(words) | Kind::SwitchOrWord(words)) => words[words.len() - 1].to_owned(),
        (_, Kind::Executor | Kind::Text(_) | Kind::Path | Kind::Paths | Kind::Texts(_) | Kind::Fields) => {
            "x".into()
        }
    };
    let is_bare =
        matches!(setting.kind, Kind::Switch | Kind::Boolean | Kind::Number(_) | Kind::Bytes | Kind::Seconds);
    let toml = if is_bare { text.clone() } else { format!("{text:?}") };
    (text, toml)
}

/// A file that is removed at the end of the test.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stelo-settings-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // A file that stays behind does not make the test fail.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Arguments, an environment, and the origin that they give to a setting.
type Sourced<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], String);

#[test]
fn every_setting_can_come_from_every_source() {
    let defaults = Config::new();
    // A single socket of `bind` is shown as a host, a path or a descriptor: it has a test of its own.
    for setting in all().filter(|setting| setting.name != "bind") {
        let (name, variable) = (setting.name, setting.variable());
        let (text, toml) = sample(setting);
        let env_file = File::new(&format!("{name}.env"), &format!("# comment\n{variable}={text}\n"));
        let file = File::new(&format!("{name}.toml"), &format!("\n\n{name} = {toml}\n"));
        let option = match setting.kind {
            Kind::Switch if text == "false" => format!("--no-{name}"),
            Kind::Switch => format!("--{name}"),
            _ => format!("--{name}={text}"),
        };
        let mut expected = defaults.clone();
        (setting.set)(&mut expected, &[text.clone().into()]).unwrap();
        assert_ne!((setting.get)(&expected), (setting.get)(&defaults), "{name}: the sample is the default");

        let rows: [Sourced<'_>; 4] = [
            (&["shop", &option], &[], format!("--{name}")),
            (&["shop"], &[(&variable, &text)], variable.clone()),
            (&["shop", "--env-file", env_file.path()], &[], format!("{}:2:{variable}", env_file.path())),
            (&["shop", "--config", file.path()], &[], format!("{}:3:{name}", file.path())),
        ];
        for (arguments, environment, origin) in rows {
            let outcome = read_with(&defaults, arguments, environment, false);
            let config = outcome.unwrap_or_else(|exit| panic!("{name}, {origin}: {exit}")).config;
            assert_eq!(format!("{config:?}"), format!("{expected:?}"), "{name}, {origin}");
            let arguments = [arguments, &["--print-config"]].concat();
            let printed = answer(&defaults, &arguments, environment);
            let (begin, end) = match (setting.get)(&expected) {
                Value::Secret => (format!("# {name} is set by "), format!("{origin}, and not shown")),
                _ => (format!("{name} = "), format!(" # {origin}")),
            };
            let line = printed.lines().find(|line| line.starts_with(&begin));
            assert!(line.is_some_and(|line| line.ends_with(&end)), "{name}: {line:?}");
        }
    }
}

#[test]
fn sockets_of_several_kinds_come_from_every_source() {
    let defaults = Config::new();
    let file = File::new("bind.toml", "bind = [\"127.0.0.1:81\", \"unix:/a\"]\n");
    let expected = ["127.0.0.1:81".parse().unwrap(), "unix:/a".parse().unwrap()];
    for (arguments, environment, origin) in [
        (&["--bind=127.0.0.1:81", "--bind", "unix:/a"][..], &[][..], "--bind".to_owned()),
        (&[], &[("STELO_BIND", "127.0.0.1:81 unix:/a")], "STELO_BIND".to_owned()),
        (&["--config", file.path()], &[], format!("{}:1:bind", file.path())),
    ] {
        let arguments = [&["shop"], arguments].concat();
        assert_eq!(read_with(&defaults, &arguments, environment, false).unwrap().config.listen, expected);
        let printed = answer(&defaults, &[&arguments[..], &["--print-config"]].concat(), environment);
        let line = format!("{:40} # {origin}", "bind = [\"127.0.0.1:81\", \"unix:/a\"]");
        assert!(printed.lines().any(|printed| printed == line), "{line} is not in\n{printed}");
    }
}

#[test]
fn the_sockets_of_systemd_replace_the_default() {
    let process = std::process::id().to_string();
    let environment = [("LISTEN_FDS", "2"), ("LISTEN_PID", &process)];
    let listen = |arguments: &[&str]| {
        let arguments = [&["shop"], arguments].concat();
        read_with(&Config::new(), &arguments, &environment, false).unwrap().config.listen
    };
    assert_eq!(listen(&[]), [crate::Listen::Descriptor(3), crate::Listen::Descriptor(4)]);
    assert_eq!(listen(&["--uds", "/a"]), [crate::Listen::Unix("/a".into())]);
}

#[test]
fn a_switch_can_have_a_word() {
    use crate::ProxyHeaders::{Auto, Forwarded, Off, XForwarded};
    for (arguments, expected) in [
        (&[][..], XForwarded),
        (&["--proxy-headers"], XForwarded),
        (&["--proxy-headers", "--port=1"], XForwarded),
        (&["--no-proxy-headers"], Off),
        (&["--proxy-headers", "forwarded"], Forwarded),
        (&["--proxy-headers=AUTO"], Auto),
        (&["--proxy-headers", "off"], Off),
        (&["--proxy-headers", "--no-proxy-headers"], Off),
    ] {
        let arguments = [&["shop"], arguments].concat();
        let outcome = read_with(&Config::new(), &arguments, &[], false).unwrap();
        assert_eq!(outcome.config.proxy.headers, expected, "{arguments:?}");
    }
}

#[test]
fn every_setting_is_in_the_help_and_has_a_name_of_its_own() {
    let help = answer(&Config::new(), &["shop", "--help"], &[]);
    let mut names = Vec::new();
    for setting in all() {
        assert!(help.contains(&format!("  --{}", setting.name)), "{} is not in the help", setting.name);
        assert!(!setting.help.ends_with('.') && !setting.help.contains(" ["), "{}", setting.help);
        names.extend([setting.name.to_owned(), setting.variable()]);
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn config_reads_the_output_of_print_config() {
    let defaults = Config::new();
    let mut arguments = vec!["shop".to_owned(), "--print-config".into()];
    let settings =
        all().filter(|setting| !["fd", "uds", "bind", "ssl-keyfile-password"].contains(&setting.name));
    arguments.extend(settings.map(|setting| match setting.kind {
        Kind::Switch if sample(setting).0 == "false" => format!("--no-{}", setting.name),
        Kind::Switch => format!("--{}", setting.name),
        _ => format!("--{}={}", setting.name, sample(setting).0),
    }));
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let given: Vec<_> = arguments.iter().copied().filter(|argument| *argument != "--print-config").collect();
    let bind = ["shop", "--bind=a:1", "-b", "[::1]:2", "--bind=unix:/a b", "--bind", "fd://3"];
    for given in [&["shop"][..], &["shop", "--header=a:\"\\", "--uds=/a b"], &bind, &given] {
        let printed = answer(&defaults, &[given, &["--print-config"]].concat(), &[]);
        let file = File::new("printed.toml", &printed);
        let read = read_with(&defaults, &["shop", "--config", file.path()], &[], false).unwrap().config;
        let config = read_with(&defaults, given, &[], false).unwrap().config;
        assert_eq!(format!("{read:?}"), format!("{config:?}"), "{printed}");
    }
}

#[test]
fn stronger_sources_override_weaker_ones() {
    let defaults = Config::new().backlog(5);
    let file = File::new("order.toml", "backlog = 4");
    let config_option = format!("STELO_CONFIG={}\n", file.path());
    let env_file = File::new("order.env", &format!("STELO_BACKLOG=3\n{config_option}"));
    let weaker = File::new("weaker.env", &config_option);
    let backlog = |arguments: &[&str], environment: &[(&str, &str)]| {
        let arguments = [&["shop"], arguments].concat();
        let config = read_with(&defaults, &arguments, environment, false).unwrap().config;
        let printed = answer(&defaults, &[&arguments[..], &["--print-config"]].concat(), environment);
        let line = printed.lines().find(|line| line.starts_with("backlog = ")).unwrap();
        (config.backlog, line.split_once("# ").unwrap().1.to_owned())
    };
    let in_file = |file: &File, line, name| format!("{}:{line}:{name}", file.path());
    let variable = ("STELO_BACKLOG", "2");
    let named = ("STELO_ENV_FILE", env_file.path());
    assert_eq!(backlog(&["--backlog", "1"], &[variable, named]), (1, "--backlog".into()));
    assert_eq!(backlog(&[], &[variable, named]), (2, "STELO_BACKLOG".into()));
    assert_eq!(backlog(&[], &[named]), (3, in_file(&env_file, 1, "STELO_BACKLOG")));
    assert_eq!(backlog(&["--env-file", weaker.path()], &[named]), (4, in_file(&file, 1, "backlog")));
    assert_eq!(backlog(&[], &[]), (5, "program".into()));
}

#[test]
fn errors_in_files_name_the_line() {
    let rows = [
        (
            "port = 70000",
            "invalid value '70000' for {}:1:port: use a number from 0 to 65535; 0 lets the system choose",
        ),
        ("\nprot = 1", "{}:2: unknown setting prot: did you mean port?"),
        ("limit_head = 1", "{}:1: unknown setting limit_head: did you mean limit-head?"),
        (
            "database = 1",
            "{}:1: unknown setting database: use the names of the options in --help, without the dashes",
        ),
        ("reload = true", "{}:1:reload is an option of Uvicorn that is not implemented yet"),
        ("port = 1\nport = 2", "{}:2: this key is given more than once"),
        (
            "[server]\nport = 1",
            "{}:1: there are no tables: use the names of the options, such as port = 8000",
        ),
        ("a.b = 1", "{}:1: there are no tables: use the names of the options, such as port = 8000"),
        ("host = { a = 1 }", "{}:1: there are no tables: use the names of the options, such as port = 8000"),
        ("host = 5", "{}:1: use a string or an array of strings"),
        ("uds = 5", "{}:1: use a string"),
        ("uds = [\"a\"]", "{}:1: use a string"),
        ("host = [[\"a\"]]", "{}:1: use an array of strings"),
        ("port = true", "{}:1: use a number"),
        ("access-log = 2020-01-01", "{}:1: use true or false"),
        ("header = [[\"a:b\"]]", "{}:1: use an array of strings"),
        (
            "header = [\n  \"a:b\",\n  \"c\",\n]",
            "invalid value 'c' for {}:1:header: use Name:Value, such as X-Frame-Options:DENY",
        ),
        ("uds = \"/a\"\nfd = 3", "{0}:1:uds and {0}:2:fd exclude each other: give one of them"),
    ];
    for (text, expected) in rows {
        let file = File::new("mistake.toml", text);
        let exit = refusal(&format!("--config {}", file.path()), &[]);
        let expected = expected.replace("{0}", file.path()).replace("{}", file.path());
        assert_eq!(exit.to_string(), format!("Error: {expected}"), "{text}");
    }
    for text in ["port", "port =", "port = \"", "port = 1 2", "= 1", "port = 1x"] {
        let file = File::new("syntax.toml", &format!("\n{text}\n"));
        let line = refusal(&format!("--config {}", file.path()), &[]).to_string();
        assert!(line.starts_with(&format!("Error: {}:2: not TOML: ", file.path())), "{text}: {line}");
        assert_eq!(line.lines().count(), 1);
    }
    for (text, expected) in [
        (
            "A=1\nSTELO_PORT=x",
            "invalid value 'x' for {}:2:STELO_PORT: use a number from 0 to 65535; 0 lets the system choose",
        ),
        ("STELO_PORT 1", "{}:1: use NAME=value"),
        ("\nA='", "{}:2: a quoted value does not end"),
    ] {
        let file = File::new("mistake.env", text);
        let exit = refusal("", &[&format!("STELO_ENV_FILE={}", file.path())]);
        assert_eq!(exit.to_string(), format!("Error: {}", expected.replace("{}", file.path())), "{text}");
    }
    for (line, variable, named_by) in [
        ("--config /no/such", "STELO_CONFIG=/other", "--config"),
        ("--env-file /no/such", "STELO_ENV_FILE=/other", "--env-file"),
        ("", "STELO_CONFIG=/no/such", "STELO_CONFIG"),
        ("", "STELO_ENV_FILE=/no/such", "STELO_ENV_FILE"),
    ] {
        let line = refusal(line, &[variable]).to_string();
        assert!(
            line.starts_with("Error: cannot read /no/such (")
                && line.ends_with(&format!("): check {named_by}")),
            "{line}"
        );
    }
}

#[test]
fn a_file_of_windows_is_read() {
    let file = File::new("windows.toml", "\u{feff}port = 1\r\nuds = 5\r\n");
    let line = refusal(&format!("--config {}", file.path()), &[]).to_string();
    assert_eq!(line, format!("Error: {}:2: use a string", file.path()));
}

#[test]
fn native_types_of_toml_are_accepted() {
    let text = "port = 0x50\nlimit-body = 1_000\ntimeout-head = 2\n'timeout-body' = 0.5 # comment\n\
                header = \"a: b\"\nws-ping-interval = 'off'\naccess-log = \"no\"\n";
    let file = File::new("values.toml", text);
    let config = config(&format!("--config {}", file.path()), &[]);
    assert_eq!(config.listen, Config::new().port(80).listen);
    assert_eq!(config.limits.http.body, Some(1000));
    assert_eq!(config.timeouts.http.head, Duration::from_secs(2));
    assert_eq!(config.timeouts.http.body, Duration::from_millis(500));
    assert_eq!(config.http.headers.get("a"), Some(&b"b"[..]));
    assert_eq!(config.websocket.protocol.timeouts.ping_interval, None);
    assert!(!config.log.access);
}
