"""Stems through boards of their own, and their signals as sources."""

import numpy as np
import pytest
from helpers import music
from mid_side import MidSide
from small_unets import passing, variables_of, written

import pyplugin
from pyplugin.automation.chains import automated_preset
from pyplugin.automation.presets import parse_preset, read_preset, stem_presets
from pyplugin.automation.stems import added
from pyplugin.daw.presets import slots_of
from pyplugin.errors import PresetError
from pyplugin.stems.model import SpleeterModel
from pyplugin.stems.network import StemNetwork

pedalboard = pytest.importorskip("pedalboard", reason="needs pedalboard")
pytest.importorskip("ai_edge_litert", reason="needs LiteRT")

RATE = 44100
PRESET = """
[preset]
name = "mine"

[[effect]]
id = "voice"
type = "gain"
stem = "vocals"
gain_db = 0

[[map]]
source = "stem.accompaniment.rms_db"
target = "voice.gain_db"
low = -60
high = -20
min = 0
max = 6
attack = 0
release = 0
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return StemNetwork(
        written(tmp_path_factory.mktemp("n"), "spleeter-2stems", variables_of(2), patch=64)
    )


@pytest.fixture(scope="module")
def all_vocals(tmp_path_factory):
    variables = passing("spleeter-2stems", "vocals")
    return SpleeterModel(
        written(tmp_path_factory.mktemp("v"), "spleeter-2stems", variables, patch=64)
    )


@pytest.fixture(scope="module")
def model(network):
    return SpleeterModel(network)


def level(audio):
    return 10 * np.log10(np.mean(np.square(audio, dtype=np.float64)))


def test_an_effect_acts_on_its_stem_alone(network):
    audio = music(6, RATE, 2)
    stems = pyplugin.separate(audio, RATE, model=network).stems
    quiet = pyplugin.curve(np.full(10, -6.0), 1)
    auto = pyplugin.automate(
        pedalboard.Pedalboard([]),
        {"gain.gain_db": quiet},
        stems={"vocals": pedalboard.Pedalboard([pedalboard.Gain()])},
        stem_model=network,
    )
    got = auto(audio, RATE).audio
    want = audio - (1 - 10 ** (-6 / 20)) * stems["vocals"]
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_a_reverb_on_one_stem_and_a_gain_on_the_sum(model):
    """Effects of stems come before those of the sum, and have delays of their own."""
    audio = music(4, RATE, 2)
    preset = parse_preset(
        PRESET + '\n[[effect]]\nid = "room"\ntype = "reverb"\nstem = "accompaniment"\n'
        '[[effect]]\nid = "all"\ntype = "gain"\ngain_db = -20\n'
    )
    result = automated_preset(preset, stem_model=model)(audio, RATE)
    assert result.audio.shape == audio.shape
    assert -30 < level(result.audio) - level(audio) < -10


def test_a_stems_signal_moves_a_parameter_of_another(all_vocals):
    audio = 0.3 * music(5, RATE, 2)
    result = automated_preset(parse_preset(PRESET), stem_model=all_vocals)(audio, RATE)
    assert result.curves["voice.gain_db"].values.max() == 0  # the accompaniment is silent
    other = PRESET.replace("stem.accompaniment", "stem.vocals")
    result = automated_preset(parse_preset(other), stem_model=all_vocals)(audio, RATE)
    plain = automated_preset(
        parse_preset(other.replace("stem.vocals", "signal")), stem_model=all_vocals
    )(audio, RATE)
    got, want = (each.curves["voice.gain_db"].values for each in (result, plain))
    assert got.max() > 1
    np.testing.assert_allclose(got[25:-25], want[25:-25], atol=0.5)  # above 11 kHz is no vocals


def test_whatever_separates_can_be_the_model():
    audio = music(2, RATE, 2)
    mid = audio.mean(axis=0)
    auto = pyplugin.automate(
        pedalboard.Pedalboard([]),
        {"gain.gain_db": pyplugin.curve([6.0], 1)},
        stems={"side": pedalboard.Pedalboard([pedalboard.Gain()])},
        stem_model=MidSide(),
    )
    want = mid + 10 ** (6 / 20) * (audio - mid)
    np.testing.assert_allclose(auto(audio, RATE).audio, want, atol=1e-5)


def test_a_preset_with_stems_needs_a_model():
    auto = automated_preset(parse_preset(PRESET))
    with pytest.raises(PresetError, match=r"vocals, accompaniment.*give stem_model"):
        auto(np.zeros((2, RATE)), RATE)


def test_sources_of_python_name_the_same_descriptors():
    source = pyplugin.stem("vocals").loudness()
    assert source.descriptors == ("stem.vocals.loudness_momentary",)
    assert pyplugin.stem("drums").signal("signal.onset").descriptors == ("stem.drums.onset",)


def test_files_are_rendered_with_the_shipped_presets(tmp_path, network):
    from pyplugin.outputs.audio_files import AudioWriter

    with AudioWriter(tmp_path / "song.wav", RATE, 2) as writer:
        writer.write(0.3 * music(3, RATE, 2))
    for name, path in stem_presets().items():
        preset = read_preset(name)
        assert preset.name == path.stem
        assert preset.uses_stems
        if preset.stems is None:
            result = pyplugin.render(
                tmp_path / "song.wav", tmp_path / "out.wav", preset, stem_model=network
            )
            assert result.duration == 3.0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('stem = "vocals"', 'stem = "drums"', "no stem 'drums'"),
        ("stem.accompaniment.rms_db", "stem.drums.rms_db", "no stem 'drums'"),
        ("stem.accompaniment.rms_db", "stem.vocals.rms", "no signal 'rms' of a stem.*rms_db"),
        ("stem.accompaniment.rms_db", "stem.vocals", "names no stem and signal"),
        ('stem = "vocals"', "stem = 3", "string in quotes"),
        (
            '"stem.accompaniment.rms_db"',
            '["stem.vocals.rms_db", "stem.accompaniment.rms_db"]',
            "different stems",
        ),
    ],
)
def test_what_is_wrong_is_a_sentence(model, old, new, message):
    assert old in PRESET
    with pytest.raises(PresetError, match=message):
        automated_preset(parse_preset(PRESET.replace(old, new)), stem_model=model)(
            np.zeros((2, 44100)), RATE
        )


def test_the_plugin_refuses_stems():
    with pytest.raises(PresetError, match="uses stems"):
        slots_of(parse_preset(PRESET))


def test_streams_of_any_pieces_are_added():
    one = [np.full((1, 4), 1.0), np.full((1, 6), 1.0)]
    other = [np.full((1, 3), 2.0)] * 3 + [np.full((1, 1), 2.0)]
    whole = np.concatenate(list(added([iter(one), iter(other)])), axis=1)
    np.testing.assert_array_equal(whole, np.full((1, 10), 3.0))
