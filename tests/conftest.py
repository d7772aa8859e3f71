"""A browser for the tests that look at pages as a reader does.

- `serve(folder)` serves a folder on localhost and returns its address.
- `open_page(address, ...)` opens a page in headless Chromium and returns a playwright page. The
  network is cut: a request that leaves this machine is stopped. At the end of the test everything
  that went wrong on any page fails it: such a request, a status of 400 or more, a script error, an
  error in the console. A test that provokes one takes it out of `page.problems` itself.
- `show(figure, ...)` writes live figures into a page and opens it.
- `accessibility(page)` runs axe-core and returns what it found, one line for each element.

Where there is no Chromium, tests that use these fixtures are skipped, and say so.
"""

import functools
import http.server
import shutil
import threading
from urllib.parse import urlsplit

import pytest

FLAGS = [
    "--no-sandbox",  # Chromium refuses to start as root with it, and containers run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HERE = ("localhost", "127.0.0.1")


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium, one for each worker."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(names)} is on the path")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser):
    """Return a function that opens a page, and check at the end that nothing went wrong on it."""
    contexts, pages = [], []

    def open_page(address, *, width=1300, height=900, theme="light", touch=False, scripts=True):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            has_touch=touch,
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.problems = problems = []
        pages.append(page)

        def guard(route):
            url = urlsplit(route.request.url)
            if url.scheme in ("http", "https") and url.hostname not in HERE:
                problems.append(f"request to {route.request.url}")
                route.abort()
            else:
                route.continue_()

        context.route("**/*", guard)
        page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
        page.on("console", lambda m: m.type == "error" and problems.append(f"console: {m.text}"))
        page.on("response", lambda r: r.status >= 400 and problems.append(f"{r.status}: {r.url}"))
        page.goto(address)
        if scripts:
            page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [problem for page in pages for problem in page.problems] == []


@pytest.fixture(scope="session")
def serve():
    """Return a function that serves a folder on localhost and gives its address."""
    servers = []

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    def serve(folder):
        handler = functools.partial(Quiet, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://localhost:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def show(tmp_path, open_page, serve):
    """Return a function that writes a page of live figures and opens it once they are drawn."""
    from live_figures import bring_near, write_page  # most tests have no need of them

    def show(*figures, by="http", wait=True, **options):
        path = write_page(tmp_path, *figures)
        page = open_page(path.as_uri() if by == "file" else f"{serve(tmp_path)}/", **options)
        if wait:
            bring_near(page)
            assert page.locator(".live-sentence").count() == len(figures)
        return page

    return show


@pytest.fixture(scope="session")
def accessibility():
    """Return a function that runs axe-core on a page and lists what it finds."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def accessibility(page, *rules):
        # preloading would fetch style sheets again, some from the wrong folder
        options = {"preload": False} | ({"runOnly": list(rules)} if rules else {})
        return [
            f"{rule['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary']}"
            for rule in axe.run(page, options=options).response["violations"]
            for node in rule["nodes"]
        ]

    return accessibility


def pytest_terminal_summary(terminalreporter):
    """Say how many machine-made wrong answers the checks of the exercises have caught."""
    counts = [
        count
        for report in terminalreporter.stats.get("passed", [])
        for name, count in report.user_properties
        if name == "mutants caught"
    ]
    if counts:
        terminalreporter.write_line(
            f"exercises: {sum(counts)} wrong answers made by machine for {len(counts)} exercises, "
            "all caught, besides those that crash"
        )
