//! Reverse look-up: from names and values to paths.

use super::*;

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
