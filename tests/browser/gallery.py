#!/usr/bin/env python3
"""Uses `examples/gallery` with a Chromium, httpx and curl, and prints a line for each check.

    python3 tests/browser/gallery.py [folder for pictures]

It installs playwright and httpx into `target/browser` at the first run. The Chromium is that of STELO_TEST_CHROMIUM, or
`chromium` of the path. With a folder, it also saves pictures of the pages: wide, narrow and dark.
"""

import contextlib
import functools
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PACKAGES = ["playwright", "httpx==0.28.1"]
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 240"><circle cx="160" cy="120" r="90" fill="#e4572e"/></svg>'


def install():
    """Runs this script again with the packages."""
    python = TARGET / "browser" / "bin" / "python"
    if pathlib.Path(sys.prefix) == TARGET / "browser":
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", TARGET / "browser"], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    os.execv(python, [str(python), *sys.argv])


install()
import httpx  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402


def check(what, holds):
    print("ok  " if holds else "BAD ", what, flush=True)
    check.bad += not holds


check.bad = 0


def until(page, expression):
    """Waits until an expression is true. The policy of the pages forbids Playwright's own way, which is `eval`."""
    end = time.monotonic() + 20
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"{page.url}: never {expression}"
        time.sleep(0.02)


def free_port():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return listener.getsockname()[1]


class Site:
    """The running example."""

    def __init__(self, origin):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {**os.environ, "GALLERY_ORIGINS": origin}
        self.start()

    def start(self):
        program = TARGET / "debug" / "examples" / "gallery"
        self.child = subprocess.Popen(
            [program, "--port", str(self.port), "--no-access-log"], env=self.environment, stderr=subprocess.DEVNULL
        )
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.02)

    def stop(self):
        self.child.terminate()
        self.child.wait()

    def commission(self, title):
        wish = {"title": title, "artist": "A program", "style": "stems", "seed": 7}
        answer = httpx.post(f"{self.url}/api/drawings", json=wish, headers={"authorization": "Bearer demo-token"})
        assert answer.status_code == 201, answer.text


def other_site():
    """Serves empty pages on a port of its own."""

    class Empty(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Other</title>")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def log_in(page, site):
    """Logs in with the keyboard alone."""
    page.goto(f"{site.url}/login")
    page.focus("#name")
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type("correct horse")
    page.keyboard.press("Enter")
    page.wait_for_selector(".message")


def pages(browser, site):
    page = browser.new_page()
    faults = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    for path in ["/", "/drawings/3", "/login", "/board", "/colophon"]:
        answer = page.goto(site.url + path)
        pictures = "[...document.images].every(image => { image.loading = 'eager'; return image.complete && image.naturalWidth })"
        until(page, pictures)
        check(f"{path} loads with its pictures", answer.status == 200)
    check("no page has an error in the console, such as one of the policy", not faults)
    for path, status in [("/nowhere", 404), ("/broken", 500)]:
        answer = page.goto(site.url + path)
        page.wait_for_selector(".live .dot")
        check(f"{path} is a page with scripts and status {status}", answer.status == status)
    page.close()


def keyboard(browser, site):
    page = browser.new_page()
    page.goto(site.url)
    page.keyboard.press("Tab")
    where = "document.activeElement.textContent.trim()"
    check("the first stop of Tab is the link to the content", page.evaluate(where) == "Skip to the content")
    check("it is visible then", page.locator(".skip").bounding_box()["x"] >= 0)
    page.keyboard.press("Enter")
    check("it leads to the content", page.evaluate("document.activeElement.id") == "content")
    stops, rings = [], 0
    page.goto(site.url)
    for _ in range(9):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(where).split("\n")[0])
        rings += page.evaluate("getComputedStyle(document.activeElement).outlineStyle != 'none'")
    expected = ["Skip to the content", "Small Drawings", "Wall", "Board", "Add", "Colophon", "Log in"]
    check("Tab goes in the order of the page", stops[:7] == expected)
    check("every stop has a ring", rings == 9)
    page.close()


def cors(browser, site, port):
    ask = """async ([url, options]) => {
        try { const answer = await fetch(url, options); return [answer.status, answer.headers.get('location')]; }
        catch { return 'refused'; }
    }"""
    wish = json.dumps({"title": "From afar", "artist": "A friend", "style": "town", "seed": 3})
    headers = {"authorization": "Bearer demo-token", "content-type": "application/json"}
    options = {"method": "POST", "headers": headers, "body": wish}
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{port}/")
    status, location = page.evaluate(ask, [f"{site.url}/api/drawings", options])
    check("a known site may add a drawing, after a preflight, and read where", status == 201 and location)
    answer = page.evaluate(ask, [f"{site.url}/api/drawings", {"headers": {"x-other": "1"}}])
    check("not with another header field", answer == "refused")
    page.goto(f"http://localhost:{port}/")
    answer = page.evaluate(ask, [f"{site.url}/api/drawings", options])
    check("an unknown site is refused by the preflight", answer == "refused")
    answer = page.evaluate(ask, [f"{site.url}/api/drawings", {}])
    check("and cannot read the list", answer == "refused")
    page.close()


def session(context, site, port):
    page = context.new_page()
    page.goto(f"{site.url}/login")
    page.fill("#name", "ada")
    page.fill("#password", "wrong")
    page.click("main button")
    page.wait_for_selector(".message.error")
    check("a wrong password is told", "is wrong" in page.inner_text(".message"))
    log_in(page, site)
    check("a login by Enter shows a message", page.inner_text(".message") == "Welcome, ada.")
    page.reload()
    check("once", page.locator(".message").count() == 0)

    # The cookie is sent, because only the port differs, and that is the same site.
    page.goto(f"http://127.0.0.1:{port}/")
    form = f"""document.body.innerHTML = '<form method=post action="{site.url}/logout"><button>x</button></form>';
        document.forms[0].submit()"""
    with page.expect_navigation() as navigation:
        page.evaluate(form)
    sent = navigation.value.request
    check("a form of a foreign page is 403 while logged in", navigation.value.status == 403)
    check("although the browser sends the cookie", "session=" in (sent.all_headers().get("cookie") or ""))
    page.goto(site.url)
    check("and the user is still logged in", page.inner_text(".person span") == "ada")

    page.click("text=Log out")
    page.wait_for_selector(".message")
    check("a logout shows a message", "You have left" in page.inner_text(".message"))
    check("and the user is gone", page.locator("text=Log in").count() == 1)
    page.close()


def upload(context, site):
    page = context.new_page()
    log_in(page, site)
    page.goto(f"{site.url}/add")
    page.click("#upload button")
    page.wait_for_selector("#title-fault:not(:empty)")
    check("every wrong field is named", page.inner_text("#picture-fault").strip() != "")
    check("the first has the focus", page.evaluate("document.activeElement.id") == "title")
    page.evaluate("""() => {
        window.parts = [];
        new MutationObserver(() => parts.push(percent.textContent)).observe(percent, { childList: true });
    }""")
    # 400 KiB a second, so that the bar can be seen.
    network = context.new_cdp_session(page)
    limits = {"offline": False, "latency": 5, "downloadThroughput": -1, "uploadThroughput": 1_000_000}
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", limits)
    with tempfile.TemporaryDirectory() as folder:
        for name, size in [("small.svg", 3 << 20), ("large.svg", 5 << 20)]:
            pathlib.Path(folder, name).write_text(SVG + "<!--" + "x" * (size - len(SVG)) + "-->")
        page.fill("#title", "From a file")
        page.set_input_files("#picture", f"{folder}/small.svg")
        page.click("#upload button")
        page.wait_for_selector("#outcome img")
        parts = page.evaluate("parts")
        check(f"the bar of an upload moves: {len(set(parts))} steps to {parts[-1]}", len(set(parts)) > 2 and parts[-1] == "100 %")
        check("and its end is shown", page.inner_text("#outcome a") == "From a file")
        until(page, "document.querySelector('#outcome img').naturalWidth > 0")
        network.send("Network.emulateNetworkConditions", {**limits, "uploadThroughput": -1})
        page.fill("#title", "Too large")
        page.set_input_files("#picture", f"{folder}/large.svg")
        page.click("#upload button")
        until(page, "document.querySelector('#picture-fault').textContent || outcome.textContent")
        check("a file that is too large is told", "larger than 4 MiB" in page.inner_text("#picture-fault"))
    page.goto(site.url)
    check("the picture hangs on the wall", page.inner_text(".card .title >> nth=0") == "From a file")
    page.close()


def without_scripts(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, site)
    page.goto(f"{site.url}/add")
    page.click("#upload button")
    check("without scripts: every wrong field is named", page.inner_text("#title-fault") != "" and page.inner_text("#picture-fault") != "")
    page.fill("#title", "By hand")
    page.set_input_files("#picture", {"name": "a.svg", "mimeType": "image/svg+xml", "buffer": SVG.encode()})
    page.click("#upload button")
    check("without scripts: a drawing is added", page.inner_text("h1") == "By hand" and "hangs on the wall" in page.inner_text(".message"))
    context.close()


def events(context, site):
    page = context.new_page()
    page.goto(site.url)
    first = ".card .title >> nth=0"
    page.wait_for_selector(".live")
    site.commission("While you look")
    page.wait_for_selector("text=While you look")
    check("a drawing appears while the page is open", page.inner_text(first) == "While you look")

    # A browser that is offline misses an event, and asks for it by the id of the last one.
    asked = []
    page.on("request", lambda request: asked.append(request.all_headers()) if request.url.endswith("/news") else None)
    site.stop()
    page.wait_for_selector("body:not(.live)")
    site.start()
    site.commission("During a restart")
    page.wait_for_selector("text=During a restart", timeout=20_000)
    page.wait_for_selector(".live")
    check("after a restart of the server the feed connects again and repeats what was missed", True)
    check("with Last-Event-ID", any("last-event-id" in headers for headers in asked))
    check("and counts its visitor", page.inner_text("#visitors") == "1")
    page.close()


def board(context, browser, site):
    ada, bob = context.new_page(), browser.new_page()
    for page in (ada, bob):
        page.goto(f"{site.url}/board")
        until(page, "line.textContent == 'Connected.'")
    box = ada.locator("#board").bounding_box()
    ada.mouse.move(box["x"] + 50, box["y"] + 50)
    ada.mouse.down()
    ada.mouse.move(box["x"] + 200, box["y"] + 150, steps=10)
    ada.mouse.up()
    bob.wait_for_selector("#strokes polyline", state="attached")
    check("a stroke of the mouse reaches the other visitor", bob.locator("#strokes polyline").count() == 1)
    bob.focus("#board")
    for key in ["Space", "ArrowRight", "ArrowDown", "ArrowRight", "Space"]:
        bob.keyboard.press(key)
    until(ada, "document.querySelectorAll('#strokes polyline').length == 2")
    check("a stroke of the keyboard too", True)
    bob.close()
    ada.close()


def programs(site):
    with httpx.Client(base_url=site.url, follow_redirects=True) as client:
        answer = client.post("/login", data={"name": "grace", "password": "battery staple", "next": "/add"})
        check("httpx: login, and the redirect to the form", answer.url.path == "/add" and "Welcome, grace." in answer.text)
        answer = client.post("/add", data={"title": "By httpx"}, files={"picture": ("a.svg", SVG)})
        check("httpx: upload", answer.status_code == 200 and "By httpx" in answer.text)
        drawings = client.get("/api/drawings")
        check("httpx: the list, compressed", drawings.headers["content-encoding"] == "gzip" and drawings.json()[0]["title"] == "By httpx")
        again = client.get("/api/drawings", headers={"if-none-match": drawings.headers["etag"]})
        check("httpx: not modified", again.status_code == 304)
        with client.stream("GET", "/api/drawings.jsonl") as lines:
            check("httpx: lines", all(json.loads(line)["id"] for line in lines.iter_lines()))
        problem = client.get("/api/nothing")
        check("httpx: a problem", problem.headers["content-type"] == "application/problem+json")
        codes = [client.post("/login", data={"name": "x", "password": "x"}, follow_redirects=False).status_code for _ in range(11)]
        check("httpx: the eleventh try to log in is 429", codes[-1] == 429)
    curl = functools.partial(subprocess.run, capture_output=True, text=True)
    part = curl(["curl", "-s", "-r", "0-3", f"{site.url}/drawings/1.svg"]).stdout
    check("curl: a range", part == "<svg")
    with tempfile.TemporaryDirectory() as folder:
        whole = httpx.get(f"{site.url}/drawings/1.svg").text
        pathlib.Path(folder, "a.svg").write_text(whole[:100])
        curl(["curl", "-s", "-C", "-", "-o", "a.svg", f"{site.url}/drawings/1.svg"], cwd=folder)
        check("curl: a download that goes on", pathlib.Path(folder, "a.svg").read_text() == whole)
    page = curl(["curl", "-s", "--compressed", "-i", site.url]).stdout
    check("curl: a compressed page", "content-encoding: gzip" in page and "</html>" in page)


def pictures(browser, site, folder):
    for name, width, height, scheme in [("wide", 1200, 800, "light"), ("narrow", 360, 720, "light"), ("dark", 1200, 800, "dark")]:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        page = context.new_page()
        for path in ["", "drawings/3", "login", "board", "colophon", "nowhere"]:
            page.goto(f"{site.url}/{path}")
            page.wait_for_selector(".live")
            fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            check(f"/{path} fits into {width} pixels", fits)
            page.screenshot(path=f"{folder}/{name}-{path.replace('/', '-') or 'wall'}.png")
        context.close()


def main():
    chromium = os.environ.get("STELO_TEST_CHROMIUM") or shutil.which("chromium") or sys.exit("install chromium")
    build = ["cargo", "build", "--example", "gallery", "--features", "sessions,templates,validation"]
    subprocess.run(build, cwd=ROOT, check=True)
    port = other_site()
    site = Site(f"http://127.0.0.1:{port}")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            if len(sys.argv) > 1:
                pictures(browser, site, sys.argv[1])
            context = browser.new_context()
            pages(browser, site)
            keyboard(browser, site)
            cors(browser, site, port)
            session(context, site, port)
            upload(context, site)
            without_scripts(browser, site)
            board(context, browser, site)
            events(context, site)
            programs(site)
            browser.close()
    finally:
        site.stop()
    sys.exit(f"{check.bad} checks have failed" if check.bad else 0)


main()
