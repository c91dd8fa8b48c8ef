"""The monitor on a real Icecast: a source that dies, a fallback, a station that is late."""

import contextlib
import threading
import time
import urllib.parse
import urllib.request

import pytest
import radio
from frames import until

from pyplugin.monitor.config import parse_config
from pyplugin.monitor.service import Service
from pyplugin.monitor.storage import Log

LACKS = radio.missing()
pytestmark = [
    pytest.mark.skipif(bool(LACKS), reason=f"needs {', '.join(LACKS)}"),
    pytest.mark.waits(40),
]


def set_title(port, mount, title):
    query = urllib.parse.urlencode(
        {"mode": "updinfo", "mount": mount, "charset": "UTF-8", "song": title}
    )
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    address = f"http://127.0.0.1:{port}/"
    passwords.add_password(None, address, "admin", radio.PASSWORD)
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
    opener.open(f"{address}admin/metadata?{query}", timeout=10).close()


@contextlib.contextmanager
def monitored(config):
    service = Service(config)
    service.start()
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        yield lambda name: next(each for each in service.status() if each["station"] == name)
    finally:
        service.stop()
        thread.join()
        service.close()


def test_three_stations_of_one_server(tmp_path):
    stereo = radio.write_timecode(tmp_path / "stereo.wav", 10, 44100, 2)
    mono = radio.write_timecode(tmp_path / "mono.wav", 10, 22050, 1)
    folders = [tmp_path / name for name in ("spare", "main", "late")]
    for folder in folders:
        folder.mkdir()
    with radio.icecast() as port:
        stations = "".join(
            f'[[station]]\nname = "{name}"\ntimeout = "2s"\n'
            f'url = "http://127.0.0.1:{port}/{name}"\n'
            for name in ("main", "late")
        )
        alarms = '[[alarm]]\nname = "down"\nwhen = "down"\nfor = "2s"\nclear = "1s"\n'
        alarms += '[[alarm]]\nname = "fallback"\nwhen = "fallback"\n'
        head = f'[monitor]\ndata = "{tmp_path / "log"}"\ndefault_alarms = false\n'
        config = parse_config(head + stations + alarms)
        with (
            radio.running(*radio.source(port, "/spare", mono, bit_rate=48), folder=folders[0]),
            radio.running(*radio.source(port, "/main", stereo), folder=folders[1]) as main,
        ):
            time.sleep(3)
            with monitored(config) as state:
                set_title(port, "/main", "Bänd - Söng")
                assert until(lambda: state("main")["title"] == "Bänd - Söng", 20)
                assert until(lambda: state("late")["alarms"] == ["down"], 20)  # 404 so far
                main.end()
                assert until(lambda: state("main")["alarms"] == ["fallback"], 25)
                assert not state("main")["down"]
                late = radio.Process(*radio.source(port, "/late", stereo), folder=folders[2])
                main.start()
                try:
                    assert until(lambda: state("main")["alarms"] == [], 25)
                    assert until(lambda: state("late")["alarms"] == [], 40)
                finally:
                    late.end()
    with Log(tmp_path / "log") as log:
        alarms = [(row["station"], row["rule"]) for row in log.alarms(0, 10**14)]
        events = list(log.events(0, 10**14, "main"))
        tracks = [row["title"] for row in log.tracks(0, 10**14, "main") if row["artist"] == "Bänd"]
    assert sorted(alarms)[:2] == [("late", "down"), ("main", "fallback")]
    assert tracks == ["Söng"]
    formats = [row["message"] for row in events if row["kind"] == "format"]
    assert formats[:2] == ["Now 22050 Hz, 1 channel.", "Now 44100 Hz, 2 channels."]
