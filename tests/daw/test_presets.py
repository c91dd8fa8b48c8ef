"""Presets for the plugin: what a preset says is what the plugin then does, by its own words."""

import re
import shutil
import subprocess
import time

import numpy as np
import pytest

from pyplugin.automation.presets import parse_preset, read_preset, shipped_presets
from pyplugin.automation.rendering import automated_preset
from pyplugin.daw import container
from pyplugin.daw import presets as daw_presets
from pyplugin.daw.presets import slots_of
from pyplugin.errors import PresetError
from pyplugin.inputs.files import load
from pyplugin.models.folders import make_folder

pedalboard = pytest.importorskip("pedalboard")
HEAD = '[preset]\nname = "mine"\n[[effect]]\nid = "e"\n'


@pytest.fixture
def plugin(built):
    return pedalboard.load_plugin(str(built / "Tagnode.vst3"))


@pytest.fixture(scope="module")
def containers(musicnn):
    """The models of presets, as the plugin takes them."""
    path = container.container_path("musicnn-mtt")
    make_folder(path.parent)
    container.write(path, musicnn.card, musicnn.data)


def loaded(plugin, slots, folder):
    path = folder / "p.vstpreset"
    path.write_bytes(daw_presets.vst3_preset(slots))
    plugin.load_preset(str(path))
    return plugin


def one(effect: str, target: str, knobs: str) -> daw_presets.Slots:
    return slots_of(
        parse_preset(
            f'{HEAD}type = "{effect}"\n[[map]]\nsource = "signal.rms_db"\ntarget = "e.{target}"\n'
            + knobs
        )
    )


@pytest.mark.parametrize(
    ("effect", "target", "knobs", "least", "most"),
    [
        ("gain", "gain_db", "min = -30\nmax = 6", "-30.0 dB", "6.0 dB"),
        ("gain", "gain_db", "min = 0\nmax = -12\ndepth = 0.5", "0.0 dB", "-6.0 dB"),
        ("ladder_filter", "cutoff_hz", "min = 500\nmax = 18000\ncurve = 'log'", "500", "18000"),
        (
            "highpass_filter",
            "cutoff_frequency_hz",
            "min = 20\nmax = 2000\ncurve = 'log'",
            "20",
            "2000",
        ),
        ("distortion", "drive_db", "min = 0\nmax = 18", "0.0 dB", "18.0 dB"),
        ("delay", "mix", "min = 0.25\nmax = 1", "0.25", "1"),
    ],
)
def test_the_plugin_says_the_ends_of_the_preset(
    plugin, tmp_path, effect, target, knobs, least, most
):
    slots = one(effect, target, knobs)
    assert slots.notes == []
    loaded(plugin, slots, tmp_path)
    for name, words in (("slot_1_min", least), ("slot_1_max", most)):
        said = plugin.parameters[name].string_value
        assert number(said) == pytest.approx(number(words), rel=0.01, abs=0.05), said


def number(text: str) -> float:
    found = re.match(r"(-?[\d.]+) ?(k?)", text)
    value = float(found[1])
    return value * 1000 if found[2] else value


def test_what_a_preset_leaves_open_is_the_plugins_default(plugin, tmp_path):
    fresh = {name: each.raw_value for name, each in plugin.parameters.items()}
    rest = daw_presets.Slots("rest", "")
    for slot in range(1, daw_presets.SLOTS + 1):
        rest.parameters |= {f"slot{slot}_{k}": v for k, v in daw_presets._REST.items()}
        rest.parameters[f"slot{slot}_cc"] = daw_presets.FIRST_CONTROLLER + slot - 1
    loaded(plugin, one("gain", "gain_db", "min = 0\nmax = 6\nattack = 9"), tmp_path)
    assert {name: each.raw_value for name, each in plugin.parameters.items()} != fresh
    loaded(plugin, rest, tmp_path)
    for name, each in plugin.parameters.items():
        if name.startswith("slot_") and not name.endswith("_value"):
            assert each.raw_value == pytest.approx(fresh[name], abs=1e-6), name


@pytest.mark.parametrize("name", sorted(shipped_presets()))
def test_every_preset_that_ships_is_what_the_plugin_holds(plugin, containers, tmp_path, name):
    slots = slots_of(read_preset(name))
    assert not any("alone" in note for note in slots.notes)  # what it sums is a group
    loaded(plugin, slots, tmp_path)
    for symbol, descriptor in slots.sources.items():
        said = plugin.parameters[symbol.replace("slot", "slot_")].string_value
        label = descriptor.rpartition(".")[2]
        assert label in re.sub(r"[^a-z0-9]+", "_" if "signal" in descriptor else "-", said.lower())


def test_a_duck_in_the_plugin_is_the_duck_of_pedalboard(plugin, tmp_path, clips):
    """The level, once it has settled; the plugin is later, as live effects are."""
    audio, rate = load(clips / "radio-hour.ogg")
    preset = read_preset("duck-under-voice")
    loaded(plugin, slots_of(preset), tmp_path)
    ours = plugin(audio, rate)
    theirs = automated_preset(preset)(audio, rate).audio
    for start, end in ((3, 5.5), (11, 13.5), (22, 28)):
        part = slice(int(start * rate), int(end * rate))
        ratio = np.std(ours[:, part]) / np.std(theirs[:, part])
        assert abs(20 * np.log10(ratio)) < 0.5


def test_bundles_are_sound_turtle(tmp_path):
    if shutil.which("sord_validate") is None:
        pytest.skip("no sord_validate: apt-get install sordi")
    folder = tmp_path / "presets"
    daw_presets.export([slots_of(read_preset(n)) for n in shipped_presets()], folder, ["lv2"])
    files = sorted((folder / "tagnode-presets.lv2").glob("*.ttl"))
    assert len(files) == len(shipped_presets()) + 1
    for file in files:
        done = subprocess.run(["sordi", "-i", "turtle", file], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_a_host_loads_the_bundle(built, tmp_path, jack):
    if shutil.which("jalv") is None:
        pytest.skip("no jalv: apt-get install jalv")
    names = ["duck-under-voice", "hiss-gate"]
    presets = {name: slots_of(read_preset(name)) for name in names}
    daw_presets.export(list(presets.values()), tmp_path, ["lv2"])
    shutil.copytree(built / "tagnode.lv2", tmp_path / "tagnode.lv2")
    with subprocess.Popen(
        ["stdbuf", "-o0", "jalv", daw_presets.LV2_URI],
        env={**jack.environment, "LV2_PATH": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as host:

        def asked(command: str) -> dict[str, float]:
            """Give a command to the host, and read all controls, which it prints after it."""
            host.stdin.write(command + "\n")
            host.stdin.flush()
            values: dict[str, float] = {}
            while "slot8_channel" not in values:
                line = host.stdout.readline()
                assert line, values
                name, equals, value = line.replace(">", "").strip().partition(" = ")
                if equals:
                    values[name] = float(value)
            return values

        try:
            asked("presets\ncontrols")  # which it looks for only then
            for name, slots in presets.items():
                values = asked(f"preset {daw_presets.LV2_URI}:preset:{name}")
                deadline = time.monotonic() + 30  # its audio thread takes them over
                while wrong := {
                    symbol: (value, values[symbol])
                    for symbol, value in slots.parameters.items()
                    if values[symbol] != pytest.approx(value, abs=1e-5)
                }:
                    assert time.monotonic() < deadline, (name, wrong)
                    time.sleep(0.1)
                    values = asked("controls")
        finally:
            host.terminate()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'type = "gain"\n'
            + 9
            * '[[map]]\nsource = "tag.speech"\ntarget = "e.gain_db"\nmin = 0\n'
            "max = 1\n",
            "9 maps; the plugin has 8",
        ),
        (
            'type = "gain"\n[[map]]\nsource = "tag.drums"\ntarget = "e.gain_db"\nmin = 0\n'
            "max = 1\n",
            "musicnn-mtt-p64",
        ),
    ],
)
def test_what_the_plugin_cannot_be_is_refused(text, words):
    head = HEAD.replace('name = "mine"\n', 'name = "mine"\nmodel = "musicnn-mtt-p64"\n')
    with pytest.raises(PresetError, match=words):
        slots_of(parse_preset((head if "p64" in words else HEAD) + text))


def test_what_the_plugin_does_otherwise_is_said():
    reverb = one("reverb", "wet_level", "min = 0\nmax = 0.5")
    assert "slot 1 sends controller 20" in reverb.notes[0]
    assert reverb.parameters["slot1_midi"] == 1
    beyond = one("gain", "gain_db", "min = 0\nmax = 40")
    assert "beyond" in beyond.notes[0]
    assert beyond.parameters["slot1_max"] == 1
    assert "ratio" in one("ladder_filter", "cutoff_hz", "min = 500\nmax = 1000").notes[0]


def test_files_stay_in_their_folder_whatever_a_preset_is_called(tmp_path):
    names = ["../x", "a/b", "\\\\host\\c", "\u65e5\u672c", "\u6c34", "..", "mine"]
    presets = [daw_presets.Slots(name, '\U0001f3b5 "quoted"\n') for name in names]
    out = tmp_path / "out"
    written = daw_presets.export(presets, out)
    assert len(set(written)) == len(written) == 1 + 3 * len(names)
    places = {path.parent for path in tmp_path.rglob("*") if path.is_file()}
    assert places == {out, out / "tagnode-presets.lv2"}
    text = "".join(path.read_text("utf-8") for path in out.rglob("*.ttl"))
    assert "\\ud83c" not in text
    assert '"\U0001f3b5 \\"quoted\\"\\n"' in text
