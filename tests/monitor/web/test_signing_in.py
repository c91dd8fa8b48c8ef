"""Who may use the pages: cookies, origins, and where one signs in."""

import http.client

import pytest
from made_up_radio import MadeUpRadio

from pyplugin.web import access as access_module
from pyplugin.web.access import COOKIE, Access


@pytest.fixture
def guarded(tmp_path, serving_radio, monkeypatch):
    """A server that needs a token, and the token."""
    monkeypatch.setattr(access_module, "is_loopback", lambda host: False)
    radio = MadeUpRadio(tmp_path, {"Test FM": "any"}, days=0)
    yield serving_radio(radio), (tmp_path / "token").read_text().strip()
    radio.close()


def ask(server, path, method="GET", body=None, **headers):
    """Return status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, names)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, response.headers, text


def cookie_of(headers):
    return headers["set-cookie"].partition(";")[0]


def test_the_token_gives_a_cookie_that_counts_for_pages_and_api(guarded):
    server, token = guarded
    status, headers, _ = ask(server, "/sign-in", "POST", f"token={token}&page=log")
    assert (status, headers["location"]) == (303, "log")
    given = headers["set-cookie"].lower()
    assert "httponly" in given
    assert "samesite=strict" in given
    assert "path" not in given  # that of its folder, which a proxy may have added
    for path in ("/", "/log", "/log.json", "/api/v1/segments", "/metrics"):
        assert ask(server, path, Cookie=cookie_of(headers))[0] == 200, path


@pytest.mark.parametrize(
    "value", ["", "x", "9999999999.", f"9999999999.{'0' * 64}", "9" * 40, "²²².x", "ä.ö"]
)
def test_other_cookies_do_not_count(guarded, value):
    server, token = guarded
    cookie = f"{COOKIE}={value}".encode()
    assert ask(server, "/log.json", Cookie=cookie)[0] == 401
    assert not Access(token).is_cookie(value)


def test_a_cookie_counts_for_thirty_days():
    now = [1_700_000_000.0]
    access = Access("secret", now=lambda: now[0])
    cookie = access.cookie()
    now[0] += 30 * 86400 - 1
    assert access.is_cookie(cookie)
    now[0] += 2
    assert not access.is_cookie(cookie)


@pytest.mark.parametrize("page", ["https://evil.example", "//evil.example", "../x", "health", ""])
def test_signing_in_leads_to_pages_of_ours_only(guarded, page):
    server, token = guarded
    headers = ask(server, "/sign-in", "POST", f"token={token}&page={page}")[1]
    assert headers["location"] == ("health" if page == "health" else "./")


def test_without_a_cookie_pages_lead_to_the_sign_in_and_nothing_else_is_open(guarded):
    server, token = guarded
    status, headers, _ = ask(server, "/day")
    assert (status, headers["location"]) == (303, "sign-in?page=day")
    assert ask(server, f"/day?token={token}")[0] == 303  # it would stay in the history
    assert ask(server, "/sign-in", "POST", "token=wrong")[0] == 401
    assert ask(server, "/sign-in", "POST", "x" * 5000)[0] == 413
    assert ask(server, "/sign-in", "POST", "token=%00%ff")[0] == 401
    assert ask(server, "/static/style.css")[0] == 200
    assert ask(server, "/static/../access.py")[0] == 404
    for path in ("/day.json", "/api/v1/stream", "/api/v1/alarms/1/clip", "/sign-out"):
        method = "POST" if path == "/sign-out" else "GET"
        assert ask(server, path, method)[0] == 401, path


def test_requests_of_other_sites_are_refused(guarded):
    server, token = guarded
    headers = ask(server, "/sign-in", "POST", f"token={token}")[1]
    ours = f"http://127.0.0.1:{server.port}"
    path = "/api/v1/alarms/1/ack"
    about = {"Cookie": cookie_of(headers)}
    assert ask(server, path, "POST", Origin=ours, **about)[0] == 404  # no such alarm
    for more in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Origin": "http://127.0.0.1:1"},
    ):
        assert ask(server, path, "POST", **about, **more)[0] == 403, more


def test_every_answer_has_the_policy(guarded):
    server, _ = guarded
    for path in ("/sign-in", "/", "/day.json", "/static/live.js", "/nothing"):
        policy = ask(server, path)[1]["content-security-policy"]
        assert policy.startswith("default-src 'self'"), path
        assert "unsafe" not in policy
