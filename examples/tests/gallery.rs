//! The example `gallery`: login, upload, events, the board, the API, and what it refuses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::browser::Browser;
use crate::served::{HANDSHAKE, cookie_of, location_of, serve};
use crate::{Example, parts};

const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"><path fill=\"#c0ffee\"/></svg>";

/// Logs in, and returns the field with the cookie.
fn log_in(example: &Example) -> String {
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let answer = example.ask("POST /login", form, "name=ada&password=correct+horse&next=/add");
    assert_eq!((parts(&answer).0, location_of(&answer)), ("303", "/add"));
    cookie_of(&answer)
}

/// Sends the form for a new drawing.
fn upload(example: &Example, fields: &str, title: &str, file: &str) -> String {
    let head = "--B\r\ncontent-disposition: form-data; name=";
    let form =
        format!("{head}title\r\n\r\n{title}\r\n{head}picture; filename=\"a.svg\"\r\n\r\n{file}\r\n--B--\r\n");
    example.ask("POST /add", &format!("content-type: multipart/form-data; boundary=B\r\n{fields}"), &form)
}

#[test]
fn its_pages_are_whole() {
    let example = serve("gallery");
    for page in ["/", "/drawings/1", "/login", "/board", "/colophon"] {
        let answer = example.ask(&format!("GET {page}"), "", "");
        assert_eq!(parts(&answer).0, "200", "{page}");
        let (_, policy) = answer.split_once("script-src 'nonce-").expect("a policy with a nonce");
        let nonce = policy.split('\'').next().unwrap_or_default();
        assert!(parts(&answer).1.contains(&format!("<script nonce=\"{nonce}\"")), "{page}");
    }
    for (page, status) in [("/nowhere", "404"), ("/drawings/99", "404"), ("/broken", "500")] {
        let answer = example.ask(&format!("GET {page}"), "", "");
        assert!(parts(&answer).0 == status && parts(&answer).1.contains("Back to the wall"), "{answer}");
        let (_, policy) = answer.split_once("script-src 'nonce-").expect("a policy with a nonce");
        let nonce = policy.split('\'').next().unwrap_or_default();
        assert!(parts(&answer).1.contains(&format!("<script nonce=\"{nonce}\"")), "{page}");
    }
    // The style sheet has a hash in its URL, and is kept for a year.
    let page = example.ask("GET /", "", "");
    let (_, style) = page.split_once("site.css?v=").expect("a style sheet");
    let hash = style.split('"').next().unwrap_or_default();
    let style = example.ask(&format!("GET /static/site.css?v={hash}"), "", "");
    assert!(style.contains("immutable") && style.contains("prefers-color-scheme"), "{style}");
    let packed = example.ask("HEAD /static/site.css", "accept-encoding: gzip\r\n", "");
    assert!(packed.contains("content-encoding: gzip\r\n"), "{packed}");

    let part = example.ask("GET /drawings/1.svg", "range: bytes=0-3\r\n", "");
    assert_eq!(parts(&part), ("206", "<svg"));
    let whole = example.ask("GET /drawings/1.svg?download=true", "", "");
    assert!(
        whole.contains("content-disposition: attachment; filename") && whole.contains("valleys.svg"),
        "{whole}"
    );
    let (_, etag) = whole.split_once("etag: ").expect("files have an entity tag");
    let etag = etag.split("\r\n").next().unwrap_or_default();
    let again = example.ask("GET /drawings/1.svg", &format!("if-none-match: {etag}\r\n"), "");
    assert_eq!(parts(&again).0, "304");
    let poster = example.ask("GET /poster.svg", "", "");
    assert_eq!(parts(&poster).1.matches("<svg ").count(), 13);
    assert!(example.ask("GET /poster.svg", "", "").contains("age: 0\r\n"), "from the cache");
    example.stop();
}

#[test]
fn a_user_logs_in_and_adds_a_drawing() {
    let example = serve("gallery");
    let login = example.ask("GET /add", "", "");
    assert!(location_of(&login).contains("/login?next="), "{login}");
    let cookie = log_in(&example);
    let page = example.ask("GET /add", &cookie, "");
    assert!(parts(&page).1.contains("Welcome, ada.") && parts(&page).1.contains("Log out"), "{page}");
    assert!(!example.ask("GET /add", &cookie, "").contains("Welcome"), "a message is shown once");

    // Every field that is wrong is named, and the title stays.
    let refused = upload(&example, &cookie, "A", "no picture");
    assert_eq!(parts(&refused).0, "422");
    for text in ["a title has 2 to 60 characters", "the file is not an SVG", "value=\"A\""] {
        assert!(refused.contains(text), "{text}: {refused}");
    }
    let json = format!("{cookie}accept: application/json\r\n");
    let refused = upload(&example, &json, "", "");
    assert!(refused.contains("content-type: application/problem+json\r\n"), "{refused}");
    assert!(refused.contains(r#""picture":"the file is empty","title":"a title has"#), "{refused}");
    let large = upload(&example, &json, "Large", &"x".repeat((4 << 20) + 1));
    assert!(parts(&large).0 == "413" && large.contains("larger than 4 MiB"), "{large}");
    // A page of another site cannot add one for the user.
    let foreign = format!("{cookie}origin: http://evil.example\r\nsec-fetch-site: cross-site\r\n");
    assert_eq!(parts(&upload(&example, &foreign, "Evil", SVG)).0, "403");

    let added = upload(&example, &cookie, "A cup of <coffee>", SVG);
    assert_eq!((parts(&added).0, location_of(&added)), ("303", "/drawings/13"));
    assert_eq!(parts(&example.ask("GET /drawings/13.svg", "", "")).1, SVG);
    let wall = example.ask("GET /", &cookie, "");
    assert!(wall.contains("A cup of &lt;coffee&gt;") && wall.contains("hangs on the wall"), "{wall}");
    let large = upload(&example, &json, "A heavy one", &format!("{SVG}<!--{}-->", "x".repeat(3 << 20)));
    assert!(parts(&large).0 == "201" && large.contains("location: /drawings/14\r\n"), "{large}");

    let left = example.ask("POST /logout", &cookie, "");
    let cookie = cookie_of(&left);
    assert!(example.ask("GET /", &cookie, "").contains("You have left."));
    assert!(parts(&example.ask("GET /add", &cookie, "")).0 == "303", "the session has ended");
    example.stop();
}

/// Opens the feed of news, and returns its lines behind the head.
fn feed(example: &Example, fields: &str) -> impl Iterator<Item = String> + use<> {
    let mut stream = TcpStream::connect(&example.address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("not zero");
    let request = format!("GET /news HTTP/1.1\r\nhost: a\r\n{fields}\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    BufReader::new(stream)
        .lines()
        .map(|line| line.expect("the feed goes on"))
        .skip_while(|line| !line.is_empty())
}

/// Asks the API for a drawing.
fn commission(example: &Example, title: &str) -> String {
    let fields = "content-type: application/json\r\nauthorization: Bearer demo-token\r\n";
    let wish = format!(r#"{{"title":"{title}","artist":"A program","style":"orbits","seed":7}}"#);
    example.ask("POST /api/drawings", fields, &wish)
}

#[test]
fn the_feed_reports_visitors_and_drawings_and_repeats_missed_ones() {
    let example = serve("gallery");
    let mut ada = feed(&example, "");
    assert!(ada.any(|line| line == "data: 1"), "the first visitor");
    let mut bob = feed(&example, "");
    assert!(bob.any(|line| line == "data: 2"));
    assert!(ada.any(|line| line == "data: 2"), "another visitor");
    assert_eq!(parts(&commission(&example, "First")).0, "201");
    assert!(ada.any(|line| line == "data: 13"));
    let id = ada.find(|line| line.starts_with("id: ")).expect("a drawing has an id");
    drop(bob);
    assert!(ada.any(|line| line == "data: 1"), "a visitor has left");
    drop(ada);

    assert_eq!(parts(&commission(&example, "Second")).0, "201");
    let mut ada = feed(&example, &format!("last-event-id: {}\r\n", &id[4..]));
    assert!(ada.any(|line| line == "data: 14"), "it came between");
    let card = example.ask("GET /drawings/14/card", "", "");
    assert!(parts(&card).1.trim_start().starts_with("<li class=\"card\" id=\"drawing-14\">"), "{card}");
    example.stop();
}

#[test]
fn the_board_is_shared() {
    let example = serve("gallery");
    let open = || {
        let mut stream = TcpStream::connect(&example.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("not zero");
        let request = format!("GET /board HTTP/1.1\r\nhost: a\r\n{HANDSHAKE}\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("an answer");
            head.extend(byte);
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "));
        stream
    };
    let stroke = br#"{"pen":1,"points":[[10.0,10.0],[20.0,30.0]]}"#;
    // A text message with an empty mask.
    let say = |stream: &mut TcpStream, text: &[u8]| {
        let frame = [&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0], text].concat();
        stream.write_all(&frame).expect("it reads");
    };
    let hear = |stream: &mut TcpStream| {
        let mut frame = vec![0; stroke.len() + 2];
        stream.read_exact(&mut frame).expect("a stroke");
        frame.split_off(2)
    };
    let (mut ada, mut bob) = (open(), open());
    say(&mut ada, stroke);
    assert_eq!((hear(&mut ada), hear(&mut bob)), (stroke.to_vec(), stroke.to_vec()));
    assert_eq!(hear(&mut open()), stroke, "who comes later sees it too");
    assert!(example.ask("GET /board", "", "").contains("<polyline points=\"10.0,10.0 20.0,30.0\""));
    say(&mut bob, br#"{"pen":9,"points":[[0,0]]}"#);
    let mut end = Vec::new();
    bob.read_to_end(&mut end).expect("a close");
    assert_eq!(end[2..4], 1008_u16.to_be_bytes(), "no such pen");
    let foreign = example.ask("GET /board", &format!("{HANDSHAKE}origin: http://evil.example\r\n"), "");
    assert_eq!(parts(&foreign).0, "403");

    let cookie = log_in(&example);
    let hung = example.ask("POST /board/hang", &cookie, "");
    assert_eq!(location_of(&hung), "/drawings/13");
    assert!(example.ask("GET /drawings/13.svg", "", "").contains("points=\"10.0,10.0 20.0,30.0\""));
    assert_eq!(location_of(&example.ask("POST /board/hang", &cookie, "")), "/board", "it is wiped");
    example.stop();
}

#[test]
fn the_api_answers_programs_and_the_sites_that_it_knows() {
    let example = Example::with("gallery", &["--port", "0"], &[("GALLERY_ORIGINS", "http://friend.example")]);
    let list = example.ask("GET /api/drawings?artist=Ada", "", "");
    let drawings: Vec<serde_json::Value> = serde_json::from_str(parts(&list).1).expect("it is JSON");
    assert_eq!(drawings.len(), 2);
    assert!(list.contains("etag: ") && list.contains("ratelimit: \"api\""), "{list}");
    let lines = example.ask("GET /api/drawings.jsonl", "", "");
    assert_eq!(lines.matches("{\"id\":").count(), 12);

    let json = "content-type: application/json\r\n";
    let wish = r#"{"title":"T","artist":"A","style":"tiles","seed":1}"#;
    let refused = example.ask("POST /api/drawings", json, wish);
    assert!(parts(&refused).0 == "401" && refused.contains("application/problem+json"), "{refused}");
    let token = format!("{json}authorization: Bearer demo-token\r\n");
    let refused = example.ask("POST /api/drawings", &token, wish);
    assert!(
        refused.contains(r#""pointer":"/title""#) && refused.contains(r#""pointer":"/artist""#),
        "{refused}"
    );
    let added = commission(&example, "By a program");
    assert!(parts(&added).0 == "201" && added.contains("location: /api/drawings/13\r\n"), "{added}");
    assert!(example.ask("GET /api/drawings/13", "", "").contains("By a program"));

    let preflight =
        "access-control-request-method: POST\r\naccess-control-request-headers: authorization\r\n";
    let friend =
        example.ask("OPTIONS /api/drawings", &format!("{preflight}origin: http://friend.example\r\n"), "");
    assert!(friend.contains("access-control-allow-origin: http://friend.example\r\n"), "{friend}");
    let other =
        example.ask("OPTIONS /api/drawings", &format!("{preflight}origin: http://other.example\r\n"), "");
    assert!(parts(&other).0 == "400" && !other.contains("access-control-allow-origin"), "{other}");
    example.stop();
}

/// A visitor sees a drawing come, logs in, and adds one by the script of the form.
#[test]
fn a_visitor_uses_it_in_a_browser() {
    let example = serve("gallery");
    let Some(browser) = Browser::start() else { return };
    let url = |path: &str| format!("http://{}{path}", example.address);
    let mut wall = browser.open(&url("/"));
    wall.until("document.body.classList.contains('live') && +visitors.textContent == 1");
    assert_eq!(parts(&commission(&example, "While you look")).0, "201");
    wall.until("document.querySelector('.card .title').textContent == 'While you look'");
    wall.until("document.querySelector('.card .colours rect')");

    let mut login = browser.open(&url("/login"));
    login.until(
        "(window.sent ??= fetch('/login', { method: 'POST', body: new URLSearchParams({ name: 'ada', \
         password: 'correct horse' }) }).then(response => { window.done = response.ok }), window.done)",
    );
    let mut add = browser.open(&url("/add"));
    add.until(
        "(window.sent ??= (title.value = 'From a browser', \
         files = new DataTransfer(), files.items.add(new File(['<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>'], \
         'a.svg')), picture.files = files.files, upload.requestSubmit(), 1))",
    );
    add.until("outcome.textContent.includes('From a browser')");
    wall.until("document.querySelector('.card .title').textContent == 'From a browser'");
    example.stop();
}
