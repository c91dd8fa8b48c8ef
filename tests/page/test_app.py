"""The server of the page: files, songs in parts, uploads within limits, and the analysis."""

from __future__ import annotations

import http.client
import json
import socket
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from frames import until
from helpers import DATA

import pyplugin
from pyplugin.models import registry
from pyplugin.page.app import PRIVATE, Page
from pyplugin.page.site import Choice
from pyplugin.web.access import Access
from pyplugin.web.serving import Serving

CLIP = DATA / "clips/radio-hour.ogg"


class Client:
    def __init__(self, serving: Serving) -> None:
        self.port = serving.port

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        return response.status, data, response.headers

    def analyse(self, body: bytes, model: str = "scene", **headers: str) -> tuple[int, Any]:
        query = urllib.parse.urlencode({"model": model, "name": "a song"})
        status, data, _ = self.ask(f"/api/v1/analyse?{query}", "POST", body, **headers)
        return status, json.loads(data)

    def result(self, job: str) -> tuple[int, Any]:
        path = f"/api/v1/jobs/{job}"
        assert until(lambda: self.ask(path)[0] != 202)
        status, data, _ = self.ask(path)
        return status, json.loads(data)


@pytest.fixture(scope="module")
def scene() -> Choice:
    return Choice("scene", "scene", registry.load("scene"))


@pytest.fixture(scope="module")
def page(scene: Choice) -> Iterator[Page]:
    page = Page([scene], [CLIP], most_mb=1)
    yield page
    page.close()


@pytest.fixture(scope="module")
def client(page: Page) -> Iterator[Client]:
    serving = Serving(page.app, "127.0.0.1", 0, extra="page", remedy="no")
    serving.start()
    yield Client(serving)
    serving.stop()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/main.js", "javascript"),
        ("/style.css", "text/css"),
        ("/site.json", "application/json"),
        ("/models/scene.tagnode", "application/octet-stream"),
    ],
)
def test_files_have_their_types_and_load_nothing_from_elsewhere(
    path: str, kind: str, client: Client
) -> None:
    status, data, headers = client.ask(path)
    assert status == 200
    assert kind in headers["content-type"]
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert headers["x-content-type-options"] == "nosniff"
    assert data


def test_the_site_names_models_and_songs(client: Client, scene: Choice) -> None:
    site = json.loads(client.ask("/site.json")[1])
    assert site["server"] is True
    assert site["mostBytes"] == 1_000_000
    (model,) = site["models"]
    assert (model["id"], model["hop"]) == ("scene", scene.model.card.default_hop)
    assert site["songs"] == [{"name": "radio-hour.ogg", "file": "songs/0"}]


def test_songs_come_whole_or_in_part(client: Client) -> None:
    whole = CLIP.read_bytes()
    assert client.ask("/songs/0")[1] == whole
    status, part, headers = client.ask("/songs/0", Range="bytes=100-199")
    assert status == 206
    assert part == whole[100:200]
    assert headers["content-range"] == f"bytes 100-199/{len(whole)}"
    assert client.ask("/songs/1")[0] == 404


@pytest.mark.parametrize(
    "path", ["/models/no.tagnode", "/no.js", "/../app.py", "/%2e%2e/app.py", "/api/v1/jobs/no"]
)
def test_what_is_not_there_is_not_found(path: str, client: Client) -> None:
    assert client.ask(path)[0] == 404


def test_results_are_those_of_tag(client: Client) -> None:
    status, answer = client.analyse(CLIP.read_bytes())
    assert status == 202
    status, found = client.result(answer["job"])
    expected = pyplugin.tag(CLIP)
    assert status == 200
    assert [label["text"] for label in found["labels"]] == expected.labels
    assert found["values"] == pytest.approx(expected.activations, abs=1e-6)
    assert (found["hop"], found["window"]) == (expected.hop, expected.window)
    assert found["duration"] == expected.duration
    loudness = found["loudness"]
    assert len(loudness["values"]) * loudness["hop"] == pytest.approx(expected.duration, abs=0.2)
    assert found["mel"]["columns"] * found["mel"]["hop"] == pytest.approx(
        expected.duration, abs=0.1
    )


def test_progress_comes_as_events(client: Client) -> None:
    _, answer = client.analyse(CLIP.read_bytes())
    status, data, headers = client.ask(f"/api/v1/jobs/{answer['job']}/events")
    assert status == 200
    assert headers["content-type"].startswith("text/event-stream")
    assert data.decode().endswith("event: done\ndata: 1\n\n")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [(b"no audio at all, but text", "a song"), (b"", "The recording is empty.")],
)
def test_what_is_no_audio_is_a_sentence(body: bytes, sentence: str, client: Client) -> None:
    status, answer = client.analyse(body)
    if status == 202:
        status, answer = client.result(answer["job"])
    assert status in (400, 422)
    assert sentence in answer["error"]
    assert "/tmp" not in answer["error"]


def test_too_much_is_refused_while_it_comes(client: Client, page: Page) -> None:
    status, answer = client.analyse(bytes(1_000_001))
    assert (status, answer) == (413, {"error": "A recording may have 1 MB at most."})
    assert until(lambda: not list(Path(page._folder.name).iterdir()))


def test_an_upload_that_is_cut_off_leaves_nothing(client: Client, page: Page) -> None:
    with socket.create_connection(("127.0.0.1", client.port)) as connection:
        connection.sendall(
            b"POST /api/v1/analyse?model=scene HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Length: 1000\r\n\r\nonly some"
        )
        assert until(lambda: list(Path(page._folder.name).iterdir()))
    assert until(lambda: not list(Path(page._folder.name).iterdir()))


def test_unknown_models_and_other_origins_are_refused(client: Client) -> None:
    assert client.analyse(b"x", "no") == (404, {"error": "There is no model 'no'."})
    assert client.analyse(b"x", Origin="https://evil.example")[0] == 403


def test_elsewhere_only_the_files_of_the_page_need_no_token(scene: Choice, tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(b"RIFF")
    page = Page([scene], [song], access=Access("secret", guarded=PRIVATE))
    serving = Serving(page.app, "127.0.0.1", 0, extra="page", remedy="no")
    serving.start()
    client = Client(serving)
    try:
        for path in ("/", "/main.js", "/healthz"):
            assert client.ask(path)[0] == 200, path
        for path in ("/site.json", "/songs/0", f"/models/{scene.id}.tagnode"):
            assert client.ask(path)[0] == 401, path
            assert client.ask(f"{path}?token=secret")[0] == 200, path
        assert client.ask("/api/v1/jobs/x")[0] == 401
        assert client.analyse(b"x")[0] == 401
        assert client.analyse(b"x", Authorization="Bearer secret")[0] == 202
    finally:
        serving.stop()
        page.close()
