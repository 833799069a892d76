//! The meaning of a command line and of variables.

use super::*;

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
fn the_defaults_are_those_of_the_program() {
    let field = |c: Config, value| c.header("a", value).unwrap().header("b", value).unwrap();
    let defaults = field(Config::new().port(3000).access_log(false), "1");
    let read = |arguments: &[&str]| read_with(&defaults, arguments, &[], Positional::None);
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
        assert_eq!(
            read_with(&defaults, &arguments, environment, Positional::None).unwrap().config.listen,
            expected
        );
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
        read_with(&Config::new(), &arguments, &environment, Positional::None).unwrap().config.listen
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
        let outcome = read_with(&Config::new(), &arguments, &[], Positional::None).unwrap();
        assert_eq!(outcome.config.proxy.headers, expected, "{arguments:?}");
    }
}

#[test]
fn options_of_uvicorn_for_python_have_no_effect() {
    let file = File::new("python.toml", "interface = \"asgi3\"\nfactory = true\n");
    let line =
        format!("--factory --interface asgi3 --app-dir=src --reset-contextvars --config {}", file.path());
    let outcome = read(&line, &["STELO_FACTORY=1", "STELO_INTERFACE=wsgi"]).unwrap();
    assert_eq!(format!("{:?}", outcome.config), format!("{:?}", Config::new()));
    let notices: Vec<_> = outcome.notices.iter().map(ToString::to_string).collect();
    let interface =
        "which is an option of Uvicorn that has no effect here: there is one interface of applications";
    assert_eq!(
        notices,
        [
            format!("Ignored --interface, {interface}"),
            "Ignored --app-dir, which is an option of Uvicorn that has no effect here: applications are compiled into the \
             program"
                .into(),
            "Ignored --reset-contextvars, which is an option of Uvicorn that has no effect here: there are no context \
             variables"
                .into(),
            format!("Ignored STELO_INTERFACE, {interface}"),
            format!("Ignored {}:1:interface, {interface}", file.path()),
        ]
    );
}

#[test]
fn words_of_uvicorn_mean_auto() {
    let none = Config::new().http_versions(HttpVersions::Http1).ws(Ws::None).executor("smol");
    for line in [
        "--http h11 --ws websockets --loop asyncio",
        "--http httptools --ws wsproto --loop uvloop",
        "--http2 --ws websockets-sansio --loop AUTO",
    ] {
        let arguments: Vec<_> = ["stelo"].into_iter().chain(line.split(' ')).collect();
        let read = read_with(&none, &arguments, &[], Positional::None).unwrap().config;
        assert_eq!(format!("{read:?}"), format!("{:?}", Config::new()), "{line}");
    }
    assert_eq!(config("--no-http2", &[]).http.versions, HttpVersions::Http1);
    assert_eq!(config("--h11-max-incomplete-event-size 9", &[]).limits.http.head, 9);
}

#[test]
fn an_argument_names_an_application() {
    let read = |apps: &[&str], arguments: &[&str], variable: &str| {
        super::super::read(Inputs {
            defaults: &Config::new(),
            executors: &EXECUTORS,
            positional: if apps.is_empty() { Positional::None } else { Positional::App },
            apps,
            arguments: arguments.iter().map(Into::into).collect(),
            environment: vec![("STELO_APP".into(), variable.into())],
            columns: None,
        })
        .map(|outcome| outcome.config.process.app)
        .map_err(|exit| (exit.code(), exit.to_string()))
    };
    let both = ["shop", "admin"];
    let app = |name: &str| Ok(Some(name.to_owned()));
    assert_eq!(read(&both, &["x", "admin", "--port", "1"], ""), app("admin"));
    assert_eq!(read(&both, &["x", "--app=shop"], "admin"), app("shop"));
    assert_eq!(read(&both, &["x"], "admin"), app("admin"));
    assert_eq!(read(&["shop"], &["x"], ""), Ok(None));
    assert_eq!(read(&[], &["x"], ""), Ok(None));
    for (apps, argument, variable, code, error) in [
        (&both[..], "blog", "", 3, "invalid value 'blog' for --app: choose an application: shop or admin"),
        (&both, "--factory", "", 3, "choose an application: shop or admin"),
        (
            &both,
            "--factory",
            "blog",
            3,
            "invalid value 'blog' for STELO_APP: choose an application: shop or admin",
        ),
        (&["shop"], "blog", "", 3, "invalid value 'blog' for --app: choose an application: shop"),
        (
            &[],
            "--app=shop",
            "",
            3,
            "invalid value 'shop' for --app: this program has one application, without a name: leave the name out",
        ),
        (&[], "shop", "", 2, "unexpected argument 'shop': see --help"),
    ] {
        assert_eq!(
            read(apps, &["x", argument], variable),
            Err((code, format!("Error: {error}"))),
            "{argument}"
        );
    }
    let twice = read(&both, &["x", "shop", "admin"], "").unwrap_err();
    assert_eq!(twice, (2, "Error: --app <APP> is given more than once".into()));
}
