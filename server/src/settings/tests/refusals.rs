//! Mistakes, and options that are missing.

use super::*;

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
        (
            "--http2-max-frame-size 16383",
            &[],
            "invalid value '16383' for --http2-max-frame-size: use a number from 16384 to 16777215",
        ),
        (
            "--http2-initial-window-size 2147483648",
            &[],
            "invalid value '2147483648' for --http2-initial-window-size: use a number from 0 to 2147483647",
        ),
        ("--http h12", &[], "invalid value 'h12' for --http: use auto, 1 or 2"),
        ("--ws wsproton", &[], "invalid value 'wsproton' for --ws: use auto or none"),
        ("", &["STELO_WS=sockets"], "invalid value 'sockets' for STELO_WS: use auto or none"),
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
        if !matches!(option.state, State::Accepted(_)) {
            assert_eq!(refusal(&format!("--{}", option.name), &[]).to_string(), line);
        }
        assert_eq!(Setting::named(option.name), None);
        if let State::Use(options) = option.state {
            let names = options.split([' ', ',']).filter_map(|word| word.strip_prefix("--"));
            for name in names.filter(|name| *name != "print-config") {
                assert!(Setting::named(name).is_some(), "{line}");
            }
        }
    }
    for (line, expected) in [
        ("--log-config x", "--log-config is an option of Uvicorn that is not implemented yet"),
        ("--paste x", "--paste is an option of Gunicorn for programs in Python: leave it out"),
        ("--interface", "the value is missing: use --interface <TEXT>"),
        ("--completions", "the value is missing: use --completions <SHELL>, with bash, zsh or fish"),
        ("--completions csh", "unexpected argument 'csh': see --help"),
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
        let exit = read_with(&Config::new(), arguments, &[], Positional::None).err().unwrap();
        let line = exit.to_string();
        assert!(line.contains("\\n") && line.lines().count() == 1, "{line}");
    }
}
