"""The front-end against librosa, scipy and soxr; blocks of any size."""

import importlib.util
import subprocess
import sys

import librosa
import numpy as np
import pytest
import scipy.signal
import soundfile
import soxr
from helpers import music
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

import pyplugin
from pyplugin._native import ffi, lib
from pyplugin.models.card import FrontEnd
from pyplugin.node.frontend import PRESETS, FrontEndStream


def spectrum_of(y: np.ndarray, front_end: FrontEnd) -> np.ndarray:
    """Magnitudes in double precision, (bins, frames), of librosa or of numpy."""
    window = scipy.signal.get_window(
        "hann", front_end.frame, fftbins=front_end.window == "hann-periodic"
    )
    if front_end.framing == "from-zero":  # as tf.signal.stft
        frames = np.lib.stride_tricks.sliding_window_view(y.astype(np.float64), front_end.frame)
        return np.abs(np.fft.rfft(frames[:: front_end.hop] * window, front_end.fft)).T
    return np.abs(
        librosa.stft(
            y.astype(np.float64),
            n_fft=front_end.fft,
            hop_length=front_end.hop,
            win_length=front_end.frame,
            window=window,
            pad_mode="constant",
        )
    )


def htk_mel(hertz: np.ndarray | float) -> np.ndarray:
    return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)


def linear_to_mel(front_end: FrontEnd) -> np.ndarray:
    """What tf.signal.linear_to_mel_weight_matrix documents: triangles linear in mel, (bands, bins).

    The bands' corners are equally far apart in mel; the bin at 0 Hz counts nowhere.
    """
    bins = htk_mel(np.linspace(0, front_end.sample_rate / 2, front_end.fft // 2 + 1))
    edges = np.linspace(htk_mel(front_end.fmin), htk_mel(front_end.fmax), front_end.bands + 2)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    weights = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    weights[:, 0] = 0
    return np.maximum(weights, 0)


def filters_of(front_end: FrontEnd) -> np.ndarray:
    """Weights of the bands: (bands, bins)."""
    if front_end.mel_scale == "none":
        return np.eye(front_end.bands, front_end.fft // 2 + 1)
    if front_end.mel_triangles == "mel":
        return linear_to_mel(front_end)
    return librosa.filters.mel(
        sr=front_end.sample_rate,
        n_fft=front_end.fft,
        n_mels=front_end.bands,
        fmin=front_end.fmin,
        fmax=front_end.fmax,
        htk=front_end.mel_scale == "htk",
        norm="slaney" if front_end.mel_norm == "slaney" else None,
        dtype=np.float64,
    )


def librosa_mel(y: np.ndarray, front_end: FrontEnd) -> np.ndarray:
    """The same spectrogram by librosa and numpy, in double precision: (frames, bands)."""
    magnitude = spectrum_of(y, front_end)
    spectrum = magnitude**2 if front_end.spectrum == "power" else magnitude
    mel = (filters_of(front_end) @ spectrum).T
    mel = mel ** {"one": 1.0, "two": 2.0, "half": 0.5}[front_end.exponent]
    if front_end.log == "log10-1p":
        return np.log10(1 + front_end.log_scale * mel)
    if front_end.log == "log-offset":
        return np.log(mel + front_end.log_offset)
    if front_end.log == "log-floor":
        return np.log(np.maximum(mel, front_end.log_floor))
    if front_end.log == "log-zero":
        return np.log(np.where(mel == 0, front_end.log_floor, mel))
    if front_end.log == "db":
        factor = 10 if front_end.spectrum == "power" else 20
        return factor * np.log10(np.maximum(mel, front_end.log_floor))
    return mel


def test_musicnn_equals_librosa_on_real_recordings(clips):
    for path in sorted(clips.glob("*.ogg")):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        y = soxr.resample(samples.mean(1), rate, 16000, "VHQ").astype(np.float32)
        expected = librosa_mel(y, PRESETS["musicnn"])
        mel = pyplugin.melspectrogram(y, 16000)
        assert mel.shape == expected.shape
        assert mel.dtype == np.float32
        np.testing.assert_allclose(mel, expected, atol=1e-4, err_msg=path.name)


# In a process of its own: Essentia and TensorFlow bring each a TensorFlow that bears no other.
ESSENTIA = """
import sys
import essentia.standard as essentia
import numpy as np

samples = np.load(sys.argv[1])
compute = essentia.TensorflowInputMusiCNN()
frames = essentia.FrameGenerator(samples, frameSize=512, hopSize=256)
np.save(sys.argv[2], np.array([compute(frame) for frame in frames]))
"""


def test_symmetric_window_equals_essentia(clips, tmp_path):
    if importlib.util.find_spec("essentia") is None:
        pytest.skip("essentia is not installed (extra: oracle)")
    for path in sorted(clips.glob("*.ogg")):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        y = soxr.resample(samples.mean(1), rate, 16000, "VHQ").astype(np.float32)
        given, made = tmp_path / "given.npy", tmp_path / "made.npy"
        np.save(given, y)
        command = [sys.executable, "-c", ESSENTIA, given, made]
        subprocess.run(command, check=True, capture_output=True)
        expected = np.load(made)
        mel = pyplugin.melspectrogram(y, 16000, "essentia-musicnn")
        count = min(len(mel), len(expected))
        assert count >= len(expected) - 1
        np.testing.assert_allclose(mel[:count], expected[:count], atol=5e-4, err_msg=path.name)


def variants() -> list[FrontEnd]:
    base = structs.asdict(PRESETS["musicnn"])
    changes = [
        {"fft": 256, "frame": 256, "hop": 100, "bands": 20},
        {"fft": 512, "frame": 400, "hop": 160, "bands": 64, "window": "hann-symmetric"},
        {"fft": 1024, "frame": 1024, "hop": 512, "mel_scale": "htk", "log": "db"},
        {"fft": 2048, "frame": 2047, "hop": 2047, "mel_norm": "none", "log": "none"},
        {"fft": 4096, "frame": 4096, "hop": 1024, "bands": 128, "spectrum": "magnitude"},
        {"sample_rate": 44100, "fft": 2048, "frame": 2048, "fmin": 50.0, "fmax": 20000.0},
        {"spectrum": "magnitude", "log": "db", "log_floor": 1e-5},
        {"mel_scale": "htk", "mel_norm": "none", "log": "log-offset", "log_offset": 0.01},
        {"mel_scale": "htk", "mel_norm": "none", "mel_triangles": "mel", "log": "log-floor"},
        {"mel_scale": "none", "bands": 257, "log": "log-floor", "log_floor": 1e-6},
        {"mel_scale": "none", "bands": 100, "spectrum": "magnitude", "log": "log10-1p"},
        {"framing": "from-zero", "frame": 400, "hop": 160, "exponent": "half", "log": "db"},
        {"exponent": "two", "log": "log-zero", "log_floor": 1e-6},
        *(
            {"sample_rate": rate, "fmax": rate / 2, "hop": 128}
            for rate in (8000, 11025, 12000, 22050, 32000, 48000)
        ),
    ]
    return [FrontEnd(**{**base, **change}) for change in changes] + list(PRESETS.values())


@pytest.mark.filterwarnings("ignore:Empty filters")
@pytest.mark.parametrize("front_end", variants())
def test_every_setting_equals_librosa(front_end):
    y = music(1.5, front_end.sample_rate)[0]
    expected = librosa_mel(y, front_end)
    if front_end.log == "none":  # no logarithm to compress the range
        np.testing.assert_allclose(
            pyplugin.melspectrogram(y, front_end.sample_rate, front_end),
            expected,
            rtol=1e-4,
            atol=1e-6 * expected.max(),
        )
        return
    mel = pyplugin.melspectrogram(y, front_end.sample_rate, front_end)
    if front_end.mel_scale == "none":  # rounding is relative to the loudest bin
        assert mel.shape == expected.shape
        assert np.quantile(np.abs(mel - expected), 0.999) < 1e-3
        return
    loose = front_end.log == "db" or front_end.exponent == "two"
    np.testing.assert_allclose(mel, expected, atol=1e-3 if loose else 1e-4)


def test_triangles_are_tensorflows() -> None:
    tensorflow = pytest.importorskip("tensorflow", reason="needs tensorflow")
    for name in ("vggish", "yamnet"):
        end = PRESETS[name]
        matrix = tensorflow.signal.linear_to_mel_weight_matrix(
            end.bands, end.fft // 2 + 1, end.sample_rate, end.fmin, end.fmax
        )
        np.testing.assert_allclose(matrix.numpy().T, linear_to_mel(end), atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    rate=st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000, 12345]),
    channels=st.integers(1, 8),
    sizes=st.lists(st.integers(0, 5000), min_size=1, max_size=12),
)
def test_blocks_of_any_size_give_the_same_frames_bit_for_bit(rate, channels, sizes):
    x = music(0.5, rate, channels)
    whole = pyplugin.melspectrogram(x, rate)
    parts, at = [], 0
    with FrontEndStream(PRESETS["musicnn"], rate, channels) as stream:
        while at < x.shape[1]:
            size = sizes[len(parts) % len(sizes)] or 1
            parts.append(stream.process(x[:, at : at + size]))
            at += size
        parts.append(stream.flush())
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_channels_are_averaged():
    x = music(0.5, 16000, 3)
    expected = librosa_mel(x.astype(np.float64).mean(0), PRESETS["musicnn"])
    np.testing.assert_allclose(pyplugin.melspectrogram(x, 16000), expected, atol=1e-4)


def test_nan_and_infinite_samples_count_as_zero():
    x = music(0.5, 16000)
    broken = x.copy()
    broken[0, [100, 3000, 7777]] = [np.nan, np.inf, -np.inf]
    x[0, [100, 3000, 7777]] = 0
    np.testing.assert_array_equal(
        pyplugin.melspectrogram(broken, 16000), pyplugin.melspectrogram(x, 16000)
    )


def test_samples_of_absurd_size_give_finite_frames():
    x = np.full(16000, 3e38, np.float32)
    x[::2] *= -1
    assert np.isfinite(pyplugin.melspectrogram(x, 16000)).all()


@pytest.mark.parametrize("samples", [0, 1, 399, 400, 401, 559, 560, 1000])
@pytest.mark.parametrize("rate", [16000, 44100, 8000])
def test_frames_that_begin_at_0_end_within_the_signal(samples, rate):
    length = -(-samples * 16000 // rate)
    frames = pyplugin.melspectrogram(np.zeros(samples), rate, "yamnet")
    assert len(frames) == (1 + (length - 400) // 160 if length >= 400 else 0)


@pytest.mark.parametrize("samples", [0, 1, 255, 256, 257, 511, 512, 513])
def test_number_of_frames_is_librosas(samples):
    assert len(pyplugin.melspectrogram(np.zeros(samples), 16000)) == 1 + samples // 256


def resample(x: np.ndarray, source: int, target: int) -> np.ndarray:
    x = np.ascontiguousarray(x, np.float32)
    y = np.empty(-(-len(x) * target // source), np.float32)
    status = lib.tagnode_resample(
        ffi.cast("float *", ffi.from_buffer(x)),
        len(x),
        source,
        target,
        ffi.cast("float *", ffi.from_buffer(y)),
        ffi.NULL,
    )
    assert status == lib.TAGNODE_OK
    return y


RATES = [
    (44100, 16000),
    (48000, 16000),
    (22050, 16000),
    (8000, 16000),
    (192000, 16000),
    (44101, 16000),
    (16000, 44100),
    (44100, 11025),
    (48000, 11025),
    (44100, 12000),
    (48000, 22050),
]


@pytest.mark.parametrize(("source", "target"), RATES)
def test_resampler_is_flat_to_nine_tenths_of_the_lower_nyquist(source, target):
    lower = min(source, target) / 2
    t = np.arange(source)
    for share in (0.01, 0.3, 0.6, 0.85, 0.9):
        y = resample(np.sin(2 * np.pi * share * lower * t / source), source, target)
        middle = y[len(y) // 4 : -len(y) // 4]
        level = 20 * np.log10(np.sqrt(2 * np.mean(middle.astype(np.float64) ** 2)))
        assert abs(level) < 0.1, share


@pytest.mark.parametrize(("source", "target"), [pair for pair in RATES if pair[0] > pair[1]])
def test_resampler_rejects_what_lies_above_the_lower_nyquist_by_90_db(source, target):
    t = np.arange(source)
    for hertz in np.linspace(target / 2, source / 2, 9)[:-1]:
        y = resample(np.sin(2 * np.pi * hertz * t / source), source, target)
        middle = y[len(y) // 4 : -len(y) // 4]
        assert np.abs(middle).max() < 10 ** (-90 / 20), hertz


@pytest.mark.parametrize(("source", "target"), RATES)
def test_resampler_equals_soxr_below_the_transition(source, target):
    # Noise that both pass: band-limited to 0.85 of the lower Nyquist frequency.
    random = np.random.default_rng(3)
    edge = 0.85 * min(source, target) / source
    taps = scipy.signal.firwin(1023, edge, window=("kaiser", 12))
    x = np.convolve(random.standard_normal(source), taps, "same").astype(np.float32)
    expected = soxr.resample(x.astype(np.float64), source, target, "VHQ")
    y = resample(x, source, target)
    inner = slice(2000, min(len(y), len(expected)) - 2000)
    assert np.abs(y[inner] - expected[inner]).max() < 2e-4 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("x", "rate", "words"),
    [
        (np.zeros(10, np.int8), 16000, "int8"),
        (np.zeros((100, 2)), 16000, "transpose"),
        (np.zeros((2, 2, 2)), 16000, "shape"),
        (np.zeros(10), 7999, "8000"),
        (np.zeros(10), 192001, "192000"),
        (np.zeros(10), 44100.5, "44100.5"),
        (np.zeros(10), "44100", "44100"),
    ],
)
def test_wrong_audio_is_refused_with_a_sentence(x, rate, words):
    with pytest.raises(pyplugin.AudioError, match=words):
        pyplugin.melspectrogram(x, rate)


def test_unknown_preset_lists_those_there_are():
    with pytest.raises(pyplugin.PypluginError, match="essentia-musicnn"):
        pyplugin.melspectrogram(np.zeros(10), 16000, "musicn")
