"""Published files: fetched from a server on loopback, checked, kept."""

import hashlib
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pyplugin.errors import DownloadError, ModelError
from pyplugin.models.download import PublishedFile

CONTENT = bytes(range(256)) * 5000


@pytest.fixture
def server():
    """A server of one file; its attribute `served` counts the requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.served += 1
            found = self.path == "/a/net.bin"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(self.server.content if found else b"no")

        def log_message(self, *args):
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.served, made.content = 0, CONTENT
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def file(server):
    url = f"http://127.0.0.1:{server.server_address[1]}/a/net.bin"
    return PublishedFile(url, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


def test_a_file_is_fetched_once(server, file, tmp_path):
    lines = []
    assert file.read(None, tmp_path, lines.append) == CONTENT
    assert file.read(None, tmp_path, lines.append) == CONTENT
    assert server.served == len(lines) == 1
    assert file.url in lines[0]
    (kept,) = (tmp_path / "downloads").iterdir()
    kept.write_bytes(b"damaged")
    assert file.read(None, tmp_path, lines.append) == CONTENT
    assert (server.served, kept.read_bytes()) == (2, CONTENT)
    assert "damaged" in lines[1]


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"more", b"x" * len(CONTENT)])
def test_another_file_is_refused_and_not_kept(server, file, tmp_path, content):
    server.content = content
    with pytest.raises(DownloadError, match=file.sha256):
        file.read(None, tmp_path, print)
    assert not (tmp_path / "downloads").exists()


def test_what_cannot_be_fetched_is_asked_for(server, file, tmp_path):
    for url in (file.url + "x", "http://127.0.0.1:1/net.bin"):
        with pytest.raises(DownloadError, match="--from FILE"):
            replace(file, url=url).read(None, tmp_path, print)


def test_a_given_file_is_checked_too(server, file, tmp_path):
    path = tmp_path / "mine.bin"
    path.write_bytes(CONTENT)
    assert file.read(path, tmp_path, print) == CONTENT
    path.write_bytes(CONTENT[1:])
    with pytest.raises(DownloadError, match=r"mine\.bin is not net\.bin"):
        file.read(path, tmp_path, print)
    with pytest.raises(ModelError):
        file.read(tmp_path / "nothing", tmp_path, print)
    assert server.served == 0
