"""Sound devices, under a real JACK server and without any."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from jackserver import JackServer

import pyplugin
from pyplugin.inputs.portaudio import devices, find_device


def found(cases: list[tuple[Any, str]]) -> list[str]:
    names = []
    for given, kind in cases:
        try:
            names.append(find_device(given, kind=kind).name)
        except pyplugin.DeviceError as error:
            names.append(str(error))
    return names


@pytest.mark.usefixtures("neighbours")
def test_the_command_lists_all_devices(jack):
    command = (sys.executable, "-m", "pyplugin", "devices")
    known = jack.call(devices)
    assert [(d.name, d.inputs, d.outputs) for d in known if d.host_api.startswith("JACK")] == [
        ("system", 2, 2),
        ("sender", 2, 0),
        ("receiver", 0, 2),
    ]
    table, lines = jack.run(*command), jack.run(*command, "--json")
    assert (table.returncode, table.stderr, lines.returncode, lines.stderr) == (0, "", 0, "")
    for row, line, device in zip(
        table.stdout.splitlines()[1:], lines.stdout.splitlines(), known, strict=True
    ):
        assert json.loads(line) == {"v": 1, **vars(device)}
        assert row.split()[:2] == [str(device.index), device.name]
        assert f"{device.sample_rate} Hz" in row
        assert ("default" in row) == (device.default_input or device.default_output)


def test_no_device_is_reported(jack):
    nowhere = JackServer(f"{jack.name}-nowhere")
    if nowhere.call(devices):
        pytest.skip("this machine has a sound card")
    done = nowhere.run(sys.executable, "-m", "pyplugin", "devices")
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"tagnode: There is no sound device.*JACK\.\n", done.stderr)
    (sentence,) = nowhere.call(found, [(None, "input")])
    assert sentence.startswith("There is no sound device with inputs")


def test_devices_are_found_by_index_or_part_of_the_name(jack, neighbours):
    cases = [
        (None, "input"),
        ("sender", "input"),
        ("SEND", "input"),
        ("ceiv", "output"),
        ("system, jack", "output"),
        (0, "input"),
        ("0", "output"),
    ]
    expected = ["system", "sender", "sender", "receiver", "system", "system", "system"]
    assert jack.call(found, cases) == expected
    import jack as jack_client

    with jack_client.Client("sender-too", servername=jack.name) as too:
        too.outports.register("out")
        same, several = jack.call(found, [("sender", "input"), ("sende", "input")])
    assert same == "sender"
    assert re.search("may be any of .*sender.*sender-too.*more", several)


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ("tuba", "input", "no input device 'tuba'; choose one of 0 .system.*sender"),
        (99, "output", "no output device 99; choose one of 0 .system.*receiver"),
        ("-1", "input", "no input device '-1'"),
        ("sender", "output", "'sender' has no outputs; choose .*receiver"),
        ("", "input", "may be any of"),
    ],
)
@pytest.mark.usefixtures("neighbours")
def test_an_unknown_device_is_rejected_with_a_list_of_devices(jack, given, kind, words):
    (sentence,) = jack.call(found, [(given, kind)])
    assert re.search(words, sentence)


@pytest.mark.parametrize(
    ("missing", "command"),
    [
        ("sys.modules['sounddevice'] = None", "pip install 'tagnode[audio]'"),
        ("ctypes.util.find_library = lambda name: None", "sudo apt-get install libportaudio2"),
    ],
)
def test_a_missing_library_is_reported_with_the_command_that_installs_it(missing, command):
    for arguments, status, place in ((["devices"], 2, "stderr"), (["doctor"], None, "stdout")):
        program = (
            f"import ctypes.util, sys; {missing}; sys.argv[1:] = {arguments!r}\n"
            "from pyplugin.cli import main; main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False
        )
        assert command in getattr(done, place)
        assert "Traceback" not in done.stderr
        assert status in (None, done.returncode)
