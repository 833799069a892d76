use std::io;
use std::sync::{Arc, Mutex};

use stelo_core::http::Method;
use tracing::subscriber::with_default;
use tracing::{Level, debug, enabled, error, info_span, trace, warn};

use super::lines::{Output, colours};
use super::sink::streams;
use super::*;
use crate::LogLevel;
use crate::config::LogFormat;

/// Returns an output that appends its lines to `lines`, with a mark before each.
fn output(lines: &Arc<Mutex<Vec<String>>>, mark: &'static str, coloured: bool) -> Output {
    let lines = lines.clone();
    let print = move |line: &str| lines.lock().unwrap().push(format!("{mark}{line}"));
    Output { form: LogFormat::Text, coloured, print: Arc::new(print) }
}

/// Returns the lines that `events` writes.
fn written(config: &Config, coloured: bool, events: impl FnOnce()) -> Vec<String> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let output = output(&lines, "", coloured);
    with_default(Lines::new(&config.log, output.clone(), output), events);
    lines.lock().unwrap().clone()
}

fn all_levels() {
    error!("e");
    warn!("w");
    info!("i");
    debug!("d");
    trace!("t");
}

fn request(client: Option<&str>, status: u16) {
    let client = client.map(|text| match text.parse() {
        Ok(address) => Address::Ip(address),
        Err(_) => Address::Unix(text.into()),
    });
    let head = RequestHead::new(Method::Get, "/a%2Fb?y=%0A").unwrap();
    access(client.as_ref(), &head, Status::new(status).unwrap());
}

#[test]
fn each_level_has_its_prefix() {
    let lines = written(&Config::new().log_level(LogLevel::Trace), false, all_levels);
    assert_eq!(lines, ["ERROR:    e\n", "WARNING:  w\n", "INFO:     i\n", "DEBUG:    d\n", "TRACE:    t\n"]);
}

#[test]
fn each_level_includes_those_above_it() {
    for (level, lines) in [
        (LogLevel::Critical, 1),
        (LogLevel::Error, 1),
        (LogLevel::Warning, 2),
        (LogLevel::Info, 3),
        (LogLevel::Debug, 4),
        (LogLevel::Trace, 5),
    ] {
        assert_eq!(written(&Config::new().log_level(level), false, all_levels).len(), lines, "{level}");
    }
}

#[test]
fn fields_follow_the_message() {
    let lines = written(&Config::new(), false, || {
        info!(target: "shop", user = 7, name = "Ann", "bought {}", "tea");
        info!(answer = 42);
    });
    assert_eq!(lines, ["INFO:     bought tea user=7 name=\"Ann\"\n", "INFO:     answer=42\n"]);
}

#[test]
fn a_field_may_log_while_it_is_written() {
    struct Talkative;
    impl fmt::Display for Talkative {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            info!("inside");
            f.write_str("outside")
        }
    }
    let lines = written(&Config::new(), false, || {
        info!("a longer line, whose memory is used again");
        info!("{}", Talkative);
    });
    // Whether the one inside has a line depends on how the subscriber was installed.
    assert_eq!(lines.last().map(String::as_str), Some("INFO:     outside\n"));
}

#[test]
fn events_in_spans_are_like_others() {
    let lines = written(&Config::new(), false, || {
        let span = info_span!("order", number = field::Empty);
        span.record("number", 7);
        span.clone().in_scope(|| info!("packed"));
    });
    assert_eq!(lines, ["INFO:     packed\n"]);
}

#[test]
fn a_client_cannot_forge_a_line() {
    let lines = written(&Config::new(), false, || {
        info!(query = %"a\r\nINFO:     b", "\x1b[2Jé\u{9b}");
        request(Some("/tmp/\n"), 200);
    });
    assert_eq!(
        lines,
        [
            "INFO:     \\u{1b}[2Jé\\u{9b} query=a\\r\\nINFO:     b\n",
            "INFO:     /tmp/\\n - \"GET /a%2Fb?y=%0A HTTP/1.1\" 200 OK\n",
        ]
    );
}

#[test]
fn an_access_line_is_one_write() {
    let lines = written(&Config::new(), false, || {
        request(Some("127.0.0.1:44650"), 200);
        request(Some("[::1]:5"), 404);
        request(None, 299);
    });
    assert_eq!(
        lines,
        [
            "INFO:     127.0.0.1:44650 - \"GET /a%2Fb?y=%0A HTTP/1.1\" 200 OK\n",
            "INFO:     ::1:5 - \"GET /a%2Fb?y=%0A HTTP/1.1\" 404 Not Found\n",
            "INFO:      - \"GET /a%2Fb?y=%0A HTTP/1.1\" 299 \n",
        ]
    );
}

#[test]
fn a_handshake_has_a_line_of_its_own() {
    let head = RequestHead::new(Method::Get, "/chat?room=%0A").unwrap();
    let lines = |coloured| {
        written(&Config::new(), coloured, || {
            handshake(None, &head, Status::SWITCHING_PROTOCOLS);
            handshake(None, &head, Status::FORBIDDEN);
        })
    };
    assert_eq!(
        lines(false),
        [
            "INFO:      - \"WebSocket /chat?room=%0A\" [accepted]\n",
            "INFO:      - \"WebSocket /chat?room=%0A\" 403\n",
        ]
    );
    assert_eq!(
        lines(true)[1],
        "\x1b[32mINFO\x1b[0m:      - \"\x1b[1mWebSocket /chat?room=%0A\x1b[0m\" \x1b[31m403\x1b[0m\n"
    );
}

#[test]
fn access_lines_can_be_left_out() {
    let both = || {
        info!(target: SERVER, "enabled: {}", enabled!(target: ACCESS, Level::INFO));
        request(None, 200);
    };
    let lines = written(&Config::new(), false, both);
    assert_eq!((lines.len(), lines[0].as_str()), (2, "INFO:     enabled: true\n"));
    assert_eq!(written(&Config::new().access_log(false), false, both), ["INFO:     enabled: false\n"]);
    assert!(written(&Config::new().log_level(LogLevel::Warning), false, both).is_empty());
}

#[test]
fn a_target_can_have_a_level_of_its_own() {
    let mut config = Config::new();
    config.log.levels = vec![
        ("shop".into(), LogLevel::Warning),
        ("shop::cart".into(), LogLevel::Trace),
        (ACCESS.into(), LogLevel::Error),
    ];
    let lines = written(&config, false, || {
        info!(target: "shop", "not this");
        warn!(target: "shop.till", "shop.till");
        info!(target: "shop::till", "nor this");
        trace!(target: "shop::cart::item", "shop::cart::item");
        info!(target: "shopping", "shopping");
        request(None, 200);
    });
    assert_eq!(lines, ["WARNING:  shop.till\n", "TRACE:    shop::cart::item\n", "INFO:     shopping\n"]);
}

#[test]
fn access_lines_have_an_output_of_their_own() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let (server, access) = (output(&lines, "server ", false), output(&lines, "access ", false));
    with_default(Lines::new(&Config::new().log, server, access), || {
        info!("one");
        request(None, 200);
    });
    assert_eq!(
        *lines.lock().unwrap(),
        ["server INFO:     one\n", "access INFO:      - \"GET /a%2Fb?y=%0A HTTP/1.1\" 200 OK\n"]
    );
}

#[test]
fn an_access_line_of_another_format_is_only_that() {
    let lines = written(&Config::new(), true, || info!(target: ACCESS, "127.0.0.1 {}", "a\nb"));
    assert_eq!(lines, ["127.0.0.1 a\\nb\n"]);
}

#[test]
fn json_lines_are_objects() {
    let config = Config::new().log_format(LogFormat::Json);
    let lines = written(&config, true, || {
        warn!(target: "shop", user = 7, ratio = f64::NAN, who = "A\"\n\u{1b}", level = true, "sold \\ out");
        request(Some("127.0.0.1:44650"), 404);
    });
    let rest = |line: &str| {
        let (time, rest) = line.split_once(",\"level\"").expect("a level follows the time");
        assert!(time.starts_with("{\"ts\":\"20") && time.ends_with("Z\""), "{time}");
        rest.replace(&format!("\"pid\":{},", std::process::id()), "")
    };
    assert_eq!(
        rest(&lines[0]),
        ":\"warning\",\"target\":\"shop\",\"message\":\"sold \\\\ out\",\"user\":7,\"ratio\":\"NaN\",\
         \"who\":\"A\\\"\\n\\u001b\",\"_level\":true}\n"
    );
    assert_eq!(
        rest(&lines[1]),
        ":\"info\",\"target\":\"stelo.access\",\"client\":\"127.0.0.1:44650\",\"method\":\"GET\",\
         \"request_target\":\"/a%2Fb?y=%0A\",\"version\":\"HTTP/1.1\",\"status\":404}\n"
    );
}

#[test]
fn colours_are_those_of_uvicorn() {
    let lines = written(&Config::new(), true, || {
        warn!("w");
        request(None, 503);
    });
    assert_eq!(
        lines,
        [
            "\x1b[33mWARNING\x1b[0m:  w\n",
            "\x1b[32mINFO\x1b[0m:      - \"\x1b[1mGET /a%2Fb?y=%0A HTTP/1.1\x1b[0m\" \x1b[91m503 Service Unavailable\x1b[0m\n",
        ]
    );
}

#[test]
fn colours_follow_the_environment_and_the_stream() {
    let file = std::fs::File::open(env!("CARGO_MANIFEST_DIR")).unwrap();
    let with = |names: &'static [&str]| colours(&file, |name| names.contains(&name).then(|| "1".into()));
    assert!(!with(&[]) && with(&["FORCE_COLOR"]) && !with(&["FORCE_COLOR", "NO_COLOR"]));
    assert!(!colours(&file, |_| Some("".into())), "an empty variable is as good as none");
}

#[test]
fn a_thread_that_holds_standard_error_does_not_hold_up_the_log() {
    let held = io::stderr().lock();
    // Not on this thread, to which the lock is open.
    let wrote = std::thread::spawn(|| {
        let server = &streams().stderr;
        server.line("a line of a test\n");
        server.flush();
        server.is_idle()
    });
    assert!(wrote.join().expect("it does not panic"), "the line waits for the lock");
    drop(held);
}
