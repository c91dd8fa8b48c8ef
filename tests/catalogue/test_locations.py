"""Recordings on servers and in archives: streamed, with the results of a local file."""

import functools
import io
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from collections_of_sounds import Inline
from hypothesis import given
from hypothesis import strategies as st

from pyplugin import PypluginError
from pyplugin.catalogue.building import build
from pyplugin.catalogue.locations import HashingReader, content_of, remote_state
from pyplugin.catalogue.scanning import scan
from pyplugin.catalogue.setup import Setup
from pyplugin.catalogue.store import Catalogue

pytest.importorskip("fsspec", reason="needs fsspec")


def rows(folder, sources):
    """The content, duration and loudness of what is in sources, and the progress."""
    progress = build([str(each) for each in sources], folder, Setup.of(), Inline)
    table = Catalogue(folder).read(
        "recordings", ["content", "duration", "loudness", "tag.scene.noise.mean"]
    )
    return sorted(tuple(row.values()) for row in table.to_pylist()), progress


@given(st.binary(max_size=300), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 100))))
def test_the_hash_is_that_of_the_file_in_whatever_order_it_is_read(data, reads):
    import hashlib

    reader = HashingReader(io.BytesIO(data))
    for at, size in reads:
        reader.seek(at)
        assert reader.read(size) == data[at : at + size]
    assert reader.content() == hashlib.blake2b(data, digest_size=16).hexdigest()


def test_an_archive(collection, tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in collection.rglob("*.*"):
            archive.write(path, path.relative_to(collection))
    local, _ = rows(tmp_path / "local", [collection])
    inside, progress = rows(tmp_path / "zip", [f"zip://::{tmp_path}/all.zip"])
    assert inside == local
    assert progress.analysed == 3
    assert rows(tmp_path / "zip", [f"zip://::{tmp_path}/all.zip"])[1].before == 3


class Quiet(SimpleHTTPRequestHandler):
    """Knows no ranges: such servers send files from the beginning only."""

    def log_message(self, *about):
        pass


@pytest.fixture
def server(collection):
    handler = functools.partial(Quiet, directory=str(collection))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()
        thread.join()


def test_a_server(server, collection, tmp_path):
    pytest.importorskip("aiohttp", reason="needs aiohttp")
    found, progress = rows(
        tmp_path / "http", [f"{server}/tone.ogg", f"{server}/noises/hiss.wav", f"{server}/no.mp3"]
    )
    assert [row[0] for row in found] == sorted(
        content_of(str(collection / name)) for name in ("tone.ogg", "noises/hiss.wav")
    )
    assert dict(progress.kinds) == {"network": 1}


def test_s3(collection, tmp_path, monkeypatch):
    pytest.importorskip("s3fs", reason="needs s3fs")
    moto = pytest.importorskip("moto.server", reason="needs moto")
    import logging

    import fsspec

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        system = fsspec.filesystem("s3")
        system.mkdir("bucket")
        system.put(str(collection) + "/", "bucket/masters", recursive=True)
        local, _ = rows(tmp_path / "local", [collection])
        there, progress = rows(tmp_path / "s3", ["s3://bucket/masters"])
        assert there == local
        assert progress.analysed == 3
        with pytest.raises(PypluginError, match=r"cannot be listed|nothing in it"):
            scan(["s3://nowhere/masters"])
    finally:
        server.stop()


def test_a_protocol_that_does_not_exist_is_refused():
    with pytest.raises(PypluginError, match="foo://bar"):
        scan(["foo://bar"])


def test_times_of_other_systems():
    assert remote_state({"size": 5, "mtime": 1.5}) == (5, 1_500_000)
    assert remote_state({"size": 5, "date_time": (1970, 1, 2)}) == (5, 86_400_000_000)
    assert remote_state({"size": None}) == (-1, None)
