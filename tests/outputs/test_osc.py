"""OSC: what arrives at a real receiver, and what happens when there is none."""

import contextlib
import dataclasses
import itertools
import shutil
import socket
import struct
import subprocess
import sys
import time

import pytest
from frames import frame
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer

from pyplugin.errors import DeviceError, PypluginError
from pyplugin.node.node import State
from pyplugin.outputs import Osc, osc

NTP = 2208988800
"""Seconds from 1900, where timetags begin, to 1970."""


def decode(packet: bytes) -> tuple[float, dict[str, float]]:
    """Read a bundle of messages with one float each, as OSC 1.0 says: (time of day, values)."""

    def string(at: int) -> tuple[str, int]:
        end = packet.index(b"\0", at)
        after = at + (end - at) // 4 * 4 + 4
        assert set(packet[end:after]) == {0}
        return packet[at:end].decode("ascii"), after

    assert len(packet) % 4 == 0
    name, at = string(0)
    assert name == "#bundle"
    (timetag,) = struct.unpack_from(">Q", packet, at)
    at += 8
    values = {}
    while at < len(packet):
        (size,) = struct.unpack_from(">i", packet, at)
        end = at + 4 + size
        address, at = string(at + 4)
        types, at = string(at)
        assert types == ",f"
        (values[address],) = struct.unpack_from(">f", packet, at)
        at += 4
        assert at == end
    return timetag / 2**32 - NTP, values


@pytest.fixture
def receiver():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(10)
        yield made


@pytest.fixture
def sender():
    """Make outputs, and close them afterwards."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(
            contextlib.closing(Osc(*args, **options))
        )


def port_of(receiver: socket.socket) -> int:
    return int(receiver.getsockname()[1])


def nothing_more(receiver: socket.socket) -> bool:
    receiver.setblocking(False)
    try:
        return not receiver.recv(65536)
    except BlockingIOError:
        return True
    finally:
        receiver.settimeout(10)


def test_a_frame_is_one_bundle_of_osc_1_0_with_its_time(receiver, sender):
    output = sender(f"osc.udp://127.0.0.1:{port_of(receiver)}")
    before = time.time()
    output.write_frame(frame())
    when, values = decode(receiver.recv(65536))
    assert before - 1e-3 <= when <= time.time() + 1e-3
    assert values == {
        "/pyplugin/scarlett-2i2/musicnn-mtt/female-vocal": 0.25,
        "/pyplugin/scarlett-2i2/musicnn-mtt/rock": 0.5,
        "/pyplugin/scarlett-2i2/signal/rms_db": -20.5,
        "/pyplugin/scarlett-2i2/parameter/reverb/wet_level": 0.75,
    }
    assert nothing_more(receiver)
    output.write_frame(frame(3.5))
    later, _ = decode(receiver.recv(65536))
    assert later <= time.time() + 1e-3
    output.close()
    output.close()
    assert output.failures == 0


def test_heads_have_addresses_of_their_own(receiver, sender):
    output = sender(f"127.0.0.1:{port_of(receiver)}")
    output.write_frame(frame(heads={"voice": {"No Voice": 0.125}}))
    _, values = decode(receiver.recv(65536))
    assert values["/pyplugin/scarlett-2i2/head/voice/no-voice"] == 0.125


def test_python_osc_receives_every_value(sender):
    got: dict[str, float] = {}
    dispatcher = Dispatcher()
    dispatcher.set_default_handler(lambda address, value: got.update({address: value}))
    tags = {f"label number {i}": i / 256 for i in range(100)}
    with BlockingOSCUDPServer(("127.0.0.1", 0), dispatcher) as server:
        server.timeout = 10
        output = sender(f"127.0.0.1:{server.server_address[1]}")
        output.write_frame(frame(tags=tags))
        while len(got) < 102:
            before = len(got)
            server.handle_request()
            assert len(got) > before, "a packet is missing"
    for label, value in tags.items():
        assert got[f"/pyplugin/scarlett-2i2/musicnn-mtt/{label.replace(' ', '-')}"] == value


@pytest.mark.parametrize("count", [1, 20, 21, 22, 23, 50, 400])
def test_no_packet_is_longer_than_1400_bytes_and_all_have_one_time(receiver, sender, count):
    tags = {f"{i:0{i % 37 + 3}d}": float(i) for i in range(count)}
    sender(f"127.0.0.1:{port_of(receiver)}").write_frame(
        frame(tags=tags, signals={}, parameters={})
    )
    got: dict[str, float] = {}
    packets = []
    while len(got) < count:
        packets.append(receiver.recv(65536))
        when, values = decode(packets[-1])
        assert when == decode(packets[0])[0]
        assert not got.keys() & values.keys()
        got |= values
    assert list(got.values()) == list(tags.values())
    assert max(map(len, packets)) <= 1400
    # and none could have held the first message of the next
    for packet, following in itertools.pairwise(packets):
        (size,) = struct.unpack_from(">i", following, 16)
        assert len(packet) + 4 + size > 1400


def test_between_frames_only_what_changed_is_sent(receiver, sender):
    output = sender(f"127.0.0.1:{port_of(receiver)}")
    output.write_parameters(0.5, {"reverb.wet_level": 0.1}, {})  # before the first frame
    output.write_frame(frame())
    receiver.recv(65536)
    output.write_parameters(1.02, {"reverb.wet_level": 0.75}, {"rms_db": -20.5})
    assert nothing_more(receiver)
    output.write_parameters(1.04, {"reverb.wet_level": 0.5}, {"rms_db": -20.5})
    _, values = decode(receiver.recv(65536))
    assert values == {"/pyplugin/scarlett-2i2/parameter/reverb/wet_level": 0.5}
    output.write_parameters(1.06, {"reverb.wet_level": 0.5}, {"rms_db": -10.0})
    _, values = decode(receiver.recv(65536))
    assert values == {"/pyplugin/scarlett-2i2/signal/rms_db": -10.0}
    output.write_frame(frame(1.5))  # a frame repeats what may have been lost
    assert len(decode(receiver.recv(65536))[1]) == 4


def test_what_is_not_known_is_not_sent(receiver, sender):
    output = sender(f"127.0.0.1:{port_of(receiver)}")
    signals = {"a": float("nan"), "b": float("-inf"), "c": 1.0}
    output.write_frame(frame(state=State.WARMING, signals=signals, parameters={}))
    assert list(decode(receiver.recv(65536))[1].values()) == [1.0]
    output.write_frame(frame(tags={}, signals={}, parameters={}))
    assert nothing_more(receiver)


def test_addresses_hold_only_what_osc_allows(receiver, sender):
    output = sender(f"127.0.0.1:{port_of(receiver)}")
    output.write_frame(
        frame(source="???", model="", parameters={"a b.c/d #1": 1.0}, signals={"é": 1.0})
    )
    _, values = decode(receiver.recv(65536))
    for address in values:
        assert address.startswith("/pyplugin/source/")
        assert not set(address) & set(" #*,?[]{}")
        assert "//" not in address


def test_ipv6_in_brackets(sender):
    try:
        receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        receiver.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with receiver:
        receiver.settimeout(10)
        sender(f"osc.udp://[::1]:{port_of(receiver)}/").write_frame(frame())
        assert len(decode(receiver.recv(65536))[1]) == 4


def test_a_name_means_ipv4_where_it_can(receiver, sender):
    sender(f"localhost:{port_of(receiver)}").write_frame(frame())
    assert len(decode(receiver.recv(65536))[1]) == 4


def test_a_receiver_that_goes_and_comes_back(receiver, sender, monkeypatch):
    reported: list[str] = []
    output = sender(f"127.0.0.1:{port_of(receiver)}", on_event=reported.append)
    output.write_frame(frame())
    address = receiver.getsockname()
    receiver.close()
    for step in range(200):
        output.write_frame(frame(2 + step))
    assert output.failures >= 199  # a refusal is reported with the next packet
    assert len(reported) == 1
    assert "refused" in reported[0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back:
        back.bind(address)
        back.settimeout(10)
        output.write_frame(
            frame(300)
        )  # the very first one arrives, and takes the last refusal with it
        assert len(decode(back.recv(65536))[1]) == 4
        failures = output.failures
        output.write_frame(frame(301))
        assert len(reported) == 1  # too early to know
        monkeypatch.setattr(osc, "QUIET", 0.0)
        output.write_frame(frame(302))
        assert output.failures == failures
        assert len(reported) == 2
        assert "works again" in reported[1]


def test_a_receiver_that_never_reads_stops_nothing(receiver, sender):
    output = sender(f"127.0.0.1:{port_of(receiver)}")
    for step in range(3000):  # more than its buffer holds
        output.write_frame(frame(step / 10))


def test_no_network_is_reported_and_survived():
    program = (
        "from frames import frame\nfrom pyplugin.outputs import Osc\n"
        "reported = []\noutput = Osc('127.0.0.1:9', on_event=reported.append)\n"
        "for step in range(5): output.write_frame(frame(step))\n"
        "print(output.failures, reported)"
    )
    unshare = shutil.which("unshare")
    apart = [unshare, "--user", "--map-root-user", "--net"] if unshare else ["false"]
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace may be made here: unshare --user --net")
    done = subprocess.run(
        [*apart, sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("5 ['OSC to 127.0.0.1:9 fails: network is unreachable")
    assert done.stdout.count("fails") == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "9000",
        "localhost",
        "localhost:",
        "localhost:0",
        "localhost:65536",
        "localhost:http",
        ":9000",
        "::1:9000",
        "[::1:9000",
        "osc.tcp://localhost:9000",
        "http://localhost:9000",
        "localhost:9000/path",
        "me@localhost:9000",
    ],
)
def test_a_malformed_url_is_one_sentence(url):
    with pytest.raises(DeviceError, match=r"osc\.udp://HOST:PORT"):
        Osc(url)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a host", f"{'x' * 70}.invalid", "a..b"])
def test_an_unknown_host_is_one_sentence(host):
    with pytest.raises(DeviceError, match="check the name"):
        Osc(f"{host}:9000")


def test_a_missing_library_is_reported_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pythonosc.osc_message_builder", None)
    with pytest.raises(PypluginError, match=r"python-osc.*pip install 'tagnode\[live\]'"):
        Osc("127.0.0.1:9000")


def test_each_model_has_addresses_of_its_own(receiver, sender):
    tags = {"musicnn-mtt": {"rock": 0.5}, "musicnn-msd": {"rock": 1.0}}
    output = sender(f"127.0.0.1:{port_of(receiver)}")
    output.write_frame(dataclasses.replace(frame(parameters={}, signals={}), tags=tags))
    _, values = decode(receiver.recv(65536))
    assert values == {
        "/pyplugin/scarlett-2i2/musicnn-mtt/rock": 0.5,
        "/pyplugin/scarlett-2i2/musicnn-msd/rock": 1.0,
    }
