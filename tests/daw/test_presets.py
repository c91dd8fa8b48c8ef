"""Presets for the plugin: it does what pedalboard does, or a note names the difference."""

import re
import shutil
import subprocess
import time

import numpy as np
import pytest
from hosts import ROOT, needs, run

from pyplugin.automation.chains import automated_preset
from pyplugin.automation.presets import parse_preset, read_preset, shipped_presets
from pyplugin.daw import container, parameters
from pyplugin.daw import presets as daw_presets
from pyplugin.daw.presets import slots_of
from pyplugin.errors import PresetError
from pyplugin.inputs.files import load
from pyplugin.models.folders import make_folder

pedalboard = pytest.importorskip("pedalboard")
HEAD = '[preset]\nname = "mine"\n[[effect]]\nid = "e"\n'


@pytest.fixture(scope="module")
def containers(musicnn, tmp_path_factory):
    """A folder with the models of presets, as the plugin takes them."""
    folder = tmp_path_factory.mktemp("models")
    path = container.container_path("musicnn-mtt", folder)
    make_folder(path.parent)
    container.write(path, musicnn.card, musicnn.data)
    return folder


@pytest.fixture
def plugin(built, containers, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(containers))
    return pedalboard.load_plugin(str(built / "Tagnode.vst3"))


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
        ("gain", "gain_db", "min = 0\nmax = -12\ndepth = 0.5", "0.0 dB", "-12.0 dB"),
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
def test_the_plugin_shows_min_and_max_of_the_preset(
    plugin, tmp_path, effect, target, knobs, least, most
):
    slots = one(effect, target, knobs)
    assert [note for note in slots.notes if "dry sound" not in note] == []
    loaded(plugin, slots, tmp_path)
    for name, words in (("slot_1_min", least), ("slot_1_max", most)):
        shown = plugin.parameters[name].string_value
        assert number(shown) == pytest.approx(number(words), rel=0.01, abs=0.05), shown


def number(text: str) -> float:
    found = re.match(r"(-?[\d.]+) ?(k?)", text)
    value = float(found[1])
    return value * 1000 if found[2] else value


def test_absent_keys_are_the_defaults_of_the_plugin(plugin, tmp_path):
    fresh = {name: each.raw_value for name, each in plugin.parameters.items()}
    rest = daw_presets.Slots("rest", "")
    for symbol, about in parameters.PARAMETERS.items():
        if about.slot > 0 and not about.output:
            rest.parameters[symbol] = about.start
    loaded(plugin, one("gain", "gain_db", "min = 0\nmax = 6\nattack = 9"), tmp_path)
    assert {name: each.raw_value for name, each in plugin.parameters.items()} != fresh
    loaded(plugin, rest, tmp_path)
    for name, each in plugin.parameters.items():
        if name.startswith("slot_") and not name.endswith("_value"):
            assert each.raw_value == pytest.approx(fresh[name], abs=1e-6), name


@pytest.mark.parametrize("name", sorted(shipped_presets()))
def test_every_shipped_preset_loads_in_the_plugin(plugin, containers, tmp_path, name, request):
    preset = read_preset(name)
    if preset.model == "yamnet":
        model = request.getfixturevalue("yamnet")
        container.write(container.container_path("yamnet", containers), model.card, model.data)
    slots = slots_of(preset)
    assert not any("alone" in note for note in slots.notes)  # what it sums is a group
    loaded(plugin, slots, tmp_path)
    for symbol, descriptor in slots.sources.items():
        shown = plugin.parameters[symbol.replace("slot", "slot_")].string_value
        label = descriptor.rpartition(".")[2]
        assert label in re.sub(r"[^a-z0-9]+", "_" if "signal" in descriptor else "-", shown.lower())


def test_a_preset_over_another_leaves_nothing_of_it(plugin, tmp_path):
    """JUCE keeps the values that it shows until the plugin notifies it."""
    files = []
    for number in range(6):
        slots = daw_presets.Slots(f"{number}", "", {"model": 0.0})
        slots.parameters["slot1_target"] = float(number % 4)
        slots.parameters["slot1_source"] = float(number // 2)
        slots.parameters["slot2_depth"] = number / 8
        files.append(tmp_path / f"{number}.vstpreset")
        files[-1].write_bytes(daw_presets.vst3_preset(slots))
    shown = [plugin.parameters[f"slot_{name}"] for name in ("1_target", "1_source", "2_depth")]
    for step in range(150):
        number = step * step % 6
        plugin.load_preset(str(files[number]))
        due = [number % 4 / 15, number // 2 / 1000, number / 8]
        assert [each.raw_value for each in shown] == pytest.approx(due, abs=1e-6), step


def test_a_duck_in_the_plugin_is_the_duck_of_pedalboard(plugin, tmp_path, clips):
    """The level, once it has settled; the plugin is later, as live effects are."""
    audio, rate = load(clips / "radio-hour.ogg")
    preset = read_preset("duck-under-voice")
    ours = loaded(plugin, slots_of(preset), tmp_path)(audio, rate)
    theirs = automated_preset(preset)(audio, rate).audio
    for start, end in ((3, 5.5), (11, 13.5), (22, 28)):
        part = slice(int(start * rate), int(end * rate))
        ratio = np.std(ours[:, part]) / np.std(theirs[:, part])
        assert abs(20 * np.log10(ratio)) < 0.5


PRINT = r"""
#include <stdio.h>
#include "core/presets.h"
int main(void) {
    for (uint32_t i = 0; i < tagplug_preset_count; ++i) {
        const tagplug_preset *p = &tagplug_presets[i];
        printf("%s\n%s\n", p->name, p->description);
        for (size_t k = 0; k < p->size; ++k) printf("%02x", p->state[k]);
        printf("\n");
    }
}
"""


@needs("cc", package="gcc")
def test_presets_compiled_in_are_those_written_to_files(tmp_path):
    presets = [slots_of(read_preset(name)) for name in shipped_presets()]
    presets.append(daw_presets.Slots('odd "\\ ??= name', "h\u00e9las \u97f3\u697d"))
    (tmp_path / "presets.c").write_text(daw_presets.c_source(presets))
    (tmp_path / "print.c").write_text(PRINT)
    sources = [tmp_path / "presets.c", tmp_path / "print.c"]
    folder = ROOT / "native/plugin"
    run("cc", "-std=c11", "-Wall", "-Werror", f"-I{folder}", *sources, "-o", tmp_path / "print")
    lines = iter(run(tmp_path / "print").splitlines())
    for slots in presets:
        assert (next(lines), next(lines)) == (slots.name, slots.description)
        assert bytes.fromhex(next(lines)) == daw_presets.state(slots)
    assert list(lines) == []


RATE = 48000


def steady(plugin, tmp_path, text):
    """A preset in pedalboard and in the plugin, over a square wave of -20 dBFS."""
    preset = parse_preset(HEAD + text)
    slots = slots_of(preset)
    loaded(plugin, slots, tmp_path)
    wave = np.where(np.arange(2 * RATE) // 240 % 2 == 0, 0.1, -0.1).astype(np.float32)
    audio = np.stack([wave, wave])
    return audio, plugin(audio, RATE), automated_preset(preset)(audio, RATE), slots


def decibels(audio, reference):
    part = slice(RATE, None)  # it has settled by then
    return 20 * np.log10(np.std(audio[:, part]) / np.std(reference[:, part]))


def a_map(target, source="signal.rms_db", low=-60, high=-20, **knobs):
    rows = {"low": low, "high": high, "attack": 0.01, "release": 0.01, **knobs}
    written = "".join(f"{key} = {value!r}\n" for key, value in rows.items())
    return f'[[map]]\nsource = "{source}"\ntarget = "e.{target}"\n{written}'


@pytest.mark.parametrize(
    ("maps", "expected"),
    [
        ([{"min": 0, "max": -48, "curve": "exp", "depth": 0.5}], -12),
        ([{"min": 0, "max": -48, "depth": 0.5}], -24),
        ([{"min": 1, "max": 9, "curve": "log", "depth": 0.5}], 3),
        ([{"min": 0, "max": -6}, {"min": 0, "max": -12}], -18),
        ([{"min": 0, "max": -6, "combine": "max"}, {"min": 0, "max": -12}], -12),
        ([{"min": -2, "max": -20}, {"min": -3, "max": 0, "combine": "max"}], -20),
        ([{"min": 3, "max": -9, "depth": 0.25, "curve": "exp"}, {"min": -5, "max": -10}], -2.75),
    ],
)
def test_a_gain_in_the_plugin_is_that_of_pedalboard(plugin, tmp_path, maps, expected):
    text = 'type = "gain"\n' + "".join(a_map("gain_db", **knobs) for knobs in maps)
    audio, ours, theirs, slots = steady(plugin, tmp_path, text)
    assert slots.notes == []
    assert decibels(theirs.audio, audio) == pytest.approx(expected, abs=0.05)
    assert decibels(ours, audio) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("curve", ["lin", "log", "exp"])
@pytest.mark.parametrize("depth", [1.0, 0.5])
@pytest.mark.parametrize(
    ("effect", "parameter", "ends"),
    [
        ("ladder_filter", "cutoff_hz", (200, 12800)),
        ("highpass_filter", "cutoff_frequency_hz", (8000, 40)),
        ("distortion", "drive_db", (2, 32)),
        ("delay", "mix", (0.9, 0.1)),
    ],
)
def test_a_value_in_the_plugin_is_that_of_pedalboard(
    plugin, tmp_path, effect, parameter, ends, curve, depth
):
    knobs = {"min": ends[0], "max": ends[1], "curve": curve, "depth": depth, "high": -10}
    _, _, theirs, _ = steady(plugin, tmp_path, f'type = "{effect}"\n' + a_map(parameter, **knobs))
    shown = number(plugin.parameters["slot_1_value"].string_value)
    expected = theirs.curves[f"e.{parameter}"].values[-1]
    assert shown == pytest.approx(expected, rel=0.01, abs=0.06)


def test_a_controller_has_the_ratios_of_a_log_curve(plugin, tmp_path):
    knobs = {"min": 0.1, "max": 0.9, "curve": "log", "depth": 0.5}
    text = 'type = "reverb"\n' + a_map("wet_level", **knobs)
    _, _, theirs, slots = steady(plugin, tmp_path, text)
    assert "sends controller 20, 127 for 0.9 and less in proportion" in slots.notes[0]
    value = plugin.parameters["slot_1_value"].raw_value
    assert value * 0.9 == pytest.approx(theirs.curves["e.wet_level"].values[-1], rel=0.01)


@pytest.mark.parametrize("median", [0, 1.0])
def test_what_stands_alone_moves_nothing_where_there_is_a_median(plugin, tmp_path, median):
    """A burst of 0.2 s opens the gate without it; sound that lasts does in both."""
    rows = {"threshold": -40, "median": median, "min": 0, "max": -24, "attack": 0, "release": 0}
    text = 'type = "gain"\n[[map]]\nsource = "signal.rms_db"\ntarget = "e.gain_db"\n'
    text += "".join(f"{key} = {value!r}\n" for key, value in rows.items())
    preset = parse_preset(HEAD + text)
    loaded(plugin, slots_of(preset), tmp_path)
    audio = np.full((2, 6 * RATE), 1e-4, np.float32)
    burst, lasting = slice(2 * RATE, 2 * RATE + RATE // 5), slice(4 * RATE, 6 * RATE)
    audio[:, burst] = audio[:, lasting] = 0.1
    after = slice(burst.stop - 480, burst.stop)
    for out in (plugin(audio, RATE), automated_preset(preset)(audio, RATE).audio):
        gain = 20 * np.log10(out / audio)
        np.testing.assert_allclose(gain[:, after], 0 if median else -24, atol=0.01)
        np.testing.assert_allclose(gain[:, -480:], -24, atol=0.01)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ('type = "delay"\n' + a_map("mix", min=0, max=1), "e: the dry sound keeps its level"),
        (
            'type = "delay"\ndelay_seconds = 3\n' + a_map("mix", min=0, max=1),
            "delay_time is beyond",
        ),
        (
            'type = "delay"\n' + a_map("feedback", min=0, max=0.5),
            "no target for delay; slot 1 sends controller 20, 0 for 0 and 127 for 0.5",
        ),
        (
            'type = "ladder_filter"\nresonance = 0.5\n' + a_map("cutoff_hz", min=50, max=500),
            "e: the plugin has no resonance; 0.5 is left out",
        ),
        (
            'type = "gain"\n[[effect]]\nid = "f"\ntype = "gain"\n'
            + a_map("gain_db", min=0, max=1)
            + a_map("gain_db", min=0, max=1).replace("e.gain", "f.gain"),
            "e and f: the plugin has one gain",
        ),
        (
            'type = "gain"\n[[effect]]\nid = "f"\ntype = "distortion"\n'
            + a_map("gain_db", min=0, max=1)
            + a_map("drive_db", min=0, max=1).replace("e.drive", "f.drive"),
            "mine: the plugin's chain is drive, gain, in this order",
        ),
        ('type = "gain"\n' + a_map("gain_db", min=0, max=1, release=20), "release is beyond"),
        (
            'type = "reverb"\n' + 2 * a_map("wet_level", min=0, max=1),
            "e.wet_level: each slot sends a controller of its own",
        ),
        (
            'type = "gain"\n' + a_map("gain_db", "head.mood.happy", 0, 1, min=0, max=1),
            "head.mood.happy needs the head in the plugin",
        ),
        (
            'type = "gain"\n' + a_map("gain_db", min=0, max=9, curve="log"),
            "log needs min and max above 0",
        ),
    ],
)
def test_what_the_plugin_does_otherwise_is_noted(text, note):
    assert any(note in each for each in slots_of(parse_preset(HEAD + text)).notes)


def test_a_hop_beyond_the_range_is_noted():
    text = HEAD.replace('name = "mine"\n', 'name = "mine"\nhop = 0.001\n')
    slots = slots_of(parse_preset(text + 'type = "gain"\n' + a_map("gain_db", min=0, max=1)))
    assert slots.parameters["hop"] == pytest.approx(0.05)
    assert "mine: hop is beyond the plugin's range, cut off." in slots.notes


def test_sources_have_the_numbers_of_their_names(plugin, tmp_path):
    text = 'type = "gain"\n' + a_map("gain_db", "tag.drums", 0, 1, min=0, max=1)
    slots = slots_of(parse_preset(HEAD + text))
    assert slots.parameters["slot1_source"] == 103
    loaded(plugin, slots, tmp_path)
    plugin.model = "musicnn-mtt"  # which has drums too, if it is there
    assert plugin.parameters["slot_1_source"].raw_value == pytest.approx(0.103, abs=1e-6)


@needs("sordi", package="sordi")
def test_bundles_are_valid_turtle(tmp_path):
    folder = tmp_path / "presets"
    daw_presets.export([slots_of(read_preset(n)) for n in shipped_presets()], folder, ["lv2"])
    files = sorted((folder / "tagnode-presets.lv2").glob("*.ttl"))
    assert len(files) == len(shipped_presets()) + 1
    for file in files:
        done = subprocess.run(["sordi", "-i", "turtle", file], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@needs("jalv", package="jalv")
def test_a_host_loads_the_bundle(built, tmp_path, jack):
    names = ["duck-under-voice", "hiss-gate"]
    presets = {name: slots_of(read_preset(name)) for name in names}
    daw_presets.export(list(presets.values()), tmp_path, ["lv2"])
    shutil.copytree(built / "tagnode.lv2", tmp_path / "tagnode.lv2")
    with subprocess.Popen(
        ["stdbuf", "-o0", "jalv", parameters.IDENTITY.uri],
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
                values = asked(f"preset {parameters.IDENTITY.uri}:preset:{name}")
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
        (
            'type = "gain"\n' + a_map("gain_db", "tag.guitar", 0, 1, min=0, max=1),
            "scene has no label 'tag.guitar'",
        ),
        (
            'type = "gain"\n' + a_map("gain_db", "tag.vgg-mtt.drums", 0, 1, min=0, max=1),
            "is of vgg-mtt; the plugin runs one model, scene",
        ),
    ],
)
def test_what_the_plugin_cannot_do_is_refused(text, words):
    head = HEAD.replace('name = "mine"\n', 'name = "mine"\nmodel = "musicnn-mtt-p64"\n')
    with pytest.raises(PresetError, match=words):
        slots_of(parse_preset((head if "p64" in words else HEAD) + text))


def test_a_note_names_the_controller_and_values_beyond_the_range():
    reverb = one("reverb", "wet_level", "min = 0\nmax = 0.5")
    assert "slot 1 sends controller 20" in reverb.notes[0]
    assert reverb.parameters["slot1_midi"] == 1
    beyond = one("gain", "gain_db", "min = 0\nmax = 40")
    assert "beyond" in beyond.notes[0]
    assert beyond.parameters["slot1_max"] == 1
    assert one("ladder_filter", "cutoff_hz", "min = 500\nmax = 1000").notes == []


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
