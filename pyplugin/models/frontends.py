"""Front-ends of well-known models, by name."""

from msgspec.structs import replace

from pyplugin.models.card import FrontEnd


def _mel(**changes: object) -> FrontEnd:
    settings: dict[str, object] = {
        "sample_rate": 16_000,
        "frame": 512,
        "fft": 512,
        "hop": 256,
        "bands": 96,
        "window": "hann-periodic",
        "mel_scale": "slaney",
        "mel_norm": "slaney",
        "spectrum": "power",
        "log": "log10-1p",
        "log_scale": 10_000.0,
        "log_offset": 0.0,
        "log_floor": 1e-10,
        "fmin": 0.0,
        "fmax": 8_000.0,
    }
    return FrontEnd(**(settings | changes))  # type: ignore[arg-type]


_AUDIOSET = _mel(
    frame=400,
    hop=160,
    bands=64,
    mel_scale="htk",
    mel_triangles="mel",
    mel_norm="none",
    spectrum="magnitude",
    log="log-offset",
    log_offset=0.01,
    fmin=125.0,
    fmax=7_500.0,
    framing="from-zero",
)
_TEMPOCNN = _mel(
    sample_rate=11_025,
    frame=1_024,
    fft=1_024,
    hop=512,
    bands=40,
    spectrum="magnitude",
    log="none",
    fmin=20.0,
    fmax=5_000.0,
    patch_norm="z-score",
)
_OPENL3 = _mel(
    sample_rate=48_000,
    frame=2_048,
    fft=2_048,
    hop=242,
    bands=128,
    mel_scale="htk",
    exponent="half",
    log="db",
    fmax=24_000.0,
    patch_norm="relative-db",
)
# 10 log10 of bands of a magnitude, not below 1e-10: 20 log10 of their root, not below 1e-5
_OPENL3_SLANEY = replace(
    _OPENL3, mel_scale="slaney", spectrum="magnitude", log_floor=1e-5, framing="from-zero"
)

PRESETS: dict[str, FrontEnd] = {
    # librosa's settings in musicnn 0.1.0 (extractor.py, configuration.py)
    "musicnn": _mel(),
    # scene from version 5: ten times further down, so that quiet sounds keep their spectrum
    "scene": _mel(log_scale=100_000.0),
    # Essentia's TensorflowInputMusiCNN: the same but for the symmetric window
    "essentia-musicnn": _mel(window="hann-symmetric"),
    # AudioSet's VGGish (tensorflow/models, research/audioset/vggish: mel_features.py,
    # vggish_params.py): 25 ms in 10 ms steps, ln(x + 0.01)
    "vggish": _AUDIOSET,
    # YAMNet (research/audioset/yamnet: features.py, params.py): the same, ln(x + 0.001)
    "yamnet": replace(_AUDIOSET, log_offset=0.001),
    # tempo-cnn 0.0.8 (feature.py, and std_normalizer of classifier.py): the deeptemp, deepsquare,
    # shallowtemp and dt_maz networks
    "tempocnn": _TEMPOCNN,
    # ... max_normalizer: the others, fcn, cnn, ismir2018 and fma2018
    "tempocnn-max": replace(_TEMPOCNN, patch_norm="max"),
    # Essentia's TensorflowInputTempoCNN: the same but for the symmetric window
    "essentia-tempocnn": replace(_TEMPOCNN, window="hann-symmetric"),
    "essentia-tempocnn-max": replace(_TEMPOCNN, window="hann-symmetric", patch_norm="max"),
    # OpenL3 (marl/openl3, models.py) on kapre 0.1.4 (time_frequency.py, backend_keras.py): the
    # root of the mel powers as an amplitude, but in dB as a power. In each window of 1 s, kapre
    # takes its own zeros for what is beyond it, and frames begin 42 samples later.
    "openl3-mel128": _OPENL3,
    "openl3-mel256": replace(_OPENL3, bands=256),
    # OpenL3 from 0.4 on, on kapre 0.3.5 (composed.py, get_melspectrogram_layer), and Essentia's
    # conversions of it: the same weights behind Slaney's mel of the magnitudes
    "openl3-slaney-mel128": _OPENL3_SLANEY,
    "openl3-slaney-mel256": replace(_OPENL3_SLANEY, bands=256),
    "openl3-linear": replace(
        _OPENL3, frame=512, fft=512, bands=257, mel_scale="none", framing="from-zero"
    ),
    # Choi's taggers (keunwoochoi/music-auto_tagging-keras, audio_processor.py; logamplitude of
    # librosa 0.4): the square of the mel powers in dB, at most 80 dB below the patch's maximum
    "choi": _mel(
        sample_rate=12_000,
        exponent="two",
        log="db",
        fmax=6_000.0,
        patch_norm="top-db",
    ),
    # deepsound's genre recognition (deepsound-project/genre-recognition, common.py): ln, with 1e-6
    # for zeros
    "deepsound": _mel(
        sample_rate=22_050,
        frame=2_048,
        fft=2_048,
        hop=1_024,
        bands=128,
        log="log-zero",
        log_floor=1e-6,
        fmax=11_025.0,
    ),
}
"""Settings by the name of the model that they come from."""
