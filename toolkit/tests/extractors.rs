//! Arguments of handlers, and the responses if they cannot be taken.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use stelo_toolkit::extract::{ClientAddress, Either, FromRequest, MatchedPath};
use stelo_toolkit::http::Version;
use stelo_toolkit::{
    App, Body, Bytes, Extension, Form, Headers, HttpError, Json, Method, Next, Path, Query, Request,
    Response, State, Status, TestClient, get, post,
};

#[derive(Deserialize)]
struct Post {
    id: u64,
    slug: String,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Cat,
    Dog,
}

#[derive(Deserialize)]
struct Id(u16);

#[test]
fn path_parameters_in_every_shape() {
    async fn show<T: std::fmt::Debug>(Path(value): Path<T>) -> String {
        format!("{value:?}")
    }
    async fn post(Path(post): Path<Post>) -> String {
        format!("{} {}", post.id, post.slug)
    }
    async fn newtype(Path(Id(id)): Path<Id>) -> String {
        format!("{id}")
    }
    let app = App::new()
        .route("/int/{id:int}", get(show::<u64>))
        .route("/small/{id}", get(show::<u8>))
        .route("/large/{id}", get(show::<u64>))
        .route("/signed/{id}", get(show::<i64>))
        .route("/widest/{id}", get(show::<u128>))
        .route("/float/{x:float}", get(show::<f64>))
        .route("/text/{name}", get(show::<String>))
        .route("/bool/{flag}", get(show::<bool>))
        .route("/char/{c}", get(show::<char>))
        .route("/kind/{kind}", get(show::<Kind>))
        .route("/newtype/{id}", get(newtype))
        .route("/option/{id}", get(show::<Option<i32>>))
        .route("/pair/{id}/{slug}", get(show::<(u64, String)>))
        .route("/struct/{slug}/{id}", get(post))
        .route("/list/{a}/{b}", get(show::<Vec<i8>>))
        .route("/one/{a}", get(show::<(i8,)>))
        .route("/unit/{a}", get(show::<()>));
    let client = TestClient::new(app);
    for (target, status, text) in [
        ("/int/7", 200, "7"),
        ("/int/18446744073709551616", 404, "Not Found"),
        ("/small/256", 400, "invalid path: `id`: number too large to fit in target type"),
        ("/small/x", 400, "invalid path: `id`: invalid digit found in string"),
        ("/small/255", 200, "255"),
        ("/small/", 404, "Not Found"),
        ("/small/%E6%97%A5", 400, "invalid path: `id`: invalid digit found in string"),
        ("/large/007", 200, "7"),
        ("/large/+7", 400, "invalid path: `id`: a number without a sign is expected"),
        ("/large/9999999999999999999", 200, "9999999999999999999"),
        ("/large/18446744073709551615", 200, "18446744073709551615"),
        ("/large/18446744073709551616", 400, "invalid path: `id`: number too large to fit in target type"),
        ("/signed/-9223372036854775808", 200, "-9223372036854775808"),
        ("/signed/9223372036854775808", 400, "invalid path: `id`: number too large to fit in target type"),
        ("/widest/340282366920938463463374607431768211455", 200, "340282366920938463463374607431768211455"),
        ("/float/1.5", 200, "1.5"),
        ("/text/a%20b%2B", 200, "\"a b+\""),
        ("/text/%E6%97%A5", 200, "\"日\""),
        ("/bool/true", 200, "true"),
        ("/bool/yes", 400, "invalid path: `flag`: provided string was not `true` or `false`"),
        ("/char/xy", 400, "invalid path: `c`: too many characters in string"),
        ("/kind/dog", 200, "Dog"),
        ("/kind/cow", 400, "invalid path: `kind`: unknown variant `cow`, expected `cat` or `dog`"),
        ("/newtype/5", 200, "5"),
        ("/option/-5", 200, "Some(-5)"),
        ("/pair/7/abc", 200, "(7, \"abc\")"),
        ("/pair/x/abc", 400, "invalid path: `id`: invalid digit found in string"),
        ("/struct/abc/7", 200, "7 abc"),
        ("/list/1/-2", 200, "[1, -2]"),
        ("/one/1", 200, "(1,)"),
        ("/unit/1", 200, "()"),
    ] {
        let response = client.get(target).send();
        assert_eq!((response.status().code(), &*response.text()), (status, text), "{target}");
    }
}

#[test]
fn path_parameters_by_name() {
    async fn map(Path(map): Path<HashMap<String, String>>) -> String {
        format!("{} {}", map["b"], map["a"])
    }
    let client = TestClient::new(App::new().route("/{a}/{b}", get(map)));
    assert_eq!(client.get("/1/2").send().text(), "2 1");
}

#[derive(Deserialize, Debug)]
struct Page {
    page: u32,
    #[serde(default)]
    tag: Vec<String>,
    sort: Option<Kind>,
}

#[test]
fn queries() {
    async fn list(Query(page): Query<Page>) -> String {
        format!("{} {:?} {:?}", page.page, page.tag, page.sort)
    }
    let client = TestClient::new(App::new().route("/", get(list)));
    for (target, status, text) in [
        ("/?page=1", 200, "1 [] None"),
        ("/?page=1&tag=a&tag=b+c", 200, "1 [\"a\", \"b c\"] None"),
        ("/?page=1&sort=cat", 200, "1 [] Some(Cat)"),
        ("/?page=x", 400, "invalid query: `page`: invalid digit found in string"),
        ("/", 400, "invalid query: missing field `page`"),
        ("/?page=1&page=2", 200, "2 [] None"),
        ("/?page=1&sort=x", 400, "invalid query: `sort`: unknown variant `x`, expected `cat` or `dog`"),
    ] {
        let response = client.get(target).send();
        assert_eq!((response.status().code(), &*response.text()), (status, text), "{target}");
    }
}

#[derive(Deserialize, Debug)]
struct Order {
    name: String,
    lines: Vec<Line>,
}

#[derive(Deserialize, Debug)]
struct Line {
    price: u32,
}

#[test]
fn json() {
    async fn total(Json(order): Json<Order>) -> String {
        format!("{} {}", order.name, order.lines.iter().map(|line| line.price).sum::<u32>())
    }
    let client = TestClient::new(App::new().body_limit(64).route("/", post(total)));
    let json = "application/json";
    let not_json = "the body must be JSON: send it with `content-type: application/json`";
    for (content_type, body, status, text) in [
        (json, r#"{"name":"a","lines":[{"price":1},{"price":2}]}"#, 200, "a 3"),
        ("Application/JSON; charset=utf-8", r#"{"name":"a","lines":[]}"#, 200, "a 0"),
        ("application/problem+json", r#"{"name":"a","lines":[]}"#, 200, "a 0"),
        ("text/plain", "{}", 415, not_json),
        ("", "{}", 415, not_json),
        ("application/jsonp", "{}", 415, not_json),
        (json, "{", 400, "malformed JSON: EOF while parsing an object at line 1 column 1"),
        (json, "{}x", 422, "invalid JSON value: missing field `name` at line 1 column 2"),
        (json, r#"{"name":"a","lines":[]}x"#, 400, "malformed JSON: trailing characters at line 1 column 24"),
        (json, r#"{"name":"a"}"#, 422, "invalid JSON value: missing field `lines` at line 1 column 12"),
        (
            json,
            r#"{"name":"a","lines":[{"price":1},{"price":"2"}]}"#,
            422,
            "invalid JSON value: `lines[1].price`: invalid type: string \"2\", expected u32 at line 1 column 45",
        ),
        (json, &" ".repeat(65), 413, "the body is larger than the limit of 64 bytes"),
    ] {
        let response = client.post("/").header("content-type", content_type).body(body.to_owned()).send();
        assert_eq!((response.status().code(), &*response.text()), (status, text), "{content_type} {body}");
    }
    assert_eq!(client.post("/").body("{}").send().status(), Status::UNSUPPORTED_MEDIA_TYPE);
}

#[test]
fn forms() {
    async fn list(Form(page): Form<Page>) -> String {
        format!("{} {:?}", page.page, page.tag)
    }
    let client = TestClient::new(App::new().route("/", get(list).post(list)));
    assert_eq!(
        client.post("/").form(&[("page", "1"), ("tag", "ä b"), ("tag", "&")]).send().text(),
        "1 [\"ä b\", \"&\"]"
    );
    assert_eq!(client.get("/?page=2").send().text(), "2 []");
    let wrong = client.post("/").form(&[("page", "x")]).send();
    assert_eq!(wrong.status(), Status::UNPROCESSABLE_CONTENT);
    assert_eq!(wrong.text(), "invalid form: `page`: invalid digit found in string");
    assert_eq!(client.post("/").body("page=1").send().status(), Status::UNSUPPORTED_MEDIA_TYPE);
    let upper =
        client.post("/").header("content-type", "APPLICATION/X-WWW-FORM-URLENCODED; x=y").body("page=3");
    assert_eq!(upper.send().text(), "3 []");
}

#[test]
fn bodies() {
    async fn text(text: String) -> String {
        text
    }
    async fn bytes(bytes: Bytes) -> Bytes {
        bytes
    }
    async fn stream(body: Body) -> Body {
        body
    }
    async fn raw(request: Request) -> String {
        format!("{:?}", request.headers().get_str("x-a"))
    }
    let app = App::new()
        .body_limit(4)
        .route("/text", post(text))
        .route("/bytes", post(bytes))
        .route("/stream", post(stream))
        .route("/raw", post(raw));
    let client = TestClient::new(app);
    assert_eq!(client.post("/text").body("abcd").send().text(), "abcd");
    assert_eq!(client.post("/text").body("abcde").send().status(), Status::CONTENT_TOO_LARGE);
    assert_eq!(client.post("/text").body(vec![0xff]).send().status(), Status::BAD_REQUEST);
    assert_eq!(client.post("/bytes").body(vec![0xff]).send().bytes(), [0xff]);
    assert_eq!(client.post("/stream").body("more than four").send().text(), "more than four");
    assert_eq!(client.post("/raw").header("x-a", "1").send().text(), "Some(\"1\")");
}

#[test]
fn the_limit_of_bodies_is_two_mebibytes_unless_set() {
    async fn length(bytes: Bytes) -> String {
        bytes.len().to_string()
    }
    let inner = stelo_toolkit::Router::new()
        .body_limit(10)
        .route("/small", post(length))
        .route("/large", post(length).body_limit(3 << 20));
    let client = TestClient::new(App::new().route("/", post(length)).mount("/in", inner));
    for (target, size, status) in [
        ("/", 2 << 20, 200),
        ("/", (2 << 20) + 1, 413),
        ("/in/small", 10, 200),
        ("/in/small", 11, 413),
        ("/in/large", 3 << 20, 200),
    ] {
        assert_eq!(client.post(target).body(vec![0; size]).send().status().code(), status, "{target} {size}");
    }
}

#[derive(Clone)]
struct User(&'static str);

#[test]
fn states_and_extensions() {
    async fn login(mut request: Request, next: Next) -> Response {
        if request.headers().contains("x-user") {
            request.extensions_mut().insert(User("ada"));
        }
        next.run(request).await
    }
    async fn show(State(n): State<u32>, Extension(user): Extension<User>) -> String {
        format!("{n} {}", user.0)
    }
    let client =
        TestClient::new(App::new().state(1_u32).state(2_u32).middleware(login).route("/", get(show)))
            .raise_server_errors(false);
    assert_eq!(client.get("/").header("x-user", "1").send().text(), "2 ada");
    assert_eq!(client.get("/").send().status(), Status::INTERNAL_SERVER_ERROR);
}

#[test]
fn a_missing_state_ends_the_start() {
    async fn show(_: Method, State(_): State<u32>, _: Headers) {}
    async fn maybe(state: Option<State<u64>>) -> String {
        format!("{}", state.is_some())
    }
    let app = App::new().mount("/api", App::new().route("/x/{id}", get(show)));
    let error = TestClient::try_new(app).unwrap_err().to_string();
    let line = "::show` at `/api/x/{id}` takes `State<u32>`: give it to `App::state` or `Router::state`";
    assert!(error.starts_with("`extractors::") && error.ends_with(line), "{error}");
    for (app, text) in [(App::new().state(1_u64), "true"), (App::new(), "false")] {
        assert_eq!(TestClient::new(app.route("/", get(maybe))).get("/").send().text(), text);
    }
}

#[test]
fn an_argument_can_be_optional_or_a_result() {
    async fn optional(
        query: Option<Query<Page>>,
        client: Option<ClientAddress>,
        json: Option<Json<u8>>,
    ) -> String {
        format!("{} {} {}", query.is_some(), client.is_some(), json.is_some())
    }
    async fn result(path: Result<Path<u8>, HttpError>, json: Result<Json<u8>, HttpError>) -> String {
        let path = path.map_or_else(|error| error.status.code(), |Path(n)| n.into());
        let json = json.map_or_else(|error| error.status.code(), |Json(n)| n.into());
        format!("{path} {json}")
    }
    let client = TestClient::new(App::new().route("/", post(optional)).route("/{n}", post(result)));
    assert_eq!(client.post("/?page=1").json(&1).send().text(), "true true true");
    assert_eq!(client.post("/").send().text(), "false true false");
    assert_eq!(client.post("/?page=x").send().status(), Status::BAD_REQUEST);
    assert_eq!(client.post("/").json(&"y").send().status(), Status::UNPROCESSABLE_CONTENT);
    let text = client.post("/").header("content-type", "text/plain").body("1").send();
    assert_eq!(text.status(), Status::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(client.post("/7").json(&8).send().text(), "7 8");
    assert_eq!(client.post("/x").json(&"y").send().text(), "400 422");
}

#[test]
fn an_absent_argument_gives_none() {
    async fn parts(
        path: Option<Path<u8>>,
        extension: Option<Extension<u8>>,
        matched: Option<MatchedPath>,
        form: Option<Form<Page>>,
    ) -> String {
        let matched = matched.map_or("-".to_owned(), |MatchedPath(path)| path);
        format!("{:?} {} {matched} {}", path.map(|Path(n)| n), extension.is_some(), form.is_some())
    }
    let app = App::new().route("/", get(parts).post(parts)).route("/{n}", get(parts)).fallback(parts);
    let client = TestClient::new(app);
    assert_eq!(client.get("/").send().text(), "None false / false");
    assert_eq!(client.post("/").send().text(), "None false / false");
    assert_eq!(client.post("/").form(&[("page", "1")]).send().text(), "None false / true");
    assert_eq!(client.get("/7?page=1").send().text(), "Some(7) false /{n} true");
    assert_eq!(client.get("/no/route").send().text(), "None false - false");
    assert_eq!(client.get("/x").send().status(), Status::BAD_REQUEST);
    assert_eq!(client.get("/?page=x").send().status(), Status::BAD_REQUEST);
}

#[test]
fn eight_arguments() {
    #[allow(clippy::too_many_arguments)]
    async fn many(
        a: Method,
        _: Version,
        _: Headers,
        Path(d): Path<u8>,
        Query(e): Query<HashMap<String, String>>,
        State(f): State<u32>,
        _: Option<ClientAddress>,
        h: String,
    ) -> String {
        format!("{a} {d} {} {f} {h}", e.len())
    }
    let client = TestClient::new(App::new().state(6_u32).route("/{d}", post(many)));
    assert_eq!(client.post("/4?x=1&y=2").body("eight").send().text(), "POST 4 2 6 eight");
}

#[test]
fn extractors_of_the_user() {
    struct Lines(usize);
    impl FromRequest for Lines {
        type Rejection = (Status, &'static str);

        async fn from_request(mut request: Request) -> Result<Self, Self::Rejection> {
            let text = request.text().await.map_err(|_| (Status::BAD_REQUEST, "lines of text, please"))?;
            Ok(Self(text.lines().count()))
        }
    }
    async fn count(Lines(n): Lines) -> String {
        n.to_string()
    }
    let client = TestClient::new(App::new().route("/", post(count)));
    assert_eq!(client.post("/").body("a\nb").send().text(), "2");
    assert_eq!(client.post("/").body(vec![0xff]).send().text(), "lines of text, please");
}

#[test]
fn a_repeated_parameter_is_a_list_or_its_last_value() {
    async fn map(Query(map): Query<BTreeMap<String, String>>) -> String {
        format!("{map:?}")
    }
    async fn pairs(Query(pairs): Query<Vec<(String, String)>>) -> String {
        format!("{pairs:?}")
    }
    async fn lists(Query(lists): Query<BTreeMap<String, Vec<u8>>>) -> String {
        format!("{lists:?}")
    }
    let client = TestClient::new(
        App::new().route("/map", get(map)).route("/pairs", get(pairs)).route("/lists", get(lists)),
    );
    for (target, status, text) in [
        ("/map?a=1&b=x&a=2", 200, r#"{"a": "2", "b": "x"}"#),
        ("/map", 200, "{}"),
        ("/pairs?b=1&a=&b=2", 200, r#"[("b", "1"), ("a", ""), ("b", "2")]"#),
        ("/lists?a=1&b=3&a=2", 200, r#"{"a": [1, 2], "b": [3]}"#),
        ("/lists?a=1&a=x", 400, "invalid query: `a`: invalid digit found in string"),
    ] {
        let response = client.get(target).send();
        assert_eq!((response.status().code(), &*response.text()), (status, text), "{target}");
    }
}

#[test]
fn a_flattened_query_takes_numbers_and_texts() {
    #[derive(Deserialize, Debug)]
    struct Paging {
        limit: usize,
        name: String,
        exact: Option<bool>,
        ratio: Option<f64>,
        offset: Option<i64>,
    }

    #[derive(Deserialize, Debug)]
    struct Search {
        q: String,
        #[serde(flatten)]
        paging: Paging,
    }

    #[derive(Deserialize, Debug)]
    struct Counts {
        #[serde(flatten)]
        counts: BTreeMap<String, u32>,
    }

    async fn search(Query(Search { q, paging }): Query<Search>) -> String {
        let Paging { limit, name, exact, ratio, offset } = paging;
        format!("{q} {limit} {name} {exact:?} {ratio:?} {offset:?}")
    }
    async fn counts(Query(Counts { counts }): Query<Counts>) -> String {
        counts.values().sum::<u32>().to_string()
    }
    let client = TestClient::new(App::new().route("/", get(search)).route("/counts", get(counts)));
    for (target, status, text) in [
        ("/?q=1&limit=5&name=tea", 200, "1 5 tea None None None"),
        ("/?q=1&limit=5&name=7", 200, "1 5 7 None None None"),
        ("/?q=1&limit=5&name=true&exact=true", 200, "1 5 true Some(true) None None"),
        ("/?q=1&limit=5&name=1.0&ratio=1.5&offset=-1", 200, "1 5 1.0 None Some(1.5) Some(-1)"),
        ("/?q=1&limit=x&name=tea", 400, "invalid query: `limit`: invalid type: string \"x\", expected usize"),
        ("/?q=1&name=tea", 400, "invalid query: missing field `limit`"),
    ] {
        let response = client.get(target).send();
        assert_eq!((response.status().code(), &*response.text()), (status, text), "{target}");
    }
    let many: Vec<_> = (0..1000).map(|n| format!("n{n}=1")).collect();
    assert_eq!(client.get(&format!("/counts?{}", many.join("&"))).send().text(), "1000");
}

#[test]
fn the_first_of_two_arguments_that_the_request_has_is_taken() {
    async fn id(id: Either<Path<u32>, Path<String>>) -> Either<String, Result<(), HttpError>> {
        match id {
            Either::Left(Path(number)) => Either::Left(format!("number {number}")),
            Either::Right(Path(text)) if text == "none" => Either::Right(Err(HttpError::new(Status::GONE))),
            Either::Right(Path(text)) => Either::Left(format!("text {text}")),
        }
    }
    async fn gone(_: Request, error: HttpError) -> (Status, &'static str) {
        (error.status, "handled")
    }
    async fn both(_: Either<Path<u32>, Path<bool>>) {}
    let app =
        App::new().route("/{id}", get(id)).route("/both/{id}", get(both)).error_handler(Status::GONE, gone);
    app.build().expect("either may suit");
    let client = TestClient::new(app);
    for (target, status, text) in [
        ("/7", 200, "number 7"),
        ("/seven", 200, "text seven"),
        ("/none", 410, "handled"),
        ("/both/7", 200, ""),
        ("/both/true", 200, ""),
    ] {
        let response = client.get(target).send();
        assert_eq!((response.status().code(), &*response.text()), (status, text), "{target}");
    }
    let rejected = client.get("/both/neither").send();
    assert_eq!(rejected.status(), Status::BAD_REQUEST);
    assert!(rejected.text().contains("`true`"), "{}", rejected.text());
}

#[test]
fn a_body_is_a_vector_too() {
    let app = App::new().route("/", post(async |body: Vec<u8>| body.len().to_string()));
    assert_eq!(TestClient::new(app).post("/").body("four").send().text(), "4");
}

#[test]
fn either_of_two_values_is_a_response() {
    use stelo_toolkit::IntoResponse;
    let values: [Either<&str, Status>; 2] = [Either::Left("left"), Either::Right(Status::ACCEPTED)];
    let statuses = values.map(|value| value.into_response().status.code());
    assert_eq!(statuses, [200, 202]);
}

#[test]
fn only_an_address_of_the_internet_has_an_ip() {
    use stelo_core::app::Address;
    for (address, ip) in [
        (Address::Ip(([127, 0, 0, 1], 80).into()), Some([127, 0, 0, 1].into())),
        (Address::Unix("/run/a.sock".into()), None),
        (Address::Name("_hidden".into()), None),
    ] {
        assert_eq!(ClientAddress(address).ip(), ip);
    }
}
