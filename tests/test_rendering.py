"""render() and presets on whole recordings: length, curves, files, real recordings."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers import DATA, Probe, music

import pyplugin
from pyplugin.automation.chains import automated_preset
from pyplugin.automation.knobs import Knobs
from pyplugin.automation.presets import (
    Effect,
    Map,
    Preset,
    parse_preset,
    read_preset,
    shipped_presets,
)
from pyplugin.automation.sources import Source
from pyplugin.inputs.files import load
from pyplugin.rendering import render

RATE = 48000


def preset(**knobs) -> Preset:
    knobs = {"min": -60.0, "max": 0.0, **knobs}
    item = Map(Source(("tag.beat",), Knobs(**knobs)), "gain.gain_db")
    return Preset("test", "", (Effect("gain", "gain"),), (item,))


def write(path, x: np.ndarray, rate: int = RATE) -> None:
    soundfile.write(path, x.T, rate, subtype="FLOAT")


def gains(source, output) -> np.ndarray:
    """The gain in dB that was applied to each sample of a constant signal."""
    x, _ = soundfile.read(source, dtype="float64")
    y, _ = soundfile.read(output, dtype="float64")
    assert x.shape == y.shape
    return 20 * np.log10(np.maximum(np.abs(y / x), 1e-6))


def test_the_gain_applied_is_the_curve_of_the_tags(probe: Probe, tmp_path):
    source, key, output = tmp_path / "in.wav", tmp_path / "key.wav", tmp_path / "out.wav"
    write(source, np.full((1, 3 * RATE), 0.5, np.float32))
    write(key, music(3, RATE))
    result = render(
        source, output, preset(attack=0.2, release=0.2), sidechain=key, model=probe.model, block=64
    )
    applied = gains(source, output)
    tags = pyplugin.tag(key, model=probe.model)
    # The curve from its definition: a one-pole towards each window's value from its middle on.
    level, expected = tags.activations[0, 2], []
    middles = tags.times + tags.window / 2 - 0.008  # a window is centred on its mel frames
    for position in np.arange(0, 3 * RATE, 64):
        # A rise is early by its attack: the maximum within that time.
        last = max(np.searchsorted(middles, position / RATE + 0.2, "right") - 1, 0)
        row = max(np.searchsorted(middles, position / RATE, "right") - 1, 0)
        expected.append(-60 + 60 * level)
        level += (tags.activations[row : last + 1, 2].max() - level) * (
            1 - np.exp(-64 / RATE / 0.2)
        )
    np.testing.assert_allclose(applied[::64][: len(expected)], expected, atol=0.25)
    assert np.ptp(expected) > 1
    curve = result.curves["gain.gain_db"]
    np.testing.assert_allclose(
        curve.values, applied[np.round(curve.times * RATE).astype(int)], atol=0.061
    )


@pytest.mark.parametrize("block", [1, 100, 512, 4096])
def test_output_is_as_long_as_the_input_for_any_block(probe, tmp_path, block):
    source, output = tmp_path / "in.wav", tmp_path / "out.wav"
    write(source, music(0.5 if block == 1 else 2.123, RATE, 2))
    result = render(source, output, preset(), model=probe.model, block=block)
    assert soundfile.info(output).frames == soundfile.info(source).frames
    assert result.duration == pytest.approx(soundfile.info(source).duration)
    assert soundfile.info(output).channels == 2


def test_an_effect_with_a_delay_of_its_own_keeps_the_length(probe, tmp_path):
    source, output = tmp_path / "in.wav", tmp_path / "out.wav"
    write(source, music(2, RATE))
    item = Map(Source(("tag.beat",), Knobs(min=2.0, max=3.0)), "pitch_shift.semitones")
    shifted = Preset("shift", "", (Effect("pitch_shift", "pitch_shift"),), (item,))
    render(source, output, shifted, model=probe.model, block=512)
    assert soundfile.info(output).frames == 2 * RATE


def test_curves_do_not_depend_on_the_block(probe, tmp_path):
    source = tmp_path / "in.wav"
    write(source, music(3, RATE))
    curves = []
    for block in (48, 96, 480):
        result = render(source, tmp_path / f"{block}.wav", preset(), model=probe.model, block=block)
        curves.append(result.curves["gain.gain_db"])
    for curve in curves[1:]:
        np.testing.assert_array_equal(curve.times, curves[0].times)
        np.testing.assert_array_equal(curve.values, curves[0].values)


def test_a_failed_rendering_leaves_no_file(probe, tmp_path):
    source = tmp_path / "in.wav"
    write(source, music(1, RATE))
    wrong = parse_preset(
        '[preset]\nname = "x"\n[[effect]]\ntype = "gain"\n[[map]]\nsource = "tag.nothing"\n'
        'target = "gain.gain_db"\nmin = 0\nmax = 1\n'
    )
    with pytest.raises(pyplugin.PresetError, match=r"line 6.*tag\.nothing"):
        render(source, tmp_path / "out.wav", wrong, model=probe.model)
    with pytest.raises(pyplugin.AudioError, match="input"):
        render(source, source, preset(), model=probe.model)

    def stop(share: float) -> None:
        if share > 0.6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(source, tmp_path / "out.wav", preset(), model=probe.model, progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


def test_an_output_that_is_the_sidechain_is_refused_and_stays(probe, tmp_path):
    source, key, link = tmp_path / "in.wav", tmp_path / "key.wav", tmp_path / "link.wav"
    write(source, music(1, RATE))
    write(key, music(1, RATE))
    link.symlink_to(key)
    before = key.read_bytes()
    for output in (key, link):
        with pytest.raises(pyplugin.AudioError, match=f"{output.name} is an input too"):
            render(source, output, preset(), sidechain=key, model=probe.model)
    assert key.read_bytes() == before


# ---- real recordings


# Expected automation on recordings: (preset, clip, seconds, target, least, most). The ends of a
# range follow from its preset and from what is played; tests/data/README.md describes the clips.
EXPECTED = [
    ("late-night", "instrumental-metal", (2, 16), "lift.gain_db", -0.1, 0.1),
    ("late-night", "speech", (1, 15), "lift.gain_db", 1, 12),
    ("loudness-guard", "instrumental-metal", (2, 15), "trim.gain_db", -10, -8),
    ("loudness-guard", "speech", (1, 15), "trim.gain_db", -3, 0),
    ("brighten-the-dull", "drum-loop", (1, 10), "air.gain_db", 3, 6),
    ("tame-the-harsh", "classical-strings", (2, 16), "shelf.gain_db", -8, 0),
    ("crunch-the-drums", "drum-loop", (0.5, 10), "crunch.drive_db", 0.1, 16),
    ("echo-in-the-gaps", "instrumental-metal", (1, 15), "echo.mix", 0.07, 0.2),
    ("echo-in-the-gaps", "radio-hour", (15.5, 18.5), "echo.mix", 0.45, 0.5),
    ("hiss-gate", "radio-hour", (16, 18.5), "gate.gain_db", -24, -23),
    ("hiss-gate", "sung-pop", (0, 10), "gate.gain_db", -0.1, 0),
    ("pump-on-onsets", "classical-strings", (1, 17), "pump.gain_db", -9, 0),
    ("voice-in-a-hall", "sung-pop", (3, 9), "hall.wet_level", 0.1, 0.35),
    ("voice-in-a-hall", "classical-strings", (0, 18), "hall.wet_level", 0, 0.02),
    ("drift", "instrumental-metal", (0, 16), "space.wet_level", 0, 0.02),
    ("tighten-the-heavy", "instrumental-metal", (1, 15), "grip.ratio", 3, 4),
    ("tighten-the-heavy", "classical-strings", (0, 18), "grip.ratio", 1, 1.05),
    ("strings-to-the-front", "classical-strings", (0, 18), "presence.gain_db", 4.5, 5),
    ("strings-to-the-front", "drum-loop", (0, 11), "presence.gain_db", 0, 0.2),
]


@pytest.fixture(scope="module")
def rendered(clips, musicnn, request):
    """Presets on clips, each once."""
    done = {}

    def render(name: str, clip: str):
        if (name, clip) not in done:
            preset = read_preset(name)
            others = preset.model == "yamnet"
            model = request.getfixturevalue("yamnet") if others else None
            auto = automated_preset(preset, model=model)
            done[name, clip] = auto(*load(clips / f"{clip}.ogg"))
        return done[name, clip]

    render.clips = clips
    return render


def test_voices_duck_a_real_recording(clips, tmp_path):
    """radio-hour: speech 0-6 s, music 6-14 s, silence, then speech over music from 19.5 s on."""
    output = tmp_path / "out.wav"
    result = render(clips / "radio-hour.ogg", output, "duck-under-voice")
    curve = result.curves["bed.gain_db"]
    assert curve.values[(curve.times > 1) & (curve.times < 5)].max() < -11
    assert curve.values[(curve.times > 10) & (curve.times < 13.5)].min() > -1
    assert curve.values[(curve.times > 22) & (curve.times < 29)].max() < -10


def test_drums_open_the_filter_on_real_recordings(clips, tmp_path):
    middle = {}
    for name in ("drum-loop", "classical-strings"):
        result = render(clips / f"{name}.ogg", tmp_path / "o.wav", "open-with-drums")
        middle[name] = np.median(result.curves["filter.cutoff_hz"].values)
    assert middle["drum-loop"] > 10000
    assert middle["classical-strings"] < 1500


@pytest.mark.parametrize(("preset", "clip", "seconds", "target", "least", "most"), EXPECTED)
def test_presets_automate_as_described(rendered, preset, clip, seconds, target, least, most):
    curve = rendered(preset, clip).curves[target]
    values = curve.values[(curve.times >= seconds[0]) & (curve.times < seconds[1])]
    assert least <= np.median(values) <= most
    assert np.percentile(values, 5) >= least - 0.05 * (most - least)
    assert np.percentile(values, 95) <= most + 0.05 * (most - least)


CORPUS = Path(os.environ.get("PYPLUGIN_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))
# For YAMNet: (preset, recording, percentile of the automation over time, least and most).
BY_YAMNET = [
    ("duck-for-speech", "clips/speech", 95, -12, -11),
    ("duck-for-speech", "labelled/speech/ru-1", 50, -12, -11),
    ("duck-for-speech", "clips/sung-pop", 5, -0.1, 0),
    ("duck-for-speech", "labelled/song/singing-female", 5, -0.1, 0),
    ("open-on-siren", "ambience/berklee/siren", 50, -1, 0),
    ("open-on-siren", "clips/radio-hour", 100, -48, -47.9),
    ("mute-the-dog", "ambience/esc-10/dog-bark-test-1", 95, -40, -38),
    ("mute-the-dog", "clips/speech", 0, -0.1, 0),
    ("cut-coughs", "ambience/esc-10/person-sneeze-test-1", 25, -24, -20),
    ("cut-coughs", "clips/speech", 0, -0.1, 0),
    ("mute-applause", "ambience/berklee/crowd-speech-001", 15, -30, -28),
    ("mute-applause", "ambience/berklee/crowd-speech-001", 85, -1, 0),  # before it they wait
    ("mute-applause", "clips/drum-loop", 0, -0.1, 0),
]


@pytest.mark.parametrize(("preset", "recording", "percentile", "least", "most"), BY_YAMNET)
def test_presets_of_yamnet_automate_as_described(
    rendered_by_yamnet, preset, recording, percentile, least, most
):
    values = rendered_by_yamnet(preset, recording)
    assert least <= np.percentile(values, percentile) <= most


@pytest.fixture(scope="module")
def rendered_by_yamnet(yamnet):
    """The automation of a preset on a recording of tests/data or of the corpus, each once."""
    done = {}

    def render(preset: str, recording: str):
        if (preset, recording) not in done:
            mine = recording.split("/")[0] in ("clips", "labelled")
            path = (DATA if mine else CORPUS) / f"{recording}.ogg"
            if not path.is_file():
                pytest.skip("the corpus is not here: PYPLUGIN_CORPUS names its folder")
            result = automated_preset(read_preset(preset), model=yamnet)(*load(path))
            (curve,) = result.curves.values()
            done[preset, recording] = curve.values
        return done[preset, recording]

    return render


def test_a_preset_whose_model_is_missing_names_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    with pytest.raises(pyplugin.ModelError, match="run `tagnode models get yamnet`"):
        automated_preset(read_preset("duck-for-speech"))


@pytest.mark.parametrize("bpm", [75, 100, 128])
def test_an_echo_lasts_three_quarters_of_a_beat(bpm):
    """Clicks of a known tempo; halves and doubles of it are as good."""
    rate, random = 22050, np.random.default_rng(3)
    sound = np.zeros(14 * rate, np.float32)
    for beat in range(int(14 * bpm / 60)):
        at = round(beat * 60 / bpm * rate)
        burst = random.normal(size=1000) * np.exp(-np.arange(1000) / 150)
        sound[at : at + 1000] += (0.5 if beat % 2 else 0.35) * burst[: len(sound) - at]
    curves = automated_preset(read_preset("echo-in-time"))(sound, rate).curves
    seconds = curves["echo.delay_seconds"].values[-50:]
    near = min((45 / (bpm * factor) for factor in (0.5, 1, 2)), key=lambda s: abs(s - seconds[-1]))
    np.testing.assert_allclose(seconds, near, rtol=0.01)
    assert curves["echo.mix"].values[-1] > 0.3


def test_the_drums_are_crunched_and_the_strings_are_not(rendered):
    drive = {
        clip: rendered("crunch-the-drums", clip).curves["crunch.drive_db"].values.mean()
        for clip in ("drum-loop", "classical-strings")
    }
    assert drive["drum-loop"] > 2.5 * drive["classical-strings"]


def test_the_pump_dips_with_the_drums(rendered):
    values = rendered("pump-on-onsets", "drum-loop").curves["pump.gain_db"].values
    assert values.min() < -8.5
    assert np.median(values) > -6


def test_the_phaser_sweeps_in_four_beats(rendered):
    result = rendered("phaser-in-time", "instrumental-metal")
    settled = result.curves["phaser.rate_hz"].values[-100:]
    beats = 4 * 60 * settled  # a minute
    assert np.ptp(beats) < 3
    assert beats[-1] == pytest.approx(110, abs=1)  # as it was made
    assert result.curves["phaser.mix"].values[-1] > 0.2


@pytest.mark.parametrize(("name", "level_db"), [("late-night", -17), ("loudness-guard", -25)])
def test_noise_keeps_its_level_through_the_limiter(name, level_db):
    """Noise too loud for one preset and too quiet for the other."""
    noise = np.random.default_rng(0).standard_normal((2, 8 * 44100)).astype(np.float32)
    noise *= 10 ** (level_db / 20)
    out = automated_preset(read_preset(name))(noise, 44100)
    assert np.ptp(out.curves[next(iter(out.curves))].values[-100:]) == 0
    change = np.std(out.audio[:, -88200:]) / np.std(noise[:, -88200:])
    assert abs(20 * np.log10(change)) < 0.3


SILENT = {"open-on-siren"}  # as long as nothing opens it


@pytest.mark.parametrize("name", sorted({*shipped_presets()} - SILENT))
def test_presets_change_peak_levels_little(rendered, name):
    """None makes a recording more than 6 dB louder at its peaks, or silent."""
    for clip in ("radio-hour", "classical-strings"):
        source, _ = load(rendered.clips / f"{clip}.ogg")
        ratio = np.abs(rendered(name, clip).audio).max() / np.abs(source).max()
        assert 0.2 < ratio < 2
