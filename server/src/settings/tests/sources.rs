//! Files, and which source decides.

use super::*;

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
            let outcome = read_with(&defaults, arguments, environment, Positional::None);
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
        let read =
            read_with(&defaults, &["shop", "--config", file.path()], &[], Positional::None).unwrap().config;
        let config = read_with(&defaults, given, &[], Positional::None).unwrap().config;
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
        let config = read_with(&defaults, &arguments, environment, Positional::None).unwrap().config;
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
        ("log-config = 'x'", "{}:1:log-config is an option of Uvicorn that is not implemented yet"),
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
