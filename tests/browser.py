"""A real browser for tests: Debian's Chromium, one for the tests of a module."""

import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
AXE = ROOT / "build" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
OPTIONS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


def launched():
    """Yield the browser; skip without one."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium: sudo apt-get install chromium")
    with playwright.sync_playwright() as api:
        browser = api.chromium.launch(executable_path=program, args=OPTIONS)
        yield browser
        browser.close()


@contextmanager
def tab(browser, address="", **options):
    """Yield a page of its own, whose faults and requests of other hosts fail the test."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(60_000)  # a busy machine is no failure
    faults = []
    page.on("pageerror", lambda error: faults.append(f"exception: {error}"))
    page.on("console", lambda message: _note(faults, message))
    page.on("request", lambda request: _only_loopback(faults, request.url))
    if address:
        page.goto(address)
    try:
        yield page
    finally:
        context.close()
    assert not faults, faults


def _note(faults, message):
    expected = "Failed to load resource" in message.text  # tests stop servers, and ask in vain
    if message.type in ("error", "warning") and not expected:
        faults.append(message.text)


def _only_loopback(faults, url):
    if not url.startswith(("http://127.0.0.1:", "data:", "blob:")):
        faults.append(f"asked for {url}")


def faults_for_people(page):
    """What axe-core finds that is serious: rule and elements."""
    if not AXE.is_file():
        pytest.skip("no axe-core: make build/npm/.done")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        (each["id"], [node["html"][:120] for node in each["nodes"]])
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def wider_than_its_window(page):
    """Pixels by which a page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
