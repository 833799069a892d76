//! Tests of each rule, and test vectors from Starlette.

mod reports;
mod reverse;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::*;
use crate::http::Method;
use Method::{Delete, Get, Head, Options, Post, Put};

fn table(build: impl FnOnce(&mut Builder<&'static str>)) -> Router<&'static str> {
    let mut builder = Builder::new();
    build(&mut builder);
    builder.build().unwrap()
}

fn error(build: impl FnOnce(&mut Builder<&'static str>)) -> String {
    let mut builder = Builder::new();
    build(&mut builder);
    builder.build().unwrap_err().to_string()
}

/// Formats the result of a look-up: `value name=captured …`, with `+length` after a mount.
fn ask(router: &Router<&'static str>, host: &str, method: &Method, path: &str) -> String {
    let mut captures = Captures::new();
    let found = match router.find(host, path, method, &mut captures) {
        Found::Match(found) => found,
        Found::MethodNotAllowed { allow } => return format!("405 {allow}"),
        Found::Redirect(slash) => return format!("307 {}", slash.apply(path)),
        Found::NotFound => return "404".into(),
    };
    let text = if found.part == Matched::Host { host } else { path };
    let mut line = String::from(*found.value);
    if let Matched::Prefix { length } = found.part {
        line += &format!("+{length}");
    }
    for (name, value) in captures.values(router.params(found.route), text) {
        line += &format!(" {name}={value}");
    }
    line
}

fn get(router: &Router<&'static str>, path: &str) -> String {
    ask(router, "", &Get, path)
}

fn check(router: &Router<&'static str>, cases: &[(&str, &str)]) {
    for (path, found) in cases {
        assert_eq!(get(router, path), *found, "{path}");
    }
}

#[test]
fn test_vectors_of_starlette() {
    let router = table(|t| {
        t.route("/", Get, "home");
        t.route("/a", [Get, Post], "a");
        t.route("/a", Put, "put a");
        t.route("/s/", Get, "s");
        t.route("/u/{id:int}", Get, "id");
        t.route("/u/{name}", Delete, "name");
        t.route("/f/{x:float}", Get, "f");
        t.route("/pp/{rest:path}", Get, "pp");
        t.route("/pp2/{rest:path}/end", Get, "pp2");
        t.mount("/m", "m");
        t.mount("/n/{x:int}", "n");
    });
    let foo = Method::from_bytes(b"FOO").unwrap();
    for (method, path, found) in [
        (&Post, "/", "405 GET, HEAD"),
        (&Head, "/a", "a"),
        (&Put, "/a", "put a"),
        (&Delete, "/a", "405 GET, HEAD, POST, PUT"),
        (&Options, "/a", "405 GET, HEAD, POST, PUT"),
        (&foo, "/a", "405 GET, HEAD, POST, PUT"),
        (&Get, "/a/", "307 /a"),
        (&Get, "/a//", "307 /a"),
        (&Get, "/s", "307 /s/"),
        (&Post, "/s", "307 /s/"),
        (&Get, "/u/", "404"),
        (&Get, "/u/7", "id id=7"),
        (&Get, "/u/abc", "405 DELETE"),
        (&Delete, "/u/12", "name name=12"),
        (&Put, "/u/12", "405 DELETE, GET, HEAD"),
        (&Get, "/u/1/2", "404"),
        (&Get, "/f/1", "f x=1"),
        (&Get, "/f/1.5", "f x=1.5"),
        (&Get, "/f/1.", "404"),
        (&Get, "/f/-1", "404"),
        (&Get, "/pp/", "pp rest="),
        (&Get, "/pp", "307 /pp/"),
        (&Get, "/pp/a/b", "pp rest=a/b"),
        (&Get, "/pp2//end", "pp2 rest="),
        (&Get, "/pp2/x/y/end", "pp2 rest=x/y"),
        (&Get, "/pp2/end", "404"),
        (&Get, "/m", "307 /m/"),
        (&Get, "/m/", "m+2"),
        (&foo, "/m/x", "m+2"),
        (&Get, "/mx", "404"),
        (&Get, "/n/5", "307 /n/5/"),
        (&Get, "/n/5/z", "n+4 x=5"),
        (&Get, "/n/q", "404"),
        (&Get, "//a", "404"),
        (&Get, "/a\n", "404"),
        // The path after a root path that is the whole path.
        (&Get, "", "307 /"),
        (&Get, "//", "404"),
        (&Options, "*", "404"),
    ] {
        assert_eq!(ask(&router, "", method, path), found, "{method} {path}");
    }
}

#[test]
fn the_first_declared_wins() {
    let router = table(|t| {
        t.route("/u/{name}", Get, "name");
        t.route("/u/me", Get, "me");
        t.route("/v/me", Get, "me");
        t.route("/v/{name}", Get, "name");
        t.route("/w/{n:int}", Get, "int");
        t.route("/w/{s}", Get, "str");
        t.route("/w/7", Get, "seven");
        t.mount("/w", "mount");
        t.route("/w/x/y", Get, "never");
    });
    for (path, found) in [
        ("/u/me", "name name=me"),
        ("/v/me", "me"),
        ("/v/you", "name name=you"),
        ("/w/7", "int n=7"),
        ("/w/x", "str s=x"),
        ("/w/x/y", "mount+2"),
    ] {
        assert_eq!(get(&router, path), found, "{path}");
    }
}

#[test]
fn captures_equal_those_of_a_greedy_regular_expression() {
    for (pattern, path, found) in [
        ("/{a}.{b}", "/x.y.z", "a=x.y b=z"),
        ("/{a}{b}", "/xyz", "a=xy b=z"),
        ("/{a}-{b}-{c}", "/1-2-3-4", "a=1-2 b=3 c=4"),
        ("/{f}.png", "/a.png.png", "f=a.png"),
        ("/v{n:int}{rest}", "/v123", "n=12 rest=3"),
        ("/v{n:int}", "/v12", "n=12"),
        ("/p({n:int})", "/p(7)", "n=7"),
        ("/{name}:disable", "/tom:disable", "name=tom"),
        ("/{a:float}.{b:int}", "/1.5.7", "a=1.5 b=7"),
        ("/{a:float}.{b}", "/1.57", "a=1 b=57"),
        ("/{a:float}{b}", "/1.57", "a=1.5 b=7"),
        ("/{a:float}{b}", "/1.5", "a=1 b=.5"),
        ("/{a:path}/{b:path}", "/1/2/3", "a=1/2 b=3"),
        ("/{a:path}/x/{b}", "/x/x/x/x", "a=x/x b=x"),
        ("/{a:path}{b:path}", "/xy", "a=xy b="),
        (
            "/{id:uuid}{x}",
            "/ec38df32-ceda-4cfa-9b4a-1aeb94ad551ab",
            "id=ec38df32-ceda-4cfa-9b4a-1aeb94ad551a x=b",
        ),
        ("/{a}é{b}", "/üéü", "a=ü b=ü"),
        ("/{a}{b}", "/üé", "a=ü b=é"),
        ("/{a}", "/a\nb", "a=a\nb"),
        ("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}", "/1/2/3/4/5/6/7/8", "a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8"),
    ] {
        let router = table(|t| {
            t.route(pattern, Get, "");
        });
        assert_eq!(get(&router, path).trim_start(), found, "{pattern} {path}");
    }
}

#[test]
fn captures_can_be_reused_for_every_look_up() {
    let router = table(|t| {
        t.route("/{a}/{b}/{c}/{d}/{e}/{f}/{g}", Get, "");
        t.route("/{a}", Get, "");
        t.route("/x/y", Get, "");
    });
    let mut captures = Captures::new();
    for (path, count) in
        [("/1/2/3/4/5/6/7", 7), ("/1", 1), ("/x/y", 0), ("/1", 1), ("/a/b/c/d/e/f/g", 7), ("/", 0)]
    {
        router.find("", path, &Get, &mut captures);
        assert_eq!((captures.len(), captures.is_empty()), (count, count == 0), "{path}");
        let text: Vec<_> = captures.ranges().map(|range| &path[range]).collect();
        assert_eq!(text.join("/"), if count > 0 { &path[1..] } else { "" });
    }
}

#[test]
fn a_mount_gets_every_path_below_it() {
    let router = table(|t| {
        t.mount("/a/", "a");
        t.mount("/{x:path}/deep", "deep");
        t.mount("/{y}", "y");
    });
    for (path, found) in [
        ("/a/", "a+2"),
        ("/a/b", "a+2"),
        ("/a//b", "a+2"),
        ("/1/2/deep/", "deep+9 x=1/2"),
        ("/1/deep/deep/x", "deep+12 x=1/deep"),
        ("/b/c", "y+2 y=b"),
        ("/b", "307 /b/"),
    ] {
        assert_eq!(get(&router, path), found, "{path}");
    }
    for prefix in ["", "/", "//"] {
        let all = table(|t| {
            t.mount(prefix, "all");
            t.route("/x", Get, "never");
        });
        assert_eq!(get(&all, "/x"), "all+0");
        assert_eq!(get(&all, "/"), "all+0");
        assert_eq!(get(&all, "*"), "404");
    }
}

#[test]
fn a_host_gets_every_path_and_method() {
    let router = table(|t| {
        t.route("/health", Get, "health");
        t.host("example.org:8000", "host");
        t.host("{sub}.Example.org", "sub");
        t.host("[::1]:80", "six");
        t.host("v{n:int}.net:80", "v");
        t.route("/x", Get, "x");
    });
    for (host, path, found) in [
        ("example.org", "/x", "host"),
        ("example.org:80", "/y", "host"),
        ("EXAMPLE.ORG", "/x", "host"),
        ("example.org.", "/x", "host"),
        ("a.example.org.:80", "/x", "sub sub=a"),
        ("example.org..", "/x", "x"),
        ("a.b.example.org:1", "/x", "sub sub=a.b"),
        ("A.Example.org", "/x", "sub sub=A"),
        (".example.org", "/x", "x"),
        ("[::1]:8000", "/x", "six"),
        ("[::1]", "/x", "six"),
        ("[::2]", "/x", "x"),
        ("v12.net", "/", "v n=12"),
        ("example.orga", "/x", "x"),
        ("", "/x", "x"),
        ("", "/y", "404"),
        ("example.org", "/health", "health"),
    ] {
        assert_eq!(ask(&router, host, &Get, path), found, "{host} {path}");
    }
    assert_eq!(ask(&router, "example.org", &Post, "/health"), "host");

    // The memory of the search for hosts is not used for paths.
    let alike = table(|t| {
        t.host("{a}{b}!", "host");
        t.route("/{a}{b}", Get, "path");
    });
    assert_eq!(ask(&alike, "aa.bb", &Get, "/12"), "path a=1 b=2");
}

#[test]
fn a_mount_point_matches_its_prefix_without_a_slash() {
    let router = table(|t| {
        t.mount("/m/{id:int}", "mount");
        t.mount_point("/m/{id:int}/", "point");
        t.route("/m/x", Get, "route");
    });
    check(
        &router,
        &[
            ("/m/7", "point+4 id=7"),
            ("/m/7/", "mount+4 id=7"),
            ("/m/7/a", "mount+4 id=7"),
            ("/m/x", "route"),
            ("/m", "404"),
        ],
    );
    assert_eq!(ask(&router, "", &Delete, "/m/7"), "point+4 id=7");
    assert_eq!(router.url_path_for("point", &[]).unwrap_err().to_string().find("no route"), Some(0));
}

#[test]
fn a_nested_table_can_have_a_route_for_the_empty_path() {
    let router = table(|t| {
        t.nested(true);
        t.route("", Get, "itself").named("itself");
        t.route("/x", Get, "x");
    });
    check(&router, &[("", "itself"), ("/x", "x"), ("/", "307 "), ("//", "307 "), ("/y", "404")]);
    assert_eq!(ask(&router, "", &Post, ""), "405 GET, HEAD");
    assert_eq!(router.url_path_for("itself", &[]).unwrap().path, "");

    let only_slash = table(|t| {
        t.nested(true);
        t.route("/", Get, "slash");
    });
    check(&only_slash, &[("", "307 /"), ("/", "slash")]);
    let top = error(|t| {
        t.route("", Get, "");
    });
    assert!(top.contains("must begin with `/`"));
}

#[test]
fn slashes_are_redirected_only_on_request() {
    let strict = table(|t| {
        t.redirect_slashes(false);
        t.route("/a", Get, "a");
        t.route("/b/", Get, "b");
    });
    assert_eq!(get(&strict, "/a/"), "404");
    assert_eq!(get(&strict, "/b"), "404");
}

#[test]
fn unknown_methods_are_routed() {
    let (purge, bind) = (Method::from_bytes(b"PURGE").unwrap(), Method::from_bytes(b"BIND").unwrap());
    let router = table(|t| {
        t.route("/a", [purge.clone(), Get], "a");
        t.route("/{x}", bind.clone(), "x");
        t.route("/any", Methods::ANY, "any");
    });
    assert_eq!(ask(&router, "", &purge, "/a"), "a");
    assert_eq!(ask(&router, "", &bind, "/a"), "x x=a");
    assert_eq!(ask(&router, "", &Post, "/a"), "405 BIND, GET, HEAD, PURGE");
    assert_eq!(ask(&router, "", &purge, "/any"), "any");
}

#[test]
fn custom_convertors() {
    struct Version;
    impl Convertor for Version {
        fn matches(&self, text: &str) -> bool {
            text.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
        }
    }
    struct Pair;
    impl Convertor for Pair {
        fn matches(&self, text: &str) -> bool {
            text.split('/').filter(|part| !part.is_empty()).count() == 2 && !text.ends_with('/')
        }
        fn spans_segments(&self) -> bool {
            true
        }
    }
    struct Bit;
    impl Convertor for Bit {
        fn matches(&self, text: &str) -> bool {
            matches!(text, "0" | "1")
        }
    }
    let router = table(|t| {
        t.convertor("version", Version).convertor("pair", Pair).convertor("int", Bit);
        t.route("/v/{v:version}", Get, "v");
        t.route("/f/{v:version}.tar", Get, "tar");
        t.route("/p/{p:pair}", Get, "p");
        t.route("/q/{p:pair}/end", Get, "q");
        t.route("/b/{b:int}", Get, "b");
        t.route("/{a}.{v:version}", Get, "av");
    });
    for (path, found) in [
        ("/v/1.2", "v v=1.2"),
        ("/v/1.x", "404"),
        ("/v/", "404"),
        ("/f/1.2.tar", "tar v=1.2"),
        ("/p/a/b", "p p=a/b"),
        ("/p/a", "404"),
        ("/q/a/b/end", "q p=a/b"),
        ("/q/a/end", "404"),
        ("/b/1", "b b=1"),
        ("/b/7", "404"),
        ("/x.1.2", "av a=x.1 v=2"),
    ] {
        assert_eq!(get(&router, path), found, "{path}");
    }
}

/// A search without the bound would take longer than the age of the universe.
#[test]
fn hostile_paths_take_bounded_work() {
    let many = |part: &str, count: usize| part.repeat(count);
    for (pattern, unit) in [
        (many("/{#:path}", 8) + "/end", "/a"),
        (many("{#:path}", 8) + "end", "e"),
        (String::from("/") + &many("{#}", 8) + "!", "a"),
        (String::from("/") + &many("{#}.", 8) + "!", "."),
        (String::from("/") + &many("{#:int}", 8) + "!", "0"),
        (String::from("/") + &many("{#:float}", 8) + "!", "1.1"),
        (many("/{#}.{#}", 6) + "!", "/a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a"),
        (many("/{#:path}{#:int}{#:float}{#}", 3) + "!", "/11.11"),
    ] {
        let mut pattern = pattern;
        for name in 'a'.. {
            let Some(at) = pattern.find('#') else { break };
            pattern.replace_range(at..=at, &name.to_string());
        }
        let pattern = if pattern.starts_with('/') { pattern } else { String::from("/") + &pattern };
        let mut builder = Builder::new();
        builder.route(&pattern, Get, ());
        let router = builder.build().unwrap();
        let path = String::from("/") + &unit.repeat(4000 / unit.len());
        let mut captures = Captures::new();
        assert_eq!(router.find("", &path, &Get, &mut captures), Found::NotFound, "{pattern}");
    }
}
