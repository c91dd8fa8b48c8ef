"""Loudness and true peak, held against the EBU's test signals, pyloudnorm and ffmpeg."""

import warnings
from itertools import chain
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import scipy.signal
import soundfile
from helpers import measure

RATES = [16000, 22050, 44100, 48000, 96000]
CLIPS = ["sung-pop", "instrumental-metal", "classical-strings", "speech", "radio-hour"]


def clip(folder: Path, name: str) -> tuple[np.ndarray, int]:
    samples, rate = soundfile.read(folder / f"{name}.ogg", dtype="float32", always_2d=True)
    return samples.T, rate


def integrated(x: np.ndarray, rate: int) -> float:
    """Integrated loudness once the last whole 0.1 s is in a frame."""
    return float(measure(np.pad(x, ((0, 0), (0, rate // 20))), rate)["loudness_integrated"][-1])


# ---- loudness: EBU Tech 3341 (2016), table 1, signals made by its words ----


def tones(*parts: tuple[float, float], channels: int = 2, rate: int = 48000) -> np.ndarray:
    """A sine of 1 kHz in all channels: (peak in dBFS, seconds), one part after the other."""
    level = np.concatenate([np.full(round(s * rate), 10 ** (db / 20)) for db, s in parts])
    sine = level * np.sin(2 * np.pi * 1000 * np.arange(len(level)) / rate)
    return np.tile(sine, (channels, 1))


SILENT = -np.inf


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("case", "level"), [(1, -23), (2, -33)])
def test_ebu_1_and_2_a_steady_tone_has_its_loudness(case, level, rate):
    got = measure(tones((level, 20), rate=rate), rate)
    for name, settled in [("momentary", 1), ("short", 3), ("integrated", 1)]:
        values = got[f"loudness_{name}"][got["time"] > settled]
        np.testing.assert_allclose(values, level, atol=0.1)


@pytest.mark.parametrize(
    "parts",
    [
        [(-36, 10), (-23, 60), (-36, 10)],
        [(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)],
        [(-26, 20), (-20, 20.1), (-26, 20)],
    ],
    ids=["3", "4", "5"],
)
def test_ebu_3_to_5_what_is_too_soft_does_not_count(parts):
    got = measure(tones(*parts), 48000)
    assert got["loudness_integrated"][-1] == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("effects", [False, True])
def test_ebu_6_surround_counts_more_and_low_frequency_effects_do_not(effects):
    levels = [-28, -28, -24, -30, -30]  # L R C Ls Rs
    x = np.concatenate([tones((level, 20), channels=1) for level in levels])
    if effects:
        x = np.insert(x, 3, tones((-6, 20), channels=1), axis=0)
    assert measure(x, 48000)["loudness_integrated"][-1] == pytest.approx(-23, abs=0.1)


def test_quadro_is_the_sides_of_surround():
    levels = [-28, -28, -30, -30]
    four = np.concatenate([tones((level, 2), channels=1) for level in levels])
    five = np.insert(four, 2, 0, axis=0)
    a, b = measure(four, 48000), measure(five, 48000)
    np.testing.assert_array_equal(a["loudness_momentary"], b["loudness_momentary"])


def test_ebu_9_and_12_windows_even_out_what_repeats_within_them():
    got = measure(tones(*[(-20, 1.34), (-30, 1.66)] * 5), 48000)
    np.testing.assert_allclose(got["loudness_short"][got["time"] > 3], -23, atol=0.1)
    got = measure(tones(*[(-20, 0.18), (-30, 0.22)] * 25), 48000)
    np.testing.assert_allclose(got["loudness_momentary"][got["time"] > 1], -23, atol=0.1)


@pytest.mark.parametrize(
    ("name", "tone", "step"), [("short", 3, 0.15), ("momentary", 0.4, 0.02)], ids=["10", "13"]
)
def test_ebu_10_and_13_a_tone_as_long_as_the_window_is_caught_wherever_it_begins(name, tone, step):
    for i in range(20):
        got = measure(tones((SILENT, i * step), (-23, tone), (SILENT, 1)), 48000)
        assert got[f"loudness_{name}"].max() == pytest.approx(-23, abs=0.1), i


@pytest.mark.parametrize(
    ("name", "tone", "step"), [("short", 3, 0.15), ("momentary", 0.4, 0.02)], ids=["11", "14"]
)
def test_ebu_11_and_14_tones_that_grow_are_caught_one_by_one(name, tone, step):
    parts = [((SILENT, i * step), (-38 + i, tone), (SILENT, tone - i * step)) for i in range(20)]
    got = measure(tones(*chain.from_iterable(parts)), 48000)
    for i in range(20):
        part = (got["time"] > 2 * tone * i) & (got["time"] <= 2 * tone * (i + 1))
        assert got[f"loudness_{name}"][part].max() == pytest.approx(-38 + i, abs=0.1)


@pytest.mark.parametrize("rate", [44100, 48000])
@pytest.mark.parametrize(
    ("period", "phase", "size", "expected"),
    [(4, 0, 0.5, -6), (4, 45, 0.5, -6), (6, 60, 0.5, -6), (8, 67.5, 0.5, -6), (4, 45, 1.41, 3)],
    ids=["15", "16", "17", "18", "19"],
)
def test_ebu_15_to_19_true_peaks_lie_between_samples(rate, period, phase, size, expected):
    angle = 2 * np.pi * np.arange(rate) / period + np.radians(phase)
    fade = np.minimum(1, np.arange(rate) / (0.01 * rate))
    got = measure(np.tile(fade * fade[::-1] * size * np.sin(angle), (2, 1)), rate)
    assert -0.4 <= got["true_peak_db"].max() - expected <= 0.2


@pytest.mark.parametrize("offset", range(4), ids=["20", "21", "22", "23"])
def test_ebu_20_to_23_one_period_is_caught_wherever_its_peak_lies(offset):
    # At four times the rate: fs/6 at half scale, amid it one period of fs/4 at full scale.
    before, after = np.arange(24 * 500), np.arange(24 * 500)
    x = np.concatenate(
        [
            0.5 * np.sin(2 * np.pi * before / 24),
            np.sin(2 * np.pi * np.arange(16) / 16),
            0.5 * np.sin(2 * np.pi * after / 24),
        ]
    )
    fade = np.minimum(1, np.arange(len(x)) / 2000)
    low_pass = scipy.signal.firwin(401, 1 / 4)
    x = np.convolve(fade * fade[::-1] * x, low_pass, "same")[offset::4]
    got = measure(np.tile(x, (2, 1)), 48000)
    assert -0.4 <= got["true_peak_db"].max() <= 0.2


@pytest.mark.parametrize(("rate", "times"), [(44100, 4), (95999, 4), (96000, 2), (192000, 1)])
def test_true_peaks_are_those_of_a_finer_grid(rate, times):
    random = np.random.default_rng(rate)
    spectrum = np.zeros(4096 // 2 + 1, complex)
    band = slice(20, int(0.4 * 4096))
    spectrum[band] = np.exp(2j * np.pi * random.random(band.stop - band.start))
    x = np.fft.irfft(spectrum) * scipy.signal.windows.hann(4096) * 10
    finer = np.abs(scipy.signal.resample(x, times * len(x))).max()
    got = measure(np.pad(x, (100, rate // 10)), rate)["true_peak_db"].max()
    assert got == pytest.approx(20 * np.log10(finer), abs=0.1 if times > 1 else 1e-4)


# ---- loudness: other programs ----


def by_pyloudnorm(x: np.ndarray, rate: int) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a clipped sample
        return pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(x.T)


def by_ffmpeg(x: np.ndarray, rate: int) -> dict[str, np.ndarray]:
    """Momentary, short-term and integrated loudness every 0.1 s."""
    av = pytest.importorskip("av")
    if not hasattr(av.AudioFrame, "metadata"):
        pytest.skip("PyAV here hands out no metadata of filtered frames; a later one does")
    layout = {1: "mono", 2: "stereo"}[len(x)]
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="fltp", layout=layout)
    meter, sink = graph.add("ebur128", "metadata=1:dualmono=0"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(x), format="fltp", layout=layout)
    frame.sample_rate, frame.pts = rate, 0
    graph.push(frame)
    graph.push(None)
    rows = []
    while True:
        try:
            found = graph.pull().metadata
        except (av.EOFError, av.BlockingIOError):
            break
        rows.append([float(found[f"lavfi.r128.{name}"]) for name in "MSI"])
    return dict(zip(("momentary", "short", "integrated"), np.array(rows).T, strict=True))


def passages(rate: int, channels: int, seed: int) -> np.ndarray:
    """Coloured noise whose level changes every 0.2 to 2 s by up to 50 dB, 40 s."""
    random = np.random.default_rng(seed)
    noise = random.standard_normal((channels, 40 * rate))
    noise = scipy.signal.lfilter([1], [1, -0.95], noise) * 0.02
    at = 0
    while at < noise.shape[1]:
        end = at + int(random.uniform(0.2, 2) * rate)
        noise[:, at:end] *= 10 ** (random.uniform(-50, 0) / 20)
        at = end
    return noise.astype(np.float32)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_integrated_loudness_is_pyloudnorms(rate, channels):
    x = passages(rate, channels, rate + channels)
    assert integrated(x, rate) == pytest.approx(by_pyloudnorm(x, rate), abs=0.02)


@pytest.mark.parametrize("rate", [12000, 44100, 48000])
def test_loudness_is_ffmpegs_at_any_time(rate):
    x = passages(rate, 2, rate)
    got, due = measure(x, rate), by_ffmpeg(x, rate)
    times = np.arange(8, 99) * 0.4  # there our frames and their 0.1 s end together, or nearly:
    index = np.abs(got["time"][:, None] - times).argmin(0)
    turns = got["time"][index] * 10
    for name in ("momentary", "short", "integrated"):
        ours = got[f"loudness_{name}"][index]
        # a block counts once it is complete, and a frame may end a sample too soon for it
        whole = np.floor(turns + 1e-9) if name == "integrated" else np.round(turns)
        theirs = due[name][whole.astype(int) - 1]
        np.testing.assert_allclose(ours, theirs, atol=0.1, err_msg=name)


@pytest.mark.parametrize("name", CLIPS)
def test_loudness_of_recordings_is_pyloudnorms_and_ffmpegs(clips, name):
    x, rate = clip(clips, name)
    x = x[:, : x.shape[1] // (rate // 10) * (rate // 10)]
    got, due = measure(x, rate), by_ffmpeg(x, rate)
    assert integrated(x, rate) == pytest.approx(by_pyloudnorm(x, rate), abs=0.02)
    assert integrated(x, rate) == pytest.approx(due["integrated"][-1], abs=0.1)
    assert got["loudness_short"].max() == pytest.approx(np.nanmax(due["short"]), abs=0.1)
    # which looks less often
    assert 0 <= got["loudness_momentary"].max() - np.nanmax(due["momentary"]) < 1


def test_gates_take_a_histogram_for_the_list_of_all_blocks():
    # Loudness spread evenly over 40 LU: as much lies close to the gate as can.
    random = np.random.default_rng(5)
    gain = np.repeat(10 ** (random.uniform(-40, 0, 600) / 20), 4410)
    x = (0.2 * gain * random.standard_normal(len(gain))).astype(np.float32)[None]
    assert integrated(x, 44100) == pytest.approx(by_pyloudnorm(x, 44100), abs=0.02)


@pytest.mark.parametrize("shift", [0.0, -0.007, -0.013])
def test_blocks_right_at_the_gate_count_on_the_right_side_of_it(shift):
    # Soft blocks within 0.02 LU, the width of the histogram's bins, of the gate, which is 10 LU
    # below the mean of all: counted or not, they move the result by several LU.
    def of(soft: float) -> np.ndarray:
        parts = (-20 + shift, 6), (soft, 14)
        return tones(*parts, channels=1, rate=8000)

    low, high = -36.0, -26.0  # not counted, counted
    while high - low > 1e-4:
        middle = (low + high) / 2
        below = by_pyloudnorm(of(middle), 8000) > by_pyloudnorm(of(high), 8000) + 1
        low, high = (middle, high) if below else (low, middle)
    for soft in [low - 0.015, low - 0.008, low - 0.003, high + 0.003, high + 0.008, high + 0.015]:
        x = of(soft)  # its first block, with the end of the loud part in it, may be on either side
        assert integrated(x, 8000) == pytest.approx(by_pyloudnorm(x, 8000), abs=0.1), soft
