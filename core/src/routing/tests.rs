//! Tests of each rule, and test vectors from Starlette.

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

#[test]
fn errors_name_the_pattern() {
    struct Any;
    impl Convertor for Any {
        fn matches(&self, _: &str) -> bool {
            true
        }
    }
    let refused = |pattern: &'static str| {
        let message = error(|t| {
            t.convertor("any", Any);
            t.route(pattern, Get, "");
        });
        assert!(message.contains(&format!("`{pattern}`")), "{message}");
        message
    };
    assert!(refused("a").contains("begin with `/`"));
    assert!(refused("").contains("begin with `/`"));
    assert!(refused("/{x:nope}").contains("no convertor `nope`"));
    assert!(refused("/{x}/{x}").contains("`x` more than once"));
    assert!(refused("/{a}{b:any}x").contains("`b`"));
    assert!(refused("/{a:path}/{b:any}.x").contains("`b`"));
    assert!(
        error(|t| {
            t.mount("m", "");
        })
        .contains("`m`")
    );
    assert!(
        error(|t| {
            t.mount("/m/{path}", "");
        })
        .contains("`path` more than once")
    );
    assert!(
        error(|t| {
            t.host("/h", "");
        })
        .contains("`/h`")
    );
    assert!(
        error(|t| {
            t.route("/none", Methods::new(), "");
        })
        .contains("`/none`")
    );
    assert!(
        error(|t| {
            t.convertor("a-b", Any);
        })
        .contains("`a-b`")
    );
    // With fixed text around it, such a parameter can follow another one.
    for pattern in ["/{a}.{b:any}/c", "/{n:int}-{b:any}.x", "/{a}.x/{b:any}.{c}", "/{u:uuid}{b:any}x"] {
        table(|t| {
            t.convertor("any", Any);
            t.route(pattern, Get, "");
        });
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

fn shop() -> Router<Option<Router<&'static str>>> {
    let inner = table(|t| {
        t.route("/", Get, "").named("list");
        t.route("/{id:int}", Get, "").named("one");
        t.route("/files/{path:path}", Get, "").named("file");
    });
    let again = table(|t| {
        t.route("/again", Get, "").named("again");
    });
    let host = table(|t| {
        t.route("/h/{x}", Get, "").named("h");
    });
    let mut builder = Builder::new();
    builder.route("/", Get, None).named("home");
    builder.route("/u/{name}", Get, None).named("user");
    builder.route("/u/{name}/{tab}", Get, None).named("user");
    builder.route("/f/{x:float}", Get, None).named("float");
    builder.route("/i/{n:int}/{rest:path}", Get, None).named("int");
    builder.route("/café/{id:uuid}", Get, None).named("uuid");
    builder.route("/{rest:path}", Get, None).named("rest");
    builder.mount("/shop/{shop}", Some(inner)).named("shop");
    builder.mount("/static", None).named("static");
    builder.mount("/more", Some(again));
    builder.host("{sub}.example.org:8000", Some(host)).named("sub");
    builder.build().unwrap()
}

fn url(name: &str, values: &Values<'_>) -> Result<String, String> {
    let nested = |inner: &Option<Router<&'static str>>, name: &str, values: &Values<'_>| match inner {
        Some(inner) => inner.url_path_for(name, values),
        None => Router::url_path_for(&table(|_| {}), name, values),
    };
    match shop().url_path_for_nested(name, values, nested) {
        Ok(UrlPath { host: Some(host), path }) => Ok(format!("//{host}{path}")),
        Ok(UrlPath { host: None, path }) => Ok(path),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn reverse_look_up() {
    let cases: &[(&str, &str, &Values<'_>)] = &[
        ("/", "home", &[]),
        ("/u/tom", "user", &[("name", &"tom")]),
        ("/u/tom/posts", "user", &[("tab", &"posts"), ("name", &"tom")]),
        ("/u/a%20b%3F%23%25%5C%22é", "user", &[("name", &"a b?#%\\\"é")]),
        ("/u/..a", "user", &[("name", &"..a")]),
        ("/u/.../.b", "user", &[("name", &"..."), ("tab", &".b")]),
        ("/u/a:@!$&'()*+,;=-._~", "user", &[("name", &"a:@!$&'()*+,;=-._~")]),
        ("/f/0.1", "float", &[("x", &0.1)]),
        ("/f/100", "float", &[("x", &100.0)]),
        ("/f/0.0000001", "float", &[("x", &1e-7)]),
        ("/f/10000000000000000000000", "float", &[("x", &1e22)]),
        ("/i/7/a/b", "int", &[("n", &7_u8), ("rest", &"a/b")]),
        (
            "/café/ec38df32-ceda-4cfa-9b4a-1aeb94ad551a",
            "uuid",
            &[("id", &"ec38df32-ceda-4cfa-9b4a-1aeb94ad551a")],
        ),
        ("/%2Fevil.org", "rest", &[("rest", &"/evil.org")]),
        ("/shop/x/", "shop:list", &[("shop", &"x")]),
        ("/shop/x/5", "shop:one", &[("shop", &"x"), ("id", &5)]),
        ("/shop/x/files/a/b", "shop:file", &[("shop", &"x"), ("path", &"a/b")]),
        ("/static/css/x.css", "static", &[("path", &"/css/x.css")]),
        ("/more/again", "again", &[]),
        ("//a.b.example.org/h/1", "sub:h", &[("sub", &"a.b"), ("x", &1)]),
        ("//a%40b%3A.example.org/p", "sub", &[("sub", &"a@b:"), ("path", &"p")]),
    ];
    for (found, name, values) in cases {
        let found = found.replace('é', "%C3%A9");
        assert_eq!(url(name, values), Ok(found), "{name}");
    }
}

#[test]
fn reverse_look_up_fails_with_the_reason() {
    let cases: &[(&str, &str, &Values<'_>)] = &[
        ("no route has the name \"nope\" and the parameters \"a, b\"", "nope", &[("a", &1), ("b", &2)]),
        ("no route has the name \"user\" and the parameters \"\"", "user", &[]),
        ("no route has the name \"home\" and the parameters \"x\"", "home", &[("x", &1)]),
        ("no route has the name \"static\" and the parameters \"\"", "static", &[]),
        ("no route has the name \"static\" and", "static", &[("path", &"a"), ("x", &1)]),
        ("no route has the name \"shop:one\" and", "shop:one", &[("id", &5)]),
        ("no route has the name \"shopping\" and", "shopping", &[("shop", &"x")]),
        ("`name`: it may not contain `/`", "user", &[("name", &"tom/christie")]),
        ("`name`: it must not be empty", "user", &[("name", &"")]),
        ("`name`: it may not contain NUL", "user", &[("name", &"tom\0")]),
        ("`path`: it may not contain NUL", "static", &[("path", &"a\r\n/b")]),
        ("`rest`: it may not contain NUL", "int", &[("n", &1), ("rest", &"a/\n")]),
        ("`n`: negative integers", "int", &[("n", &-1), ("rest", &"")]),
        ("`x`: negative floats", "float", &[("x", &-0.5)]),
        ("`x`: NaN", "float", &[("x", &f64::NAN)]),
        ("`x`: infinite", "float", &[("x", &f64::INFINITY)]),
        ("`id`: its convertor", "uuid", &[("id", &"7")]),
        ("`id`: negative integers", "shop:one", &[("shop", &"x"), ("id", &-5)]),
        ("`sub`: it may not contain `/`", "sub", &[("sub", &"evil/"), ("path", &"")]),
        ("the segments `.` and `..` from \"/u/.\"", "user", &[("name", &".")]),
        ("the segments `.` and `..` from \"/u/../x\"", "user", &[("name", &".."), ("tab", &"x")]),
        ("the segments `.` and `..`", "user", &[("name", &"%2e%2E")]),
        ("the segments `.` and `..`", "user", &[("name", &".%2e")]),
        ("the segments `.` and `..`", "rest", &[("rest", &"a/../b")]),
        ("the segments `.` and `..`", "rest", &[("rest", &"..")]),
        ("the segments `.` and `..`", "rest", &[("rest", &"a/%2e")]),
        ("the segments `.` and `..`", "static", &[("path", &"css/../x")]),
        ("the segments `.` and `..`", "shop:one", &[("shop", &".."), ("id", &5)]),
        ("the segments `.` and `..`", "shop:file", &[("shop", &"x"), ("path", &"./a")]),
    ];
    for (reason, name, values) in cases {
        let message = url(name, values).unwrap_err();
        assert!(message.contains(reason), "{name}: {message}");
    }
}

#[test]
fn a_router_describes_its_routes() {
    let router = table(|t| {
        t.route("/u/{id:int}/{slug}", Get, "u");
        t.mount("/m/", "m");
    });
    let Found::Match(found) = router.find("", "/u/7/x", &Get, &mut Captures::new()) else {
        panic!("no match")
    };
    assert_eq!((found.route.index(), router.pattern(found.route)), (0, "/u/{id:int}/{slug}"));
    let params: Vec<_> = router.params(found.route).iter().map(|p| (p.name(), p.convertor())).collect();
    assert_eq!(params, [("id", "int"), ("slug", "str")]);
    assert_eq!((router.len(), router.is_empty()), (2, false));
    assert_eq!(router.values().copied().collect::<Vec<_>>(), ["u", "m"]);
    assert_eq!(format!("{router:?}"), r#"[(Route, "/u/{id:int}/{slug}"), (Mount, "/m")]"#);
}

/// The unreachable routes, each with the route that answers its requests, and whether they are the same.
fn unreachable(build: impl FnOnce(&mut Builder<&'static str>)) -> Vec<(String, String, bool)> {
    let router = table(build);
    let pattern = |id| router.pattern(id).to_string();
    router.unreachable().iter().map(|it| (pattern(it.route), pattern(it.by), it.is_same)).collect()
}

#[test]
fn a_route_with_the_methods_of_an_earlier_one_is_unreachable() {
    let found = unreachable(|t| {
        t.route("/a", Get, "");
        t.route("/a", Post, "reachable");
        t.route("/a", Methods::ANY, "reachable");
        t.route("/a", Head, "");
        t.route("/b/{x}", [Get, Post], "");
        t.route("/b/{y}", Post, "");
        t.route("/b/{y:int}", [Post, Put], "reachable");
        t.mount("/m", "");
        t.mount("/m/", "");
    });
    let same = |route: &str, by: &str| (route.to_string(), by.to_string(), true);
    assert_eq!(found, [same("/a", "/a"), same("/b/{y}", "/b/{x}"), same("/m", "/m")]);
}

#[test]
fn a_route_below_a_wider_pattern_is_unreachable() {
    let found = unreachable(|t| {
        t.route("/me", Get, "reachable");
        t.route("/{name}", Get, "");
        t.route("/you", Get, "");
        t.route("/{id:int}.{kind}", Get, "");
        t.route("/{id:uuid}/x", Get, "reachable");
        t.mount("/static", "");
        t.route("/static/{rest:path}", Get, "");
        t.mount("/static/css", "");
        t.route("/n/{x:float}", Get, "");
        t.route("/n/{x:int}", Get, "");
        t.route("/n/1.5", Get, "");
        t.route("/n/{x:path}", Get, "reachable");
    });
    let names: Vec<_> = found.iter().map(|(route, by, same)| (&**route, &**by, *same)).collect();
    let expected = [
        ("/you", "/{name}", false),
        ("/{id:int}.{kind}", "/{name}", false),
        ("/static/{rest:path}", "/static", false),
        ("/static/css", "/static", false),
        ("/n/{x:int}", "/n/{x:float}", false),
        ("/n/1.5", "/n/{x:float}", false),
    ];
    assert_eq!(names, expected);
}

#[test]
fn hosts_do_not_hide_paths() {
    let found = unreachable(|t| {
        t.host("example.org", "");
        t.route("/", Get, "reachable");
        t.host("EXAMPLE.org", "");
        t.host("{sub}.example.org", "reachable");
    });
    assert_eq!(found, [("EXAMPLE.org".to_string(), "example.org".to_string(), true)]);
}
