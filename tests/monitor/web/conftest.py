"""A browser and servers of made-up stations, for the tests of the pages."""

import pytest
from browser import launched
from made_up_radio import typical

from pyplugin.monitor.config import Settings
from pyplugin.monitor.web.server import WebServer


@pytest.fixture(scope="module")  # no longer: its event loop runs on this thread
def browser():
    yield from launched()


@pytest.fixture
def serving_radio():
    """Serve a made-up radio: the server; all end with the test."""
    ended = []

    def serve(radio, port=0, zone=None):
        settings = Settings(str(radio.folder), ("127.0.0.1", port))
        server = WebServer(settings, radio, lambda sentence: None, zone)
        server.start()
        ended.append(server)
        return server

    yield serve
    for server in ended:
        server.stop()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of a server of four made-up stations, which no test changes."""
    radio = typical(tmp_path_factory.mktemp("radio"))
    server = WebServer(Settings(str(radio.folder), ("127.0.0.1", 0)), radio, lambda sentence: None)
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()
    radio.close()
