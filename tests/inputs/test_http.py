"""HTTP as servers speak it, well and badly."""

import ssl
import threading
import time

import pytest
import trustme
from stream_server import Request, StreamServer, icy, serving

from pyplugin.errors import StreamError
from pyplugin.inputs.http import HttpResource, Sockets, without_password

AUDIO = bytes(range(256)) * 200


@pytest.fixture
def server():
    with serving() as running:
        yield running


def body(resource: HttpResource, size: int = 4000) -> bytes:
    parts = []
    try:
        while part := resource.read(size):
            parts.append(part)
        return b"".join(parts)
    finally:
        resource.close()


def answering(server: StreamServer, status: str, data: bytes = AUDIO, **headers: object) -> str:
    def handler(request: Request) -> None:
        request.answer(status, **headers)
        request.send(data)

    server.handlers["/x"] = handler
    return server.url("/x")


def test_a_file(server):
    resource = HttpResource(server.file("/a.mp3", AUDIO))
    assert (resource.length, resource.live, resource.container) == (len(AUDIO), False, "mp3")
    assert body(resource) == AUDIO


@pytest.mark.parametrize("status", ["ICY 200 OK", "HTTP/1.0 200 OK", "HTTP/1.1 200"])
def test_a_broadcast_with_titles(server, status):
    data = icy(AUDIO, 8192, {0: b"A - B", 2: b"C"})
    url = answering(
        server,
        status,
        data,
        icy_name="Radio Köln".encode().decode("latin-1"),
        icy_metaint=8192,
        Content_Type="audio/aacp",
    )
    titles: list[bytes] = []
    resource = HttpResource(url, on_title=titles.append)
    assert (resource.name, resource.live, resource.container) == ("Radio Köln", True, "aac")
    assert body(resource) == AUDIO
    assert titles == [b"A - B", b"C"]
    assert server.requests[0][1]["icy-metadata"] == "1"


def test_a_chunked_body(server):
    chunks = b"".join(
        f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in (AUDIO[:999], AUDIO[999:], b"")
    )
    url = answering(server, "HTTP/1.1 200 OK", chunks, Transfer_Encoding="chunked")
    assert body(HttpResource(url)) == AUDIO


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Again", "308 Moved"])
def test_redirects_are_followed(server, status):
    server.file("/a.mp3", AUDIO)
    resource = HttpResource(answering(server, f"HTTP/1.1 {status}", b"", Location="/a.mp3"))
    assert resource.url == server.url("/a.mp3")
    assert body(resource) == AUDIO


def test_a_login_in_the_address_is_sent_and_never_shown(server):
    url = server.file("/a.mp3", AUDIO).replace("//", "//me:s%40fe@")
    assert body(HttpResource(url)) == AUDIO
    assert server.requests[0][1]["authorization"].endswith("bwu6c0bmzq==".lower()) or (
        server.requests[0][1]["authorization"] == "basic bwu6c0bmzq=="
    )
    assert "s%40fe" not in without_password(url)
    with pytest.raises(StreamError) as raised:
        HttpResource(url + "missing")
    assert "s%40fe" not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        ("HTTP/1.1 404 Not Found", {}, "answers 404 Not Found"),
        ("HTTP/1.1 503 Full", {}, "answers 503 Full"),
        ("HTTP/1.1 401 Unauthorized", {}, "answers 401"),
        ("HTTP/1.1 302 Found", {"Location": "/x"}, "in a circle"),
        ("HTTP/1.1 302 Found", {"Location": "file:///etc/passwd"}, "which is not HTTP"),
        ("HTTP/1.1 302 Found", {"Location": "ftp://127.0.0.1/a"}, "that is not HTTP"),
        ("SSH-2.0-OpenSSH", {}, "not answer in HTTP"),
        ("ICY 401 Service Unavailable", {}, "answers 401"),
    ],
)
def test_answers_that_are_no_audio(server, status, headers, words):
    with pytest.raises(StreamError, match=words):
        HttpResource(answering(server, status, b"", **headers))


def test_a_refused_connection():
    with pytest.raises(StreamError, match="connection refused"):
        HttpResource("http://127.0.0.1:9/")


def test_a_host_that_does_not_exist():
    with pytest.raises(StreamError, match="no host of this name"):
        HttpResource("http://no-such-host.invalid/")


def test_a_server_that_says_nothing(server):
    server.handlers["/x"] = Request.hang
    begun = time.monotonic()
    with pytest.raises(StreamError, match=r"nothing arrived for 0\.3 s"):
        HttpResource(server.url("/x"), timeout=0.3)
    assert time.monotonic() - begun < 5


def test_a_half_open_connection(server):
    def handler(request: Request) -> None:
        request.answer()
        request.send(AUDIO)
        request.hang()

    server.handlers["/x"] = handler
    with pytest.raises(StreamError, match="nothing arrived for"):
        body(HttpResource(server.url("/x"), timeout=0.3))


def test_a_file_that_ends_early(server):
    url = answering(server, "HTTP/1.1 200 OK", AUDIO[:1000], Content_Length=len(AUDIO))
    with pytest.raises(StreamError, match=f"{len(AUDIO) - 1000} bytes short"):
        body(HttpResource(url))


def test_a_read_that_waits_can_be_interrupted(server):
    def handler(request: Request) -> None:
        request.answer()
        request.hang()

    server.handlers["/x"] = handler
    sockets = Sockets()
    resource = HttpResource(server.url("/x"), timeout=30, sockets=sockets)
    threading.Timer(0.2, sockets.interrupt).start()
    begun = time.monotonic()
    assert resource.read(10) == b""
    assert time.monotonic() - begun < 10
    resource.close()
    resource.close()
    with pytest.raises(StreamError, match="it was closed"):
        HttpResource(server.url("/x"), sockets=sockets)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def secured(authority: trustme.CA, name: str):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return lambda connection: context.wrap_socket(connection, server_side=True)


def test_certificates_are_checked(authority, tmp_path, monkeypatch):
    with serving(wrap=secured(authority, "127.0.0.1")) as server:
        url = server.file("/a.mp3", AUDIO)
        with pytest.raises(StreamError, match="certificate is not valid"):
            HttpResource(url)
        trusted = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(str(trusted))
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        assert body(HttpResource(url)) == AUDIO
    wrap = secured(authority, "other.example")
    with serving(wrap=wrap) as server, pytest.raises(StreamError, match="is not valid"):
        HttpResource(server.file("/a.mp3", AUDIO))


def test_plain_http_where_encryption_is_expected():
    def refuse(connection):
        connection.recv(10)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.close()
        raise OSError

    with serving(wrap=refuse) as server, pytest.raises(StreamError, match="encryption fails"):
        HttpResource(server.url("/a.mp3"))
