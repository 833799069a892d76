//! Finding routes: methods, parameters, slashes, mounts, hosts, names.

use stelo_toolkit::extract::MatchedPath;
use stelo_toolkit::routing::{Convertor, ReverseError, options};
use stelo_toolkit::{
    App, HttpError, Method, Path, Request, Router, StaticFiles, Status, TestClient, any, delete, get, on,
    post, put,
};

/// Describes the request as text.
async fn seen(request: Request) -> String {
    let params: Vec<_> = request.path_params().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{} {} {}", request.root_path(), request.route_path(), params.join(","))
}

async fn says(text: &'static str) -> &'static str {
    text
}

fn vectors() -> TestClient {
    TestClient::new(
        App::new()
            .route("/", get(|| says("home")))
            .route("/a", get(|| says("a")).post(|| says("a posted")))
            .route("/a", put(|| says("a put")))
            .route("/s/", get(|| says("s")))
            .route("/u/{id:int}", get(seen))
            .route("/u/{name}", delete(seen))
            .route("/f/{x:float}", get(seen))
            .route("/pp/{rest:path}", get(seen))
            .route("/pp2/{rest:path}/end", get(seen))
            .mount("/m", Router::new().route("/{rest:path}", any(seen)))
            .mount("/n/{x:int}", Router::new().route("/", get(seen)).route("/{y}", get(seen))),
    )
}

#[test]
fn starlette_vectors() {
    let client = vectors();
    let cases: [(Method, &str, u16, &str); 34] = [
        (Method::Get, "/", 200, "home"),
        (Method::Head, "/a", 200, ""),
        (Method::Get, "/a", 200, "a"),
        (Method::Post, "/a", 200, "a posted"),
        (Method::Put, "/a", 200, "a put"),
        (Method::Get, "/a/", 307, "/a"),
        (Method::Get, "/a//", 307, "/a"),
        (Method::Get, "/s", 307, "/s/"),
        (Method::Post, "/s", 307, "/s/"),
        (Method::Get, "/a/?x=1&y=%20", 307, "/a?x=1&y=%20"),
        (Method::Get, "/u/", 404, "Not Found"),
        (Method::Get, "/u/12", 200, " /u/12 id=12"),
        (Method::Delete, "/u/12", 200, " /u/12 name=12"),
        (Method::Get, "/u/1%2F2", 405, "Method Not Allowed"),
        (Method::Delete, "/u/1%2f2", 200, " /u/1/2 name=1/2"),
        (Method::Get, "/f/1", 200, " /f/1 x=1"),
        (Method::Get, "/f/1.5", 200, " /f/1.5 x=1.5"),
        (Method::Get, "/f/1.", 404, "Not Found"),
        (Method::Get, "/f/-1", 404, "Not Found"),
        (Method::Get, "/pp/", 200, " /pp/ rest="),
        (Method::Get, "/pp", 307, "/pp/"),
        (Method::Get, "/pp/a/b", 200, " /pp/a/b rest=a/b"),
        (Method::Get, "/pp2//end", 200, " /pp2//end rest="),
        (Method::Get, "/pp2/x/y/end", 200, " /pp2/x/y/end rest=x/y"),
        (Method::Get, "/m", 307, "/m/"),
        (Method::Get, "/m/x", 200, "/m /x rest=x"),
        (Method::Post, "/m/x", 200, "/m /x rest=x"),
        (Method::Get, "/mx", 404, "Not Found"),
        (Method::Get, "/n/5", 307, "/n/5/"),
        (Method::Get, "/n/5/", 200, "/n/5 / x=5"),
        (Method::Get, "/n/5/z", 200, "/n/5 /z x=5,y=z"),
        (Method::Get, "/n/5/z/", 307, "/n/5/z"),
        (Method::Get, "/n/q", 404, "Not Found"),
        (Method::Get, "//a", 404, "Not Found"),
    ];
    for (method, target, status, expected) in cases {
        let response = client.request(method.clone(), target).follow_redirects(false).send();
        let body = response.header("location").map_or_else(|| response.text(), Into::into);
        assert_eq!((response.status().code(), &*body), (status, expected), "{method} {target}");
    }
}

#[test]
fn a_wrong_method_answers_405_with_the_methods_of_all_routes_of_the_path() {
    let client = vectors();
    for (method, target, allow) in [
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/a", "GET, HEAD, POST, PUT"),
        ("OPTIONS", "/a", "GET, HEAD, POST, PUT"),
        ("FOO", "/a", "GET, HEAD, POST, PUT"),
        ("get", "/", "GET, HEAD"),
        ("GET", "/u/abc", "DELETE"),
    ] {
        let response = client.request(Method::from_bytes(method.as_bytes()).unwrap(), target).send();
        assert_eq!(response.status(), Status::METHOD_NOT_ALLOWED, "{method} {target}");
        assert_eq!(response.header("allow"), Some(allow), "{method} {target}");
        assert_eq!(response.text(), "Method Not Allowed");
        assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
    }
}

#[test]
fn a_proxy_may_strip_the_root_path_or_leave_it() {
    let client = vectors().with_root_path("/r");
    for (target, status, expected) in [
        ("/r/a", 200, "a"),
        ("/a", 200, "a"),
        ("/r", 307, "/r/"),
        ("/r/s", 307, "/r/s/"),
        ("/s", 307, "/r/s/"),
        ("/r/u/7", 200, "/r /u/7 id=7"),
        ("/u/7", 200, "/r /u/7 id=7"),
        ("/r/m/x", 200, "/r/m /x rest=x"),
        ("/m/x", 200, "/r/m /x rest=x"),
        ("/rx", 404, "Not Found"),
    ] {
        let response = client.get(target).follow_redirects(false).send();
        let body = response.header("location").map_or_else(|| response.text(), Into::into);
        assert_eq!((response.status().code(), &*body), (status, expected), "{target}");
    }
}

#[test]
fn the_first_route_that_matches_wins() {
    let app = App::new()
        .route("/users/{name}", get(|| says("anyone")))
        .route("/users/me", get(|| says("me")))
        .mount("/users", Router::new().route("/{a}/{b}", get(|| says("below"))))
        .route("/users/a/b", get(|| says("never")));
    let client = TestClient::new(app);
    assert_eq!(client.get("/users/me").send().text(), "anyone");
    assert_eq!(client.get("/users/a/b").send().text(), "below");
    assert_eq!(client.get("/users/a/b/c").send().status(), Status::NOT_FOUND, "a mount is not left again");
}

#[test]
fn a_handler_for_head_comes_before_the_one_for_get() {
    async fn checked() -> (Status, [(&'static str, &'static str); 1], ()) {
        (Status::ACCEPTED, [("x-head", "own")], ())
    }
    let client = TestClient::new(App::new().route("/", get(|| says("body")).head(checked)));
    assert_eq!(client.head("/").send().header("x-head"), Some("own"));
    assert_eq!(client.get("/").send().text(), "body");
}

#[test]
fn any_and_lists_of_methods() {
    let app = App::new()
        .route("/any", any(|| says("any")))
        .route("/two", on([Method::Post, Method::Put], || says("two")));
    let client = TestClient::new(app);
    assert_eq!(client.request(Method::from_bytes(b"PURGE").unwrap(), "/any").send().text(), "any");
    assert_eq!(client.put("/two").send().text(), "two");
    assert_eq!(client.get("/two").send().header("allow"), Some("POST, PUT"));
}

#[test]
fn slash_redirects_can_be_switched_off() {
    let client = TestClient::new(App::new().redirect_slashes(false).route("/s/", get(|| says("s"))));
    assert_eq!(client.get("/s").send().status(), Status::NOT_FOUND);
}

#[test]
fn a_redirect_is_the_path_as_the_client_has_encoded_it() {
    let app = App::new().route("/{name}/", get(seen)).route("/without/{name}", get(seen));
    let client = TestClient::new(app);
    for (target, location) in [
        ("/a%20b%3F%25?q=%20", "/a%20b%3F%25/?q=%20"),
        ("/%C3%A9", "/%C3%A9/"),
        ("/%c3%a9!*'()?", "/%c3%a9!*'()/?"),
        ("/%FF", "/%FF/"),
        ("/without/%7Ea//", "/without/%7Ea"),
        ("/without/a%2F/", "/without/a%2F"),
        ("http://other.org/a?q", "/a/?q"),
    ] {
        let response = client.get(target).follow_redirects(false).send();
        let found = (response.status().code(), response.header("location"));
        assert_eq!(found, (307, Some(location)), "{target}");
    }
}

#[test]
fn a_path_is_split_before_it_is_decoded() {
    let inner = Router::new().route("/{name}", get(seen));
    let app = App::new()
        .route("/one/{name}", get(seen))
        .route("/two/{a}/{b}", get(seen))
        .route("/all/{rest:path}", get(seen))
        .route("/a/b", get(seen))
        .mount("/m", inner);
    let client = TestClient::new(app);
    for (target, status, text) in [
        ("/one/a%2Fb", 200, " /one/a/b name=a/b"),
        ("/one/%2f", 200, " /one// name=/"),
        ("/one/%C3%A9%2F%25", 200, " /one/\u{e9}/% name=\u{e9}/%"),
        ("/two/a%2Fb/c", 200, " /two/a/b/c a=a/b,b=c"),
        ("/all/a%2Fb/c", 200, " /all/a/b/c rest=a/b/c"),
        ("/m/a%2Fb", 200, "/m /a/b name=a/b"),
        ("/m%2Fa", 404, "Not Found"),
        ("/a%2Fb", 404, "Not Found"),
    ] {
        let response = client.get(target).send();
        assert_eq!((response.status().code(), &*response.text()), (status, text), "{target}");
    }
}

#[test]
fn a_redirect_names_neither_scheme_nor_host() {
    let client = TestClient::new(App::new().route("/s/", get(seen))).with_https();
    for host in ["evil.example", "ev il", "a:81"] {
        let response = client.get("/s").header("host", host).follow_redirects(false).send();
        assert_eq!(response.header("location"), Some("/s/"));
    }
    let client = client.with_root_path("/a b");
    assert_eq!(client.get("/s").follow_redirects(false).send().header("location"), Some("/a%20b/s/"));
}

#[test]
fn a_path_that_is_not_utf_8_is_400_for_a_handler_that_takes_text() {
    let one = async |Path(name): Path<String>| name;
    let by_name = async |request: Request| request.path_param::<String>("name");
    let raw = async |request: Request| request.head().path().to_owned();
    let client = TestClient::new(
        App::new()
            .route("/one/{name}", get(one))
            .route("/by-name/{name}", get(by_name))
            .route("/raw/{name}", get(raw)),
    );
    for (target, status, text) in [
        ("/one/%FF", 400, "the path is not UTF-8"),
        ("/one/%C3", 400, "the path is not UTF-8"),
        ("/by-name/%FE", 400, "the path is not UTF-8"),
        ("/one/%C3%A9", 200, "\u{e9}"),
        ("/one/%25FF", 200, "%FF"),
        ("/raw/%FF", 200, "/raw/%FF"),
    ] {
        let response = client.get(target).send();
        assert_eq!((response.status().code(), &*response.text()), (status, text), "{target}");
    }
}

#[test]
fn hosts_choose_between_routers() {
    async fn sub(request: Request) -> Result<String, HttpError> {
        Ok(format!("{} {}", request.path_param::<String>("sub")?, request.path()))
    }
    let app = App::new()
        .host("api.example.org", Router::new().route("/", get(|| says("api"))))
        .host("{sub}.example.org", Router::new().route("/{rest:path}", get(sub)))
        .route("/", get(|| says("others")));
    let client = TestClient::new(app);
    let ask = |host: &str, target: &str| client.get(target).header("host", host).send().text();
    assert_eq!(ask("api.example.org", "/"), "api");
    assert_eq!(ask("API.Example.org:8000", "/"), "api");
    assert_eq!(ask("x.y.example.org", "/a%20b"), "x.y /a b");
    assert_eq!(ask("Www.example.org", "/é".replace('é', "%C3%A9").as_str()), "Www /é");
    assert_eq!(ask("example.com", "/"), "others");
    assert_eq!(client.get("/").without_header("host").send().text(), "others");
}

#[test]
fn names_lead_to_urls_through_mounts_and_hosts() {
    async fn urls(request: Request) -> String {
        let urls = [
            request.url_for("home", &[]),
            request.url_for("user", &[("id", &7)]),
            request.url_for("api:item", &[("kind", &"a b"), ("id", &1)]),
            request.url_for("plain", &[]),
            request.url_for("sub:page", &[("sub", &"www"), ("n", &2)]),
            request.url_for("api", &[("kind", &"x"), ("path", &"/css/x.css")]),
        ];
        urls.map(|url| url.map_or_else(|error| error.to_string(), |url| url.to_string())).join("\n")
    }
    let items = Router::new().route("/items/{id:int}", get(urls)).name("item");
    let unnamed = Router::new().route("/plain", get(urls)).name("plain");
    let app = App::new()
        .route("/", get(urls))
        .name("home")
        .route("/users/{id:int}", get(urls))
        .name("user")
        .mount("/api/{kind}", items)
        .name("api")
        .mount("/un", unnamed)
        .host("{sub}.example.org", Router::new().route("/{n}", get(urls)).name("page"))
        .name("sub");
    let expected = "http://testserver/r/\n\
                    http://testserver/r/users/7\n\
                    http://testserver/r/api/a%20b/items/1\n\
                    http://testserver/r/un/plain\n\
                    http://www.example.org/r/2\n\
                    http://testserver/r/api/x/css/x.css";
    let client = TestClient::new(app).with_root_path("/r");
    assert_eq!(client.get("/r/").send().text(), expected);
    assert_eq!(client.get("/api/x/items/1").send().text(), expected, "the same from inside a mount");
}

#[test]
fn names_without_a_route_are_errors() {
    async fn check(request: Request) -> &'static str {
        let no_match = |result| matches!(result, Err(ReverseError::NoMatch { .. }));
        assert!(no_match(request.url_for("nobody", &[])));
        assert!(no_match(request.url_for("user", &[])));
        assert!(no_match(request.url_for("user", &[("id", &7), ("more", &1)])));
        assert!(matches!(request.url_for("user", &[("id", &"x")]), Err(ReverseError::Value { .. })));
        assert!(matches!(request.url_for("user", &[("id", &-1)]), Err(ReverseError::Value { .. })));
        "checked"
    }
    let app = App::new().route("/{id:int}", get(check)).name("user");
    assert_eq!(TestClient::new(app).get("/1").send().text(), "checked");
}

#[test]
fn the_pattern_of_the_route_is_known_inside_it() {
    async fn pattern(MatchedPath(pattern): MatchedPath) -> String {
        pattern
    }
    async fn none(request: Request) -> String {
        format!("{:?}", request.matched_path())
    }
    let inner = Router::new().route("/items/{id:int}", get(pattern));
    let app = App::new().mount("/api/{v}", Router::new().mount("/x", inner)).fallback(none);
    let client = TestClient::new(app);
    assert_eq!(client.get("/api/2/x/items/3").send().text(), "/api/{v}/x/items/{id:int}");
    assert_eq!(client.get("/elsewhere").send().text(), "None");
}

#[test]
fn a_fallback_answers_what_no_route_does() {
    let inner = Router::new().route("/a", get(|| says("a"))).fallback(|| says("inner"));
    let app = App::new().mount("/in", inner).route("/b", post(|| says("b"))).fallback(|| says("outer"));
    let client = TestClient::new(app);
    assert_eq!(client.get("/in/x").send().text(), "inner");
    assert_eq!(client.post("/x").send().text(), "outer");
    assert_eq!(client.get("/b").send().status(), Status::METHOD_NOT_ALLOWED);
}

#[test]
fn convertors_of_the_user_reach_into_mounts() {
    struct Year;
    impl Convertor for Year {
        fn matches(&self, text: &str) -> bool {
            text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit())
        }
    }
    let inner = Router::new().route("/{year:year}", get(seen));
    let client = TestClient::new(App::new().convertor("year", Year).mount("/archive", inner));
    assert_eq!(client.get("/archive/1984").send().text(), "/archive /1984 year=1984");
    assert_eq!(client.get("/archive/84").send().status(), Status::NOT_FOUND);
}

#[test]
fn mistakes_are_found_before_the_start_in_one_line() {
    let cases = [
        (App::new().route("a", get(seen)), "route `a`: a path must begin with `/`"),
        (
            App::new().route("/{id:nope}", get(seen)),
            "route `/{id:nope}`: there is no convertor `nope`; register it, or use str, int, float, uuid or path",
        ),
        (
            App::new().mount("/x", Router::new().route("/{id}/{id}", get(seen))),
            "route `/{id}/{id}` has the parameter `id` more than once; give each a name of its own",
        ),
        (
            App::new().host("/x", Router::new()),
            "host `/x`: a host must not begin with `/`; use a mount for paths",
        ),
        (
            App::new().name("early").route("/", get(seen)),
            "the name `early` names nothing: call `.name(..)` after the `.route(..)` that it is for",
        ),
    ];
    for (app, line) in cases {
        assert_eq!(app.build().unwrap_err().to_string(), line);
        assert_eq!(TestClient::try_new(app).unwrap_err().to_string(), line);
    }
}

#[test]
fn an_application_with_a_mistake_answers_500_if_it_is_called_all_the_same() {
    let client = TestClient::without_start(App::new().route("a", get(seen))).raise_server_errors(false);
    assert_eq!(client.get("/a").send().status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn what_is_built_cannot_be_changed() {
    let app = App::new().route("/", get(seen));
    app.build().unwrap();
    let changed = app.route("/later", get(seen));
    assert_eq!(
        changed.build().unwrap_err().to_string(),
        "the application was changed after `build`: build it last"
    );
}

#[test]
fn options_of_the_server_are_204_unless_the_application_has_a_route_for_them() {
    let answer = |app: App| {
        let response = TestClient::new(app).options("*").send();
        (response.status().code(), response.text().to_owned())
    };
    let router = || Router::new().route("*", options("routed"));
    let files = StaticFiles::new(env!("CARGO_MANIFEST_DIR"));
    for app in [
        App::new(),
        App::new().route("/", any("home")).route("/{rest:path}", any("all")),
        App::new().fallback(async || "fallback"),
        App::new().mount("/", files),
        App::new().mount("/", Router::new().fallback(async || "fallback")),
        App::new().host("{any:path}", Router::new().fallback(async || "fallback")),
    ] {
        assert_eq!(answer(app), (204, String::new()));
    }
    for app in [App::new().merge(router()), App::new().route("*", any("routed"))] {
        assert_eq!(answer(app), (200, "routed".into()));
    }
    for app in [App::new().include("/a", router()), App::new().mount("/", router())] {
        assert_eq!(app.build().unwrap_err().to_string(), "route `*`: a path must begin with `/`");
    }
}

#[test]
fn a_connect_request_matches_no_route() {
    let client = vectors();
    assert_eq!(client.request(Method::Connect, "a.org:443").send().status(), Status::NOT_FOUND);
}

#[test]
fn two_hundred_parameters_are_as_good_as_one() {
    let pattern: String = (0..200).map(|n| format!("/{{p{n}}}")).collect();
    let path: String = (0..200).map(|n| format!("/{n}")).collect();
    async fn last(Path(all): Path<Vec<u32>>) -> String {
        format!("{} {:?}", all.len(), all.last())
    }
    let client = TestClient::new(App::new().route(&pattern, get(last)));
    assert_eq!(client.get(&path).send().text(), "200 Some(199)");
}

#[test]
fn an_application_of_one_route_answers_that_route_alone() {
    let client = TestClient::new(App::new().route("/user/{name}", get(seen)));
    let cases = [
        (Method::Get, "/user/tom", 200, " /user/tom name=tom"),
        (Method::Head, "/user/tom", 200, ""),
        (Method::Post, "/user/tom", 405, "Method Not Allowed"),
        (Method::Get, "/", 404, "Not Found"),
        (Method::Get, "/invalid", 404, "Not Found"),
        (Method::Post, "/user/tom/more", 404, "Not Found"),
    ];
    for (method, target, status, text) in cases {
        let response = client.request(method.clone(), target).send();
        assert_eq!((response.status().code(), &*response.text()), (status, text), "{method} {target}");
    }
    assert_eq!(client.post("/user/tom").send().header("allow"), Some("GET, HEAD"));
}

#[test]
fn a_brace_in_a_path_is_written_twice() {
    async fn link(request: Request) -> stelo_toolkit::Result<String> {
        let id: u8 = request.path_param("id")?;
        Ok(request.url_path_for("literal", &[("id", &(id + 1))])?.to_string())
    }
    let client = TestClient::new(App::new().route("/{{x}}/{{{id}}}", get(link)).name("literal"));
    assert_eq!(client.get("/%7Bx%7D/%7B7%7D").send().text(), "/%7Bx%7D/%7B8%7D");
    assert_eq!(client.get("/x/7").send().status(), Status::NOT_FOUND);
}
