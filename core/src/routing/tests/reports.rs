//! The reports of a table: invalid patterns, its routes, and those that no request can reach.

use super::*;

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

#[test]
fn a_value_that_is_given_twice_does_not_replace_another() {
    let router = table(|t| {
        t.route("/{a}/{b}", Get, "ab").named("ab");
    });
    assert_eq!(router.url_path_for("ab", &[("a", &1), ("b", &2)]).map(|url| url.path), Ok("/1/2".into()));
    let twice = router.url_path_for("ab", &[("a", &1), ("a", &2)]);
    assert!(matches!(twice, Err(ReverseError::NoMatch { .. })), "{twice:?}");
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
    assert_eq!(Some(&found).cloned().map(|copy| copy.route), Some(found.route));
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
