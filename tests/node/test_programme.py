"""What tells programme from faults: balance, clipping, hum, tone, noise, presence, repetition.

Values are compared with numpy and scipy by the definitions in docs/signals.md. What is found among
drawn faults is in test_faults.py.
"""

from itertools import pairwise

import numpy as np
import pytest
import scipy.signal
import scipy.stats
import soundfile
from helpers import measure, music, play
from hypothesis import given, settings
from hypothesis import strategies as st

from pyplugin import Node

RATE = 48000
CHUNK, BLOCKS = 256, 30


def sine(hertz: float, seconds: float, rate: int = RATE) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def noise(seconds: float, seed: int = 0, channels: int = 1, rate: int = RATE) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((channels, int(seconds * rate)))


def last(x: np.ndarray, name: str, rate: int = RATE) -> float:
    return float(measure(x, rate, signals=0.1)[name][-1])


def decibel(power: float) -> float:
    return max(-120.0, 10 * np.log10(power + 1e-30))


# ---- balance of the channels ----


def three_seconds(x: np.ndarray, rate: int, time: float) -> np.ndarray:
    """The whole blocks of about 0.1 s that are over at a time, and silence before them."""
    block = CHUNK * round(0.1 * rate / CHUNK)
    end = round(time * rate) // block * block
    padded = np.pad(x, ((0, 0), (BLOCKS * block, 0)))
    return padded[:, end : end + BLOCKS * block].astype(np.float64)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000, 192000])
def test_balance_is_that_of_numpy(rate):
    x = (0.2 * noise(4, 1, 3, rate) * [[1], [0.5], [0.1]]).astype(np.float32)
    x[1] += 0.6 * x[0] + 0.01
    x[:, : rate // 2] = 0
    got = measure(x, rate, signals=0.25)
    for i in range(2, len(got["time"]), 3):
        y = three_seconds(x, rate, got["time"][i])
        power = (y**2).mean(1)
        assert (
            got["correlation"][i]
            == pytest.approx((y[0] * y[1]).mean() / np.sqrt(power[0] * power[1] + 1e-30), abs=1e-4)
            or power[0] < 1e-9
        )
        if power[0] > 1e-9:
            side = ((y[0] - y[1]) ** 2).mean() / ((y[0] + y[1]) ** 2).mean()
            assert got["side_db"][i] == pytest.approx(10 * np.log10(side), abs=1e-3)
        assert got["channel_low_db"][i] == pytest.approx(decibel(power.min()), abs=1e-3)
        assert got["channel_high_db"][i] == pytest.approx(decibel(power.max()), abs=1e-3)
        gap = got["channel_high_db"][i] - got["channel_low_db"][i]
        assert got["channel_gap_db"][i] == pytest.approx(gap, abs=1e-5)
        offset = np.abs(y.mean(1)).max()
        assert got["dc_db"][i] == pytest.approx(decibel(offset**2), abs=0.01)


@pytest.mark.parametrize(
    ("right", "correlation", "side"),
    [(1, 1, -60), (-1, -1, 60), (0, 0, 0), (0.5, 1, 20 * np.log10(1 / 3))],
)
def test_correlation_of_one_signal_in_both_channels(right, correlation, side):
    x = 0.1 * noise(4)[0]
    got = measure(np.stack([x, right * x]), RATE, signals=0.5)
    assert got["correlation"][-1] == pytest.approx(correlation, abs=1e-5)
    assert got["side_db"][-1] == pytest.approx(side, abs=1e-3)


@pytest.mark.parametrize("x", [np.zeros((2, RATE)), 0.1 * noise(1), np.zeros((1, RATE))])
def test_silence_and_mono_count_as_two_equal_channels(x):
    got = measure(x, RATE, signals=0.5)
    assert got["correlation"].tolist() == [1] * len(got["time"])
    assert got["side_db"].tolist() == [-60] * len(got["time"])


def test_lfe_is_no_quiet_and_no_loud_channel():
    x = 0.1 * noise(4, 0, 6)
    for level in (0, 5):
        x[3] = level * noise(4, 1)[0]
        got = measure(x, RATE, signals=0.5)
        assert got["channel_low_db"][-1] == pytest.approx(-20, abs=0.2)
        assert got["channel_high_db"][-1] == pytest.approx(-20, abs=0.2)


# ---- clipping ----


@pytest.mark.parametrize("hertz", [60, 441, 1000])
@pytest.mark.parametrize("over", [1.2, 2, 8])
@pytest.mark.parametrize(("after", "bits"), [(1, None), (0.3, None), (0.3, 16)])
def test_clipping_is_the_share_of_time_on_the_flat_tops(hertz, over, after, bits):
    x = after * np.clip(over * sine(hertz, 4), -1, 1)
    x = x if bits is None else np.round(x * 32768) / 32768
    share = 1 - 2 / np.pi * np.arcsin(1 / over)
    # in whole samples
    assert last(x, "clipping") == pytest.approx(share, abs=4 * hertz / RATE + 0.005)


@pytest.mark.parametrize("hertz", [20, 50, 101, 997, 6000])
@pytest.mark.parametrize("bits", [None, 16])
@pytest.mark.parametrize("level", [1.0, 0.1, 0.01])
def test_peaks_of_a_sine_are_no_flat_tops(hertz, bits, level):
    x = level * sine(hertz, 4)
    x = x if bits is None else np.round(x * 32767) / 32768
    assert last(x, "clipping") == 0


def test_noise_dc_and_silence_are_not_clipped():
    for x in (0.1 * noise(4)[0], np.full(4 * RATE, 0.5), np.zeros(4 * RATE)):
        assert last(x, "clipping") < 1e-4


def test_clipping_is_that_of_the_worst_channel():
    fine, bad = 0.5 * sine(440, 4), np.clip(2 * sine(440, 4), -1, 1)
    assert last(np.stack([fine, bad]), "clipping") == last(bad, "clipping")


# ---- hum and tones ----


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000, 192000])
@pytest.mark.parametrize("mains", [49.9, 50.1, 60])
def test_hum_is_its_share_of_the_power(rate, mains):
    x = sum(sine(mains * k, 5, rate) / k for k in range(1, 7))
    x = 0.05 * x / x.std()
    for snr in (20, 3):
        y = x + 0.05 * 10 ** (-snr / 20) * noise(5, 2, rate=rate)[0]
        assert last(y, "hum", rate) == pytest.approx(1 / (1 + 10 ** (-snr / 10)), abs=0.06)


@pytest.mark.parametrize("hertz", [43.65, 46.25, 49.0, 51.2, 55, 58.27, 61.74, 65.41, 98, 123.5])
def test_notes_near_the_mains_are_no_hum(hertz):
    assert last(0.3 * sine(hertz, 5), "hum") < 0.01


def test_hum_in_opposite_channels_is_hum():
    x = 0.1 * sine(100, 5)
    assert last(np.stack([x, -x]), "hum") == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
@pytest.mark.parametrize("hertz", [100, 440, 1000, 3300])
def test_tone_is_its_share_of_the_power(rate, hertz):
    for snr in (40, 10, 3):
        y = 0.1 * sine(hertz, 4, rate) + 0.1 / np.sqrt(2) * 10 ** (-snr / 20) * noise(
            4, 3, rate=rate
        )
        assert last(y, "tone", rate) == pytest.approx(1 / (1 + 10 ** (-snr / 10)), abs=0.05)


def test_only_the_strongest_harmonic_is_the_tone():
    x = sum(sine(300 * k, 4) / k for k in range(1, 6))
    share = 1 / sum(1 / k**2 for k in range(1, 6))
    assert last(0.1 * x, "tone") == pytest.approx(share, abs=0.02)


def test_a_tone_that_sways_swells_or_moves_is_none():
    t = np.arange(4 * RATE) / RATE
    vibrato = np.sin(2 * np.pi * 440 * t + 6 * np.sin(2 * np.pi * 5.5 * t))
    decay = sine(440, 4) * 10 ** (-(t % 2))
    scale = np.concatenate([sine(f, 0.5) for f in (220, 247, 277, 294, 330, 370, 415, 440)])
    for x in (vibrato, decay, scale):
        assert last(0.1 * x, "tone") < 0.5


# ---- noise and presence ----


def spectra(x: np.ndarray) -> np.ndarray:
    """Power spectra at 12 kHz, where nothing is decimated: (frames, 513), mean squares."""
    window = scipy.signal.get_window("hann", 1024)
    frames = np.lib.stride_tricks.sliding_window_view(x, 1024)[::512] * window
    return np.abs(np.fft.rfft(frames)) ** 2 * 2 / (1024 * (window**2).sum())


def bands() -> np.ndarray:
    low, high = (6 * np.arcsinh(hertz / 600) for hertz in (2 * 12000 / 1024, 0.42 * 12000))
    edges = 600 * np.sinh(np.linspace(low, high, 21) / 6)
    return np.floor(edges / (12000 / 1024) + 0.5).astype(int)


def k_weights() -> np.ndarray:
    """Of the bands' middles, from the filters that BS.1770-4 gives for 48 kHz."""
    edges = 600 * np.sinh(
        np.linspace(6 * np.arcsinh(2 * 12000 / 1024 / 600), 6 * np.arcsinh(5040 / 600), 41)[1::2]
        / 6
    )
    shelf = scipy.signal.freqz(
        [1.53512485958697, -2.69169618940638, 1.19839281085285],
        [1, -1.69065929318241, 0.73248077421585],
        edges,
        fs=48000,
    )[1]
    high = scipy.signal.freqz([1, -2, 1], [1, -1.99004745483398, 0.99007225036621], edges, fs=48000)
    return np.abs(shelf * high[1]) ** 2


def expected(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Presence and noise by frames: moves of the bands beyond those of stationary noise."""
    power, edges, count = spectra(x), bands(), round(2 * 12000 / 512)
    width = np.diff(edges)
    sums = np.stack([power[:, a:b].sum(1) for a, b in pairwise(edges)], 1)
    flat = np.stack(
        [
            scipy.stats.gmean(power[:, a:b], axis=1) / power[:, a:b].mean(1)
            for a, b in pairwise(edges)
        ],
        1,
    )
    own = 18.86 / (width / 1.5 - 0.5)
    presence, noisy = [], []
    for end in range(count, len(power) + 1):
        part = slice(end - count, end)
        weight = sums[part].sum(0) * k_weights()
        weight /= weight.sum()
        excess = np.maximum(0, (10 * np.log10(sums[part] + 1e-12)).var(0) - own)
        moving = (weight * np.minimum(excess, 100)).sum()
        smooth = np.clip((flat[part].mean(0) / np.exp(-np.euler_gamma) - 0.5) / 0.4, 0, 1)
        presence.append(moving / (moving + 2))
        noisy.append((weight * smooth * np.clip(2 - excess / (1 + own), 0, 1)).sum())
    return np.array(presence), np.array(noisy)


def test_presence_and_noise_follow_their_definition(clips):
    pieces = []
    for name in ("speech", "classical-strings", "instrumental-metal"):
        x, rate = soundfile.read(clips / f"{name}.ogg", always_2d=True)
        pieces.append(scipy.signal.resample_poly(x.mean(1)[: 4 * rate], 12000, rate))
    pieces += [0.01 * noise(3, 4, rate=12000)[0], 0.1 * sine(700, 3, 12000)]
    x = np.concatenate(pieces).astype(np.float32)
    presence, noisy = expected(x.astype(np.float64))
    got = measure(x, 12000, signals=0.016)
    frame = (np.round(got["time"] * 12000).astype(int) // CHUNK * CHUNK - 1024) // 512
    chosen = frame >= round(2 * 12000 / 512) - 1
    index = frame[chosen] - round(2 * 12000 / 512) + 1
    np.testing.assert_allclose(got["presence"][chosen], presence[index], atol=0.02)
    np.testing.assert_allclose(got["hiss"][chosen], noisy[index], atol=0.02)
    assert presence.max() > 0.9
    assert noisy.max() > 0.9


@pytest.mark.parametrize("slope", [0, -3, 6])
def test_noise_of_any_colour_is_noise_and_no_presence(slope):
    spectrum = np.fft.rfft(noise(5, 5, 2))
    hertz = np.maximum(np.fft.rfftfreq(5 * RATE, 1 / RATE), 20)
    x = np.fft.irfft(spectrum * (hertz / 1000) ** (slope / 6.02))
    got = measure(0.02 * x / x.std(), RATE, signals=0.1)
    late = got["time"] > 2.5
    assert got["hiss"][late].min() > 0.9
    assert got["presence"][late].max() < 0.3


def test_speech_is_present_at_any_level_above_the_gate(clips):
    x, rate = soundfile.read(clips / "speech.ogg", always_2d=True)
    x = x[: 8 * rate].T.astype(np.float32)
    loud, quiet = (measure(gain * x, rate, signals=0.1) for gain in (1, 0.02))
    late = loud["time"] > 2.5
    np.testing.assert_allclose(loud["presence"][late], quiet["presence"][late], atol=0.02)
    assert np.median(loud["presence"][late]) > 0.9
    assert np.all(measure(1e-4 * x, rate, signals=0.1)["presence"] == 0)


# ---- repetition ----


def loop(seconds: float, length: float, rate: int = RATE, seed: int = 6) -> np.ndarray:
    """Changing chords with noise, the same ones again and again."""
    one = music(length, rate, seed=seed)[0] * (0.5 + np.random.default_rng(seed).random())
    one *= np.repeat(np.random.default_rng(seed).random(int(length * 8) + 1) + 0.1, rate // 8)[
        : len(one)
    ]
    return np.tile(one, int(seconds / length) + 2)[: int(seconds * rate)]


@pytest.mark.parametrize(
    ("rate", "length"), [(8000, 0.3), (16000, 1.7), (44100, 3.217), (48000, 0.5)]
)
def test_a_loop_has_a_repetition_of_1(rate, length):
    got = measure(loop(9 + 3 * length, length, rate), rate, signals=0.1)
    assert got["repetition"][-1] > 0.98


@pytest.mark.parametrize("length", [0.4, 1.3, 2.717])
def test_a_loop_of_which_every_second_round_differs_is_found(length):
    """As codecs leave it: levels are the same in each round, the waveform in every second one."""
    one = loop(length, length)
    got = measure(np.tile(np.concatenate([one, -one]), int(16 / length)), RATE, signals=0.1)
    assert got["repetition"][-1] > 0.98
    assert got["repetition"][got["time"] < 2].max() < 0.9


def test_a_long_loop_is_found_up_to_50_seconds():
    x = np.concatenate([noise(1, seed, rate=8000)[0] * (0.02 + seed % 3) for seed in range(48)])
    got = measure(np.concatenate([x, x[: 8 * 8000]]) * 0.05, 8000, signals=0.1)
    assert got["repetition"][got["time"] < 48].max() < 0.3
    assert got["repetition"][-1] > 0.98


def test_repetition_is_the_correlation_of_the_waveforms():
    x = np.concatenate([noise(0.25, seed)[0] * (0.1 + seed % 4) for seed in range(8)])
    x = 0.03 * np.tile(x, 8)
    for snr in (20, 10):
        y = x + x.std() * 10 ** (-snr / 20) * noise(16, 9)[0]
        got = measure(y, RATE, signals=0.1)["repetition"][-10:]
        assert np.median(got) == pytest.approx(1 / (1 + 10 ** (-snr / 10)), abs=0.03)


def test_what_does_not_repeat_has_none(clips):
    x, rate = soundfile.read(clips / "speech.ogg", always_2d=True)
    assert measure(x.T, rate, signals=0.1)["repetition"].max() < 0.5
    assert measure(0.1 * noise(12), RATE, signals=0.1)["repetition"].max() < 0.3
    assert last(np.zeros(12 * RATE), "repetition") == 0


# ---- the node ----


def test_the_signal_before_the_first_sample_is_silence():
    x = 0.1 * loop(4, 0.7, 8000) + 0.01 * sine(100, 4, 8000)
    x = np.stack([np.clip(x, -0.05, 0.05), 0.5 * x])
    at_once = measure(x, 8000)
    later = measure(np.pad(x, ((0, 0), (23040, 0))), 8000)  # whole blocks, frames and mel frames
    shift = 23040 // 128
    for name in list(at_once)[16:-1]:  # but repetition, which is searched for about once a second
        count = len(at_once[name])
        np.testing.assert_allclose(
            at_once[name], later[name][shift : shift + count], atol=1e-4, err_msg=name
        )


def test_a_share_is_at_most_1_after_a_long_constant():
    x = np.concatenate([np.full(6 * RATE, 0.5), -0.2 * sine(300, 0.5)])
    assert measure(x, RATE, signals=0.05)["clipping"].max() <= 1


@settings(max_examples=6, deadline=None)
@given(sizes=st.lists(st.integers(60, 8192), min_size=1, max_size=6), rate=st.integers(8000, 17000))
def test_any_blocks_give_the_same_bits(sizes, rate):
    x = np.stack([loop(8, 0.4, rate), np.clip(3 * loop(8, 0.4, rate, 7), -0.2, 0.2)])
    x = (x + 0.02 * sine(50, 8, rate)).astype(np.float32)
    with Node(rate, 2, 8192, model=None, signals=0.05) as node:
        first = play(node, x, [8192])
        node.reset()
        again = play(node, x, sizes)
    np.testing.assert_array_equal(first.values, again.values)
    np.testing.assert_array_equal(first.end, again.end)
