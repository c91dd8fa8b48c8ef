"""Front-ends of well-known models, by name."""

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


PRESETS: dict[str, FrontEnd] = {
    # librosa's settings in musicnn 0.1.0 (extractor.py, configuration.py)
    "musicnn": _mel(),
    # Essentia's TensorflowInputMusiCNN: the same but for the symmetric window
    "essentia-musicnn": _mel(window="hann-symmetric"),
    # AudioSet's VGGish (mel_features.py, vggish_params.py): 25 ms in 10 ms steps, ln(x + 0.01)
    "vggish": _mel(
        frame=400,
        hop=160,
        bands=64,
        mel_scale="htk",
        mel_norm="none",
        spectrum="magnitude",
        log="log-offset",
        log_offset=0.01,
        fmin=125.0,
        fmax=7_500.0,
    ),
}
"""Settings by the name of the model that they come from: ``musicnn``, ``essentia-musicnn`` and
``vggish``."""
