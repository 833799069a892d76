//! The forms and destinations of lines: formats of access lines, JSON, files.

use std::fs;
use std::path::PathBuf;

use stelo_tests::{Client, On, cases};

use crate::program::{Process, command, get};

cases!(
    an_access_line_has_the_format_of_the_setting,
    a_response_that_streams_is_logged_at_its_end,
    a_response_that_is_cut_off_is_logged_with_its_bytes,
    json_lines_can_be_parsed,
    lines_go_to_files,
    a_file_that_cannot_be_written_holds_up_nothing,
    a_file_that_cannot_be_opened_is_code_3,
    colours_can_be_chosen,
);

/// A path for a file of a test, which is removed at the end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(on: On, name: &str) -> Self {
        let name = format!("stelo-{}-{on:?}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("the path is UTF-8")
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // A file that stays behind does not make the test fail.
        let _ = fs::remove_file(&self.0);
    }
}

fn an_access_line_has_the_format_of_the_setting(on: On) {
    let format = r#"%(h)s "%(r)s" %(s)s %(b)s "%(a)s" %({cookie}i)s %({content-type}o)s %(request_id)s"#;
    let (process, address) = Process::serve(on, &["--access-log-format", format]);
    let mut client = Client::connect(address);
    client.send(
        "GET /plaintext?a HTTP/1.1\r\nhost: a\r\nuser-agent: a\"b\r\ncookie: id=1\r\nx-request-id: r1\r\n\r\n",
    );
    assert_eq!(client.answer().status, 200);
    client.send("HEAD /plaintext HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert_eq!(
        process.access_line(),
        r#"127.0.0.1 "GET /plaintext?a HTTP/1.1" 200 13 "a\"b" [redacted] text/plain; charset=utf-8 r1"#
    );
    assert_eq!(
        process.access_line(),
        r#"127.0.0.1 "HEAD /plaintext HTTP/1.1" 200 - "-" - text/plain; charset=utf-8 -"#
    );
}

fn a_response_that_streams_is_logged_at_its_end(on: On) {
    let (process, address) = Process::serve(on, &["--access-log-format", "%(U)s %(B)s %(T)s"]);
    let length = get(address, "/stream").1.len();
    assert_eq!(process.access_line(), format!("/stream {length} 0"));
    let (process, address) = Process::serve(on, &[]);
    let mut client = Client::connect(address);
    client.get("/stream");
    let line = format!("INFO:     {} - \"GET /stream HTTP/1.1\" 200 OK", client.address());
    assert_eq!(process.access_line(), line);
}

fn a_response_that_is_cut_off_is_logged_with_its_bytes(on: On) {
    let (process, address) = Process::serve(on, &["--access-log-format", "%(U)s %(s)s %(B)s"]);
    let mut client = Client::connect(address);
    client.send("GET /bytes/10000000 HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(client.head().map(|head| head.status), Some(200));
    drop(client);
    let line = process.access_line();
    let bytes = line.strip_prefix("/bytes/10000000 200 ").and_then(|bytes| bytes.parse::<u64>().ok());
    assert!(bytes.is_some_and(|bytes| bytes < 10_000_000), "{line}");
}

fn json_lines_can_be_parsed(on: On) {
    let (process, address) = Process::serve(on, &["--log-format", "json"]);
    let mut client = Client::connect(address);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    client.send(format!(
        "GET /plaintext?%0A HTTP/1.1\r\nhost: a\r\ntraceparent: 00-{trace}-00f067aa0ba902b7-01\r\n\r\n"
    ));
    assert_eq!(client.answer().status, 200);
    let line: serde_json::Value =
        serde_json::from_str(&process.access_line()).expect("the line is a JSON object");
    let address = client.address().to_string();
    let expected: [(&str, serde_json::Value); 10] = [
        ("level", "info".into()),
        ("target", "stelo.access".into()),
        ("pid", process.id().into()),
        ("client", address.into()),
        ("method", "GET".into()),
        ("request_target", "/plaintext?%0A".into()),
        ("version", "HTTP/1.1".into()),
        ("status", 200.into()),
        ("bytes", 13.into()),
        ("trace_id", trace.into()),
    ];
    for (key, value) in expected {
        assert_eq!(line[key], value, "{key}: {line}");
    }
    assert!(line["duration_us"].is_u64() && line["ts"].is_string(), "{line}");
}

fn lines_go_to_files(on: On) {
    let (access, server) = (Temporary::new(on, "access.log"), Temporary::new(on, "server.log"));
    fs::write(&access.0, "an older line\n").expect("the file can be written");
    let args = ["--port", "0", "--access-logfile", access.path(), "--error-logfile", server.path()];
    let process = Process::start(command(on).args(args));
    let address = loop {
        let text = fs::read_to_string(&server.0).unwrap_or_default();
        let line = text.lines().find(|line| line.contains("Stelo running on http://"));
        let address = line.and_then(|line| line.split("http://").nth(1)?.split(' ').next()?.parse().ok());
        if let Some(address) = address {
            break address;
        }
        std::thread::yield_now();
    };
    assert_eq!(get(address, "/plaintext").0, 200);
    assert_eq!(get(address, "/panic").0, 500);
    process.signal("TERM");
    let (_, log, out) = process.wait();
    assert_eq!((log, out), (vec![], vec![]));
    let text = fs::read_to_string(&access.0).expect("the file exists");
    assert!(text.starts_with("an older line\nINFO:     127.0.0.1:"), "{text}");
    assert!(text.lines().count() == 3 && text.contains("\"GET /plaintext HTTP/1.1\" 200 OK\n"), "{text}");
    let text = fs::read_to_string(&server.0).expect("the file exists");
    assert!(text.contains("ERROR:    Panic at ") && text.contains("Finished server process"), "{text}");
}

fn a_file_that_cannot_be_written_holds_up_nothing(on: On) {
    if !std::path::Path::new("/dev/full").exists() {
        eprintln!("not run: this system has no /dev/full");
        return;
    }
    let (process, address) = Process::serve(on, &["--access-logfile", "/dev/full"]);
    for _ in 0..100 {
        assert_eq!(get(address, "/plaintext").0, 200);
    }
    process.signal("TERM");
    let (_, log, _) = process.wait();
    let line = log.iter().find(|line| line.contains("of the log were dropped"));
    assert!(line.is_some_and(|line| line.ends_with("/dev/full did not accept them")), "{log:#?}");
}

fn a_file_that_cannot_be_opened_is_code_3(on: On) {
    for option in ["--access-logfile", "--error-logfile"] {
        let (status, log, out) = Process::start(command(on).args([option, "/nowhere/a.log"])).wait();
        assert_eq!((status.code(), log.len(), out.len()), (Some(3), 1, 0), "{log:?}");
        assert!(log[0].starts_with("ERROR:    cannot open /nowhere/a.log for the log: "), "{log:?}");
    }
}

fn colours_can_be_chosen(on: On) {
    let mut coloured = command(on);
    coloured.args(["--port", "0", "--use-colors"]).env("NO_COLOR", "1");
    let process = Process::start(&mut coloured);
    assert!(process.line().starts_with("\x1b[32mINFO\x1b[0m:     Started"));
    let mut plain = command(on);
    plain.args(["--port", "0", "--no-use-colors"]).env("FORCE_COLOR", "1");
    let process = Process::start(&mut plain);
    assert!(process.line().starts_with("INFO:     Started"));
}
