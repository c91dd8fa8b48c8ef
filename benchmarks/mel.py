"""One mel frame of MusiCNN: the front-end alone, on a whole signal at the model's rate."""

import os
from collections.abc import Callable

import numpy as np

from benchmarks.machine import version
from benchmarks.measuring import best_seconds, installed, missing
from benchmarks.report import Figure, Row
from pyplugin._native import ffi, lib
from pyplugin.models.structs import frontend_settings
from pyplugin.node.frontend import PRESETS

RATE, FRAME, HOP, BANDS = 16000, 512, 256, 96
SECONDS = 10
INSTRUCTION_SETS = ("avx512", "avx2", "portable")


def measure(*, long: bool = False) -> list[Figure]:
    samples = noise(SECONDS * RATE)
    calls = {f"pyplugin, {isa}": ours(samples, isa) for isa in INSTRUCTION_SETS if has(isa)}
    best = next(iter(calls))
    peers: dict[str, str] = {}
    if installed("librosa"):
        calls[f"librosa {version('librosa')}, whole file"] = librosas(samples)
        peers[list(calls)[-1]] = "librosa"
    if installed("essentia-tensorflow"):
        calls[f"Essentia {version('essentia-tensorflow')}"] = essentias(samples)
        peers[list(calls)[-1]] = "Essentia"
    if installed("kaldi-native-fbank"):
        calls[f"kaldi-native-fbank {version('kaldi-native-fbank')}"] = kaldis(samples)
        peers[list(calls)[-1]] = "kaldi"
    frames = 1 + len(samples) // HOP
    rows = [
        Row(name, seconds / frames * 1e6, peers.get(name, ""))
        for name, seconds in best_seconds(calls, 100).items()
    ]
    for row in rows:
        if row.who == best:
            row.limit = 1.0 if "avx512" in best else None
            row.against = {"librosa": 0.4, "Essentia": 0.15}
    return [
        Figure(
            "mel",
            f"one mel frame, {RATE // 1000} kHz, {FRAME}/{HOP}, {BANDS} bands (least of 100)",
            "µs",
            rows,
            missing("librosa", "essentia-tensorflow", "kaldi-native-fbank"),
        )
    ]


def noise(length: int) -> np.ndarray:
    random = np.random.default_rng(1)
    return (0.1 * random.standard_normal(length)).astype(np.float32)


def has(isa: str) -> bool:
    os.environ["TAGNODE_ISA"] = isa
    found: str = ffi.string(lib.tagnode_frontend_instruction_set()).decode()
    del os.environ["TAGNODE_ISA"]
    return found == isa


def ours(samples: np.ndarray, isa: str) -> Callable[[], object]:
    pointer = ffi.new("tagnode_frontend **")
    os.environ["TAGNODE_ISA"] = isa
    settings = frontend_settings(PRESETS["musicnn"])
    status = lib.tagnode_frontend_create(settings, RATE, 1, pointer, ffi.NULL)
    del os.environ["TAGNODE_ISA"]
    assert status == lib.TAGNODE_OK
    frontend = ffi.gc(pointer[0], lib.tagnode_frontend_destroy)
    mel = np.empty((lib.tagnode_frontend_capacity(frontend, len(samples)), BANDS), np.float32)
    planes = ffi.new("float *[]", [ffi.from_buffer("float[]", samples)])
    output = ffi.from_buffer("float[]", mel)

    def call() -> None:
        lib.tagnode_frontend_reset(frontend)
        lib.tagnode_frontend_process(frontend, planes, len(samples), output)

    return call


def librosas(samples: np.ndarray) -> Callable[[], object]:
    import librosa

    def call() -> object:
        mel = librosa.feature.melspectrogram(
            y=samples, sr=RATE, n_fft=FRAME, hop_length=HOP, n_mels=BANDS, pad_mode="constant"
        )
        return np.log10(10000 * mel + 1)

    return call


def essentias(samples: np.ndarray) -> Callable[[], object]:
    """A loop over frames, as in its documentation; its streaming network is slower."""
    from essentia.standard import FrameGenerator, TensorflowInputMusiCNN

    compute = TensorflowInputMusiCNN()

    def call() -> None:
        for frame in FrameGenerator(samples, frameSize=FRAME, hopSize=HOP):
            compute(frame)

    return call


def kaldis(samples: np.ndarray) -> Callable[[], object]:
    import kaldi_native_fbank

    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.samp_freq = RATE
    options.frame_opts.frame_length_ms = 1000 * FRAME / RATE
    options.frame_opts.frame_shift_ms = 1000 * HOP / RATE
    options.frame_opts.dither = 0
    options.frame_opts.preemph_coeff = 0
    options.frame_opts.remove_dc_offset = False
    options.frame_opts.window_type = "hann"
    options.frame_opts.snip_edges = False
    options.mel_opts.num_bins = BANDS
    options.mel_opts.low_freq = 0
    options.use_energy = False

    def call() -> None:
        fbank = kaldi_native_fbank.OnlineFbank(options)
        fbank.accept_waveform(RATE, samples)
        fbank.input_finished()

    return call
