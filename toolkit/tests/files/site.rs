//! Sites: index pages, `404.html`, fallbacks, several directories, compressed siblings, caching and listings. Of
//! directories, and where it can differ of embedded files.

use std::fs;

use stelo_toolkit::files::{EmbeddedFile, EmbeddedFiles, is_hashed};
use stelo_toolkit::testing::TestResponse;
use stelo_toolkit::{App, StaticFiles, Status, TestClient};

use super::{Folder, mounted};

const FILES: [(&str, &str); 7] = [
    ("404.html", "nothing here"),
    ("app.html", "the application"),
    ("f.txt", "text"),
    ("noidx/x.css", "css"),
    ("noidx-other/x", "x"),
    ("sub/index.html", "index"),
    ("sub/deep/a.js", "code"),
];

fn site() -> Folder {
    FILES.iter().fold(Folder::new().with("secret", "secret"), |folder, (name, content)| {
        folder.with(&format!("root/{name}"), content)
    })
}

fn embedded() -> EmbeddedFiles {
    EmbeddedFiles::new(FILES.map(|(name, content)| EmbeddedFile::new(name, content.as_bytes())))
}

/// Clients of the same site from a directory and from the binary.
fn clients(
    folder: &Folder,
    set: impl Fn(StaticFiles) -> StaticFiles,
    also: impl Fn(EmbeddedFiles) -> EmbeddedFiles,
) -> [TestClient; 2] {
    [mounted(set(folder.files())), mounted(also(embedded()))]
}

fn answer(client: &TestClient, target: &str) -> (u16, String) {
    let response = client.get(target).send();
    (response.status().code(), response.text())
}

fn vary(response: &TestResponse) -> (Option<&str>, Option<&str>) {
    (response.header("content-encoding"), response.header("vary"))
}

#[test]
fn pages_are_found_and_misses_get_the_404_page() {
    let folder = site();
    for client in clients(&folder, |files| files.html(true), |files| files.html(true)) {
        assert_eq!(answer(&client, "/st/sub/"), (200, "index".into()));
        assert_eq!(answer(&client, "/st/sub/index.html"), (200, "index".into()));
        assert_eq!(answer(&client, "/st/f.txt"), (200, "text".into()));
        let redirect = client.get("/st/sub?q=1").follow_redirects(false).send();
        assert_eq!((redirect.status().code(), redirect.header("location")), (307, Some("/st/sub/?q=1")));
        for target in [
            "/st/",
            "/st/none",
            "/st/noidx",
            "/st/noidx/",
            "/st/f.txt/",
            "/st/f.txt/x",
            "/st/sub/none",
            "/st/../secret",
            "/st/%2e%2e%2fsecret",
        ] {
            let response = client.get(target).send();
            assert_eq!(
                (response.status(), response.text()),
                (Status::NOT_FOUND, "nothing here".into()),
                "{target}"
            );
            assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"), "{target}");
            let etag = response.header("etag").expect("files have one");
            let again = client.get(target).header("if-none-match", etag).header("range", "bytes=0-1").send();
            assert_eq!(
                (again.status(), again.text()),
                (Status::NOT_FOUND, "nothing here".into()),
                "{target}"
            );
            let head = client.head(target).send();
            assert_eq!(
                (head.status(), head.headers(), head.bytes()),
                (Status::NOT_FOUND, response.headers(), &b""[..])
            );
        }
        assert_eq!(answer(&client, "/st/404.html"), (200, "nothing here".into()));
        assert_eq!(client.post("/st/none").send().status(), Status::METHOD_NOT_ALLOWED);
    }
}

#[test]
fn without_html_there_are_no_pages() {
    let folder = site();
    for client in clients(&folder, |files| files, |files| files) {
        for target in ["/st/", "/st/sub", "/st/sub/", "/st/none", "/st/.", "/st/f.txt/"] {
            assert_eq!(answer(&client, target), (404, "Not Found".into()), "{target}");
        }
        assert_eq!(answer(&client, "/st/sub/deep/a.js"), (200, "code".into()));
    }
}

#[test]
fn a_removed_page_is_missing_although_the_client_has_it() {
    let folder = site();
    let client = mounted(folder.files().html(true));
    let first = client.get("/st/f.txt").send();
    let date = first.header("last-modified").expect("files have one").to_owned();
    let again = || client.get("/st/f.txt").header("if-modified-since", &date).send();
    assert_eq!(again().status(), Status::NOT_MODIFIED);
    fs::remove_file(folder.path("root/f.txt")).expect("the folder is ours");
    assert_eq!((again().status(), again().text()), (Status::NOT_FOUND, "nothing here".into()));
}

#[test]
fn a_single_page_application_answers_every_path() {
    let folder = site();
    let set = |files: StaticFiles| files.html(true).fallback_file("app.html");
    for client in clients(&folder, set, |files| files.html(true).fallback_file("app.html")) {
        for target in ["/st/", "/st/users/7", "/st/noidx/", "/st/none.js", "/st/../secret"] {
            assert_eq!(answer(&client, target), (200, "the application".into()), "{target}");
        }
        assert_eq!(answer(&client, "/st/sub/"), (200, "index".into()));
        assert_eq!(answer(&client, "/st/f.txt"), (200, "text".into()));
        let etag = client.get("/st/users/7").send().header("etag").expect("files have one").to_owned();
        let again = client.get("/st/users/8").header("if-none-match", &etag).send();
        assert_eq!(again.status(), Status::NOT_MODIFIED);
    }
    // A missing fallback leaves the 404 page.
    let client = mounted(folder.files().html(true).fallback_file("none.html"));
    assert_eq!(answer(&client, "/st/users/7"), (404, "nothing here".into()));
}

#[test]
#[should_panic(expected = "the fallback file is a path below the root")]
fn a_fallback_outside_of_the_root_is_a_mistake() {
    let _ = StaticFiles::new("assets").fallback_file("../index.html");
}

#[test]
fn the_first_directory_with_the_file_answers() {
    let folder = site()
        .with("theme/f.txt", "themed")
        .with("theme/only/index.html", "only")
        .with("theme/sub/more.js", "more");
    let client = mounted(folder.files().directory(folder.path("theme")).html(true));
    for (target, text) in
        [("/st/f.txt", "text"), ("/st/only/", "only"), ("/st/sub/more.js", "more"), ("/st/sub/", "index")]
    {
        assert_eq!(answer(&client, target), (200, text.into()), "{target}");
    }
    assert_eq!(answer(&client, "/st/none"), (404, "nothing here".into()));
    let error = folder.files().directory(folder.path("none")).check().unwrap_err().to_string();
    assert!(error.ends_with("none` does not exist: create it, or name another"), "{error}");
}

#[test]
fn compressed_siblings_go_to_clients_that_accept_them() {
    let folder = site()
        .with("root/sub/index.html.br", "INDEX br")
        .with("root/f.txt.br", "br")
        .with("root/f.txt.gz", "gz!")
        .with("root/noidx/x.css.zst", "zst")
        .with("root/404.html.gz", "nothing gz")
        .with("root/alone.gz", "alone");
    let extra = [
        ("sub/index.html.br", "INDEX br"),
        ("f.txt.br", "br"),
        ("f.txt.gz", "gz!"),
        ("noidx/x.css.zst", "zst"),
        ("404.html.gz", "nothing gz"),
        ("alone.gz", "alone"),
    ];
    let files = FILES.iter().chain(&extra).map(|(name, content)| EmbeddedFile::new(name, content.as_bytes()));
    let settings = |files: EmbeddedFiles| files.html(true).precompressed(true);
    let clients = [
        mounted(folder.files().html(true).precompressed(true)),
        mounted(settings(EmbeddedFiles::new(files))),
    ];
    for client in clients {
        // The second round may come from a cache.
        for _ in 0..2 {
            for (target, accept, status, text, coding) in [
                ("/st/f.txt", "gzip, br", 200, "br", Some("br")),
                ("/st/f.txt", "gzip, br;q=0.5", 200, "gz!", Some("gzip")),
                ("/st/f.txt", "br;q=0, *", 200, "gz!", Some("gzip")),
                ("/st/f.txt", "zstd", 200, "text", None),
                ("/st/f.txt", "", 200, "text", None),
                ("/st/noidx/x.css", "zstd, gzip", 200, "zst", Some("zstd")),
                ("/st/sub/", "br", 200, "INDEX br", Some("br")),
                ("/st/none", "gzip", 404, "nothing gz", Some("gzip")),
                ("/st/alone", "gzip", 404, "nothing gz", Some("gzip")),
            ] {
                let response = client.get(target).header("accept-encoding", accept).send();
                assert_eq!(
                    (response.status().code(), response.text()),
                    (status, text.into()),
                    "{target} {accept}"
                );
                assert_eq!(vary(&response), (coding, Some("accept-encoding")), "{target} {accept}");
            }
        }
        let response = client.get("/st/f.txt").header("accept-encoding", "br").send();
        assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
        let etag = response.header("etag").expect("files have one");
        assert!(etag.ends_with("-br\""), "{etag}");
        let with = |accept: &str| {
            client.get("/st/f.txt").header("accept-encoding", accept).header("if-none-match", etag).send()
        };
        assert_eq!(
            (with("br").status(), vary(&with("br"))),
            (Status::NOT_MODIFIED, (None, Some("accept-encoding")))
        );
        assert_eq!(with("gzip").status(), Status::OK);
        let part = client.get("/st/f.txt").header("accept-encoding", "br").header("range", "bytes=1-").send();
        assert_eq!((part.header("content-range"), part.text()), (Some("bytes 1-1/2"), "r".into()));
        // The sibling itself is a file of its own type.
        let plain = client.get("/st/f.txt.gz").send();
        assert_eq!((plain.text(), plain.header("content-encoding")), ("gz!".into(), None));
    }
}

#[test]
fn caching_is_said_in_every_answer() {
    let folder = site().with("root/js/app.3f2a9c1b.js", "hashed");
    let set = |files: StaticFiles| files.cache_control("no-cache").immutable(is_hashed);
    let client = mounted(set(folder.files()));
    let forever = Some("public, max-age=31536000, immutable");
    for _ in 0..2 {
        assert_eq!(client.get("/st/f.txt").send().header("cache-control"), Some("no-cache"));
        let hashed = client.get("/st/js/app.3f2a9c1b.js").send();
        assert_eq!(hashed.header("cache-control"), forever);
        let etag = hashed.header("etag").expect("files have one");
        let again = client.get("/st/js/app.3f2a9c1b.js").header("if-none-match", etag).send();
        assert_eq!((again.status(), again.header("cache-control")), (Status::NOT_MODIFIED, forever));
    }
    let client =
        mounted(embedded().cache_control("max-age=60").immutable(|path| path.starts_with("sub/deep/")));
    assert_eq!(client.get("/st/f.txt").send().header("cache-control"), Some("max-age=60"));
    assert_eq!(client.get("/st/sub/deep/a.js").send().header("cache-control"), forever);
}

#[test]
fn a_directory_is_listed_in_order_and_escaped() {
    let folder = Folder::new()
        .with("root/b<i>.txt", "12345")
        .with("root/a b&'\".txt", "")
        .with("root/c:d.txt", "")
        .with("root/.hidden", "")
        .with("root/zoo/x", "");
    let client = mounted(folder.files().listing(true));
    let page = client.get("/st/").send();
    assert_eq!((page.status(), page.header("content-type")), (Status::OK, Some("text/html; charset=utf-8")));
    assert!(
        page.header("content-security-policy").is_some_and(|policy| policy.starts_with("default-src 'none'"))
    );
    let text = page.text();
    let links: Vec<_> =
        text.split("<a href=\"").skip(1).filter_map(|link| link.split("</a>").next()).collect();
    assert_eq!(
        links,
        [
            "./zoo/\">zoo/",
            "./a%20b&amp;&#39;%22.txt\">a b&amp;&#39;&quot;.txt",
            "./b%3Ci%3E.txt\">b&lt;i&gt;.txt",
            "./c:d.txt\">c:d.txt"
        ]
    );
    assert!(text.contains("<td>5 B</td>"), "{text}");
    assert!(client.get("/st/zoo/").send().text().contains("<a href=\"../\">"));
    assert_eq!(client.get("/st/zoo").follow_redirects(false).send().header("location"), Some("/st/zoo/"));
    assert_eq!(answer(&client, "/st/b%3Ci%3E.txt"), (200, "12345".into()));
    assert_eq!(client.get("/st/none/").send().status(), Status::NOT_FOUND);
    assert_eq!(client.head("/st/").send().bytes(), b"");
}

#[test]
fn an_index_page_comes_before_a_listing() {
    let folder = site();
    let both = |files: StaticFiles| files.html(true).listing(true);
    for client in clients(&folder, both, |files| files.html(true).listing(true)) {
        assert_eq!(answer(&client, "/st/sub/"), (200, "index".into()));
        let listed = client.get("/st/noidx/").send().text();
        assert!(listed.contains("./x.css"), "{listed}");
        let root = client.get("/st/").send().text();
        for name in ["./404.html", "./f.txt", "./noidx/", "./noidx-other/", "./sub/"] {
            assert!(root.contains(name), "{name}: {root}");
        }
        assert!(!root.contains("../") && !root.contains("deep"), "{root}");
        assert_eq!(answer(&client, "/st/none"), (404, "nothing here".into()));
    }
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_are_not_listed() {
    use std::os::unix::fs::symlink;
    let folder = site();
    symlink(folder.path("secret"), folder.path("root/out")).expect("the folder is ours");
    symlink("f.txt", folder.path("root/inner")).expect("the folder is ours");
    let listed = |files: StaticFiles| mounted(files.listing(true)).get("/st/").send().text();
    let text = listed(folder.files());
    assert!(text.contains("./inner") && !text.contains("./out"), "{text}");
    assert!(listed(folder.files().follow_symlink(true)).contains("./out"));
}

#[test]
fn a_missing_directory_is_a_warning_unless_it_is_expected() {
    let warnings = |check: bool| {
        let app = App::new().mount("/st", StaticFiles::new("nowhere").check_dir(check));
        app.warnings().len()
    };
    assert_eq!((warnings(true), warnings(false)), (1, 0));
}

#[test]
fn a_listing_joins_the_directories_that_there_are() {
    let folder = site().with("theme/only/a.txt", "a");
    let client = mounted(folder.files().directory(folder.path("theme")).listing(true));
    assert!(client.get("/st/only/").send().text().contains("./a.txt"));
}

#[test]
fn a_listing_says_that_it_is_cut_off() {
    let folder = Folder::new().with("root/0.txt", "");
    (1..10_000)
        .for_each(|n| drop(fs::File::create(folder.path(&format!("root/{n}.txt"))).expect("it is ours")));
    let text = mounted(folder.files().listing(true)).get("/st/").send().text();
    assert!(text.contains("Further entries are not listed."), "{text}");
}
