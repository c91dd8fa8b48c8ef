"""The VST 3 in our own hosts and in others."""

import importlib.util
import os
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pedalboard
import pytest
import soundfile
from hosts import ROOT, SOURCES, exported, needed, needs, run

from pyplugin.automation.presets import shipped_presets
from pyplugin.daw import parameters
from pyplugin.models import registry
from pyplugin.node.signals import SIGNALS

RATE = 48000
DPF = Path("/usr/share/dpf/distrho/src")
SCANNER = Path("/usr/lib/ardour7/ardour-vst3-scanner")
CLASS = sha256(parameters.IDENTITY.uri.encode()).hexdigest()[:32].upper()


@pytest.fixture(scope="module")
def bundle(built: Path) -> Path:
    return built / "Tagnode.vst3"


@pytest.fixture(scope="module")
def library(bundle: Path) -> Path:
    (found,) = bundle.glob("Contents/*-linux/Tagnode.so")
    return found


@pytest.fixture(scope="module")
def untouched(bundle: Path) -> pedalboard.VST3Plugin:
    """One whose parameters no test sets; loading it takes pedalboard longer than they do."""
    return pedalboard.load_plugin(str(bundle))


@pytest.fixture
def plugin(bundle: Path) -> pedalboard.VST3Plugin:
    return pedalboard.load_plugin(str(bundle))


def noise(seconds: float = 1, level: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.normal(0, level, (2, round(seconds * RATE))).astype(np.float32)


def duck(plugin: pedalboard.VST3Plugin, source: str, rest: float = 0.8, moved: float = 0.2) -> None:
    """Slot 1 moves the gain from one share of its range to another: -48 dB and 60 dB for each 1."""
    plugin.slot_1_source = source
    plugin.slot_1_target = "gain"
    plugin.parameters["slot_1_min"].raw_value = rest
    plugin.parameters["slot_1_max"].raw_value = moved


def level(x: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(x, dtype=np.float64)) + 1e-12))


# ---- the file ----


def test_entry_points_are_exported_and_the_window_apart_libc_and_libm_are_all_it_needs(
    library: Path,
):
    assert exported(library) == {"GetPluginFactory", "ModuleEntry", "ModuleExit"}
    window = {"libX11", "libcairo", "ld-linux-x86-64"}
    assert needed(library) - window <= {"libc", "libm", "ld-linux-aarch64"}
    assert library.stat().st_size <= 3 << 19  # 1.5 MiB


# ---- hosts of ours ----


def test_it_keeps_its_promises_to_hosts(built: Path, library: Path):
    assert run(built / "tests/plugin/host_vst3", library).endswith(" 0 failed\n")


@pytest.mark.parametrize("seed", [2, 3])
def test_a_host_may_do_anything_in_any_order(built: Path, library: Path, seed: int):
    program = built / "tests/plugin/host_vst3"
    assert run(program, library, seed, 10000).endswith(" 0 failed\n")


# ---- pedalboard ----


def test_pedalboard_lists_parameters_with_names_and_units(plugin: pedalboard.VST3Plugin):
    parameters = plugin.parameters
    assert len(parameters) == 7 + 8 * 21 + 12 + 1  # the program
    assert parameters["bypass"].type is bool
    assert parameters["slot_1_attack_s"].label == "s"
    assert parameters["slot_8_value"].name == "Slot 8 value"
    assert plugin.model == "scene"
    assert plugin.status == "ok"
    sources = parameters["slot_1_source"].valid_values
    due = {"none", *SIGNALS, *registry.labels("scene"), "any: voice"}
    assert set(sources) == due | {"-"}
    for text, number in {"speech": 100, "none": 0, "silence": 15, "any: voice": 106}.items():
        plugin.slot_1_source = text
        assert plugin.parameters["slot_1_source"].raw_value == pytest.approx(number / 1000)
    assert plugin.is_effect
    assert not plugin.is_instrument


@pytest.mark.parametrize("block", [1, 64, 65, 512, 8193])
@pytest.mark.parametrize("channels", [1, 2])
def test_audio_passes_bit_for_bit(untouched: pedalboard.VST3Plugin, block: int, channels: int):
    x = noise(0.05 if block == 1 else 0.5)[:channels]
    np.testing.assert_array_equal(untouched(x, RATE, buffer_size=block), x)


@pytest.mark.parametrize("rate", [7999, 8000, 44100, 192000, 192001])
def test_an_unsupported_rate_passes_audio_and_is_reported(
    untouched: pedalboard.VST3Plugin, rate: int
):
    x = noise()
    np.testing.assert_array_equal(untouched(x, rate), x)
    assert untouched.status == ("ok" if 8000 <= rate <= 192000 else "sample rate")


def test_values_are_read_after_each_call_and_move_an_effect(plugin: pedalboard.VST3Plugin):
    duck(plugin, "rms_db")
    x = noise()
    y = plugin(x, RATE, reset=False)
    # rms -20 dBFS is 2/3 of the way from -60 to 0, so the share is 0.8 - 0.6 * 2/3 = 0.4: -24 dB
    value = plugin.parameters["slot_1_value"]
    assert value.raw_value == pytest.approx(0.4, abs=0.01)
    assert plugin.slot_1_value == pytest.approx(-24, abs=0.5)
    assert value.string_value.endswith(" dB")
    assert level(y[:, RATE // 2 :]) - level(x[:, RATE // 2 :]) == pytest.approx(-24, abs=0.5)
    for _ in range(5):
        plugin(np.zeros_like(x), RATE, reset=False)
    assert value.raw_value == pytest.approx(0.8, abs=0.01)
    assert plugin.slot_2_value == 0


def test_a_state_makes_the_same_plugin(plugin: pedalboard.VST3Plugin, bundle: Path):
    duck(plugin, "speech", 0.25)
    plugin.slot_3_target = "width"
    plugin.delay_time_s = plugin.parameters["delay_time_s"].valid_values[40]
    for name in ("raw_state", "preset_data"):
        other = pedalboard.load_plugin(str(bundle))
        setattr(other, name, getattr(plugin, name))
        assert {k: v.raw_value for k, v in other.parameters.items() if "value" not in k} == {
            k: v.raw_value for k, v in plugin.parameters.items() if "value" not in k
        }
        assert other.slot_1_source == "speech"
        other.raw_state = b"nothing that it knows"
        assert other.slot_1_source == "speech"
    x = noise(0.2)
    np.testing.assert_array_equal(plugin(x, RATE), other(x, RATE))


def test_a_voice_ducks_a_broadcast(plugin: pedalboard.VST3Plugin, clips: Path):
    """With the model of the bundle: voice to 6 s and from 19.5 s on, music and silence between."""
    duck(plugin, "voice", 0.8, (48 - 20) / 60)
    plugin.slot_1_gate = "above"
    samples, rate = soundfile.read(clips / "radio-hour.ogg", dtype="float32", always_2d=True)
    x, block = samples.T, 512
    played, values = [], []
    for at in range(0, x.shape[1] - block, block):
        played.append(plugin(x[:, at : at + block], rate, buffer_size=block, reset=False))
        values.append(plugin.parameters["slot_1_value"].raw_value)
    y = np.concatenate(played, axis=1)
    for begin, end, expected in [(3, 5, -20), (10, 13, 0), (22, 28, -20)]:
        part = slice(begin * rate, end * rate)
        assert level(y[:, part]) - level(x[:, part]) == pytest.approx(expected, abs=1)
    steps = np.array(values)
    assert steps.max() == pytest.approx(0.8, abs=0.01)
    assert steps.min() == pytest.approx(28 / 60, abs=0.01)


def test_programs_are_the_shipped_presets(plugin: pedalboard.VST3Plugin):
    names = plugin.parameters["program"].valid_values
    assert names == ["no preset", *sorted(shipped_presets())]
    plugin.program = "duck-under-voice"
    assert plugin.slot_1_source == "voice"
    assert plugin.parameters["slot_1_max"].string_value == "-12.0 dB"
    plugin.program = "late-night"
    assert (plugin.slot_1_source, plugin.slot_2_source) == ("loudness_short", "silence")
    plugin.slot_1_source = "onset"
    plugin(noise(0.1), RATE, reset=False)
    assert plugin.slot_1_source == "onset"


# ---- hosts of others ----


# In a process of its own: it brings a JUCE and an LLVM that others in this one have too.
DAWDREAMER = """
import sys
import dawdreamer, numpy as np
bundle, sound, preset, rate = *sys.argv[1:4], int(sys.argv[4])
x = np.load(sound)
engine = dawdreamer.RenderEngine(rate, 512)
source = engine.make_playback_processor("in", x)
effect = engine.make_plugin_processor("tagnode", bundle)
engine.load_graph([(source, []), (effect, ["in"])])
engine.render(1.0)
plain = engine.get_audio()
assert effect.load_vst3_preset(preset)
engine.render(1.0)
np.savez(sound + ".npz", plain=plain, ducked=engine.get_audio())
"""


@pytest.mark.skipif(
    importlib.util.find_spec("dawdreamer") is None,
    reason="no dawdreamer to play with: make oracle",
)
def test_dawdreamer_plays_it_and_takes_a_preset_of_pedalboards(
    plugin: pedalboard.VST3Plugin, bundle: Path, tmp_path: Path
):
    x, sound, preset = noise(), tmp_path / "x.npy", tmp_path / "duck.vstpreset"
    np.save(sound, x)
    duck(plugin, "rms_db")
    preset.write_bytes(plugin.preset_data)
    run(sys.executable, "-c", DAWDREAMER, bundle, sound, preset, str(RATE))
    with np.load(f"{sound}.npz") as rendered:
        np.testing.assert_array_equal(rendered["plain"], x)
        y = rendered["ducked"]
    assert level(y[:, RATE // 2 :]) - level(x[:, RATE // 2 :]) == pytest.approx(-24, abs=0.5)


@needs(SCANNER, package="ardour")
def test_ardour_finds_it(bundle: Path, tmp_path: Path):
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    env = {**os.environ, **home, "LD_LIBRARY_PATH": str(SCANNER.parent)}
    printed = run(SCANNER, "-f", "-v", bundle, env=env)
    assert "Found Plugin: Tagnode" in printed
    assert f'uid="{CLASS}"' in printed
    assert 'n_inputs="2" n_outputs="2" n_aux_inputs="2"' in printed
    assert 'n_midi_inputs="0" n_midi_outputs="1"' in printed


# ---- the interface ----


@needs(DPF, package="dpf-source")
def test_our_declarations_are_those_of_dpf(built: Path):
    native = ROOT / "native"
    folders = [f"-I{native / part}" for part in ("include", "src", "plugin")]
    program = built / "abi_dpf"
    flags = ["-std=c11", "-fms-extensions", "-Werror", *folders, "-isystem", DPF]
    run("cc", *flags, SOURCES / "abi_dpf.c", "-lm", "-o", program)
    assert run(program).endswith(" 0 failed\n")
