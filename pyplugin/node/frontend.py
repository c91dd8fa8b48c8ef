"""Log-mel spectrograms, computed by the node's own front-end in C.

:func:`melspectrogram` takes a whole signal, :class:`FrontEndStream` takes blocks.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from pyplugin._native import created, ffi, floats, lib
from pyplugin.errors import AudioError, PypluginError
from pyplugin.models.card import FrontEnd
from pyplugin.models.frontends import PRESETS
from pyplugin.models.structs import frontend_settings
from pyplugin.support.arrays import Float32
from pyplugin.support.closing import Closing

_SCALES = {"int16": (0.0, 32768.0), "int32": (0.0, 2147483648.0), "uint8": (128.0, 128.0)}


def as_planar(x: npt.ArrayLike, *, dtype_strict: bool = False) -> Float32:
    """Return audio as a C-contiguous float32 array (channels, n).

    Parameters
    ----------
    x
        Samples, (n,) or (channels, n): floating point with full scale 1.0, or int16, int32 or
        uint8, which are scaled to it.
    dtype_strict
        Refuse anything but float32.

    Raises
    ------
    AudioError
        Another type, not one or two dimensions, or more than 8 channels (which is also what
        an array laid out as (n, channels) looks like).
    """
    array = np.asarray(x)
    scale = _SCALES.get(array.dtype.name)
    if dtype_strict and array.dtype != np.float32:
        how = "x.astype('float32')"
        if scale is not None:
            zero = f"({how} - {scale[0]:g})" if scale[0] else how
            how = f"{zero} / {scale[1]:g}"
        raise AudioError(
            f"The samples are {array.dtype}; float32 with full scale 1.0 is expected"
            + (f": {how}." if array.dtype.kind == "f" or scale is not None else ".")
        )
    if scale is not None:
        array = (array - np.float32(scale[0])) / np.float32(scale[1])
    elif array.dtype.kind != "f":
        raise AudioError(
            f"The samples are {array.dtype}; float32 or float64 with full scale 1.0, or "
            f"{', '.join(_SCALES)}, is expected."
        )
    if array.ndim == 1:
        array = array[np.newaxis]
    if array.ndim != 2 or not 1 <= array.shape[0] <= lib.TAGNODE_MAX_CHANNELS:
        raise AudioError(
            f"The samples have shape {np.shape(x)}; (n,) or (channels, n) with 1 to "
            f"{lib.TAGNODE_MAX_CHANNELS} channels is expected: transpose (n, channels) first."
        )
    return np.ascontiguousarray(array, dtype=np.float32)


def check_rate(sample_rate: float) -> int:
    """Return the sample rate as a whole number of Hz from 8000 to 192000, or raise AudioError."""
    low, high = lib.TAGNODE_MIN_RATE, lib.TAGNODE_MAX_RATE
    number = isinstance(sample_rate, (int, float, np.integer, np.floating))
    if not number or not (low <= sample_rate <= high and sample_rate == int(sample_rate)):
        raise AudioError(
            f"The sample rate is {sample_rate!r} Hz; a whole number from {low} to {high} is "
            "expected: resample the audio first."
        )
    return int(sample_rate)


def check_format(what: str, sample_rate: int, channels: int) -> None:
    """Raise AudioError, in a sentence on ``what``, for a format that a node cannot take."""
    low, high, most = lib.TAGNODE_MIN_RATE, lib.TAGNODE_MAX_RATE, lib.TAGNODE_MAX_CHANNELS
    if not 1 <= channels <= most:
        raise AudioError(
            f"{what} has {channels} channels; expected 1 to {most}: choose some of them first, "
            "with 'ffmpeg -i IN -ac 2 OUT.wav' for example"
        )
    if not low <= sample_rate <= high:
        raise AudioError(
            f"{what} has a sample rate of {sample_rate} Hz; expected {low} to {high}: resample it "
            "first, with 'ffmpeg -i IN -ar 48000 OUT.wav' for example"
        )


def planes(block: Float32) -> Any:
    """Return an array of pointers to the channels of a block, for C."""
    return ffi.new("float *[]", [floats(channel) for channel in block])


class FrontEndStream(Closing):
    """A mel spectrogram computed block by block, with memory for one frame.

    Mel frame j is centred on sample ``j * hop`` of the signal at the model's rate, or begins there
    where the settings' ``framing`` is ``"from-zero"``; the signal is zero before its first sample.
    Patches are not normalised.

    Parameters
    ----------
    front_end
        The settings.
    sample_rate
        Of the input, Hz, a whole number from 8000 to 192000.
    channels
        Of the input, 1 to 8; they are averaged.

    Raises
    ------
    AudioError
        Rate or channels out of range.
    """

    def __init__(self, front_end: FrontEnd, sample_rate: int, channels: int = 1) -> None:
        self.front_end = front_end
        self.sample_rate = check_rate(sample_rate)
        self.channels = channels
        self._samples = 0
        self._frames = 0
        create, destroy = lib.tagnode_frontend_create, lib.tagnode_frontend_destroy
        given = (frontend_settings(front_end), self.sample_rate, channels)
        self._frontend = created("tagnode_frontend", create, destroy, *given, error=AudioError)

    def close(self) -> None:
        """Free the stream's memory now."""
        ffi.release(self._frontend)

    def process(self, block: Float32) -> Float32:
        """Analyse a block (channels, n); return the frames (m, bands) that it completed."""
        if block.ndim != 2 or block.shape[0] != self.channels or block.dtype != np.float32:
            raise AudioError(
                f"The block is {block.dtype} of shape {block.shape}; float32 of shape "
                f"({self.channels}, n) is expected."
            )
        block = np.ascontiguousarray(block)
        length = block.shape[1]
        room = lib.tagnode_frontend_capacity(self._frontend, length)
        mel = np.empty((room, self.front_end.bands), np.float32)
        if length == 0:
            return mel[:0]
        made = lib.tagnode_frontend_process(self._frontend, planes(block), length, floats(mel))
        self._samples += length
        self._frames += made
        return mel[:made].copy()

    def flush(self) -> Float32:
        """Return the last frames (m, bands) of the signal.

        Those that are centred within it, zero-padded at its end; or that end within it, where
        frames begin at their sample.
        """
        rate = self.front_end.sample_rate
        length = -(-self._samples * rate // self.sample_rate)
        missing = frames_within(self.front_end, length) - self._frames
        tail = self.front_end.fft * self.sample_rate // rate + 1
        after = 2 * lib.tagnode_frontend_delay(self._frontend) + tail
        return self.process(np.zeros((self.channels, after), np.float32))[:missing]


def frames_within(front_end: FrontEnd, length: int) -> int:
    """Return the number of mel frames of a signal of `length` samples at the model's rate.

    Examples
    --------
    >>> frames_within(PRESETS["musicnn"], 512), frames_within(PRESETS["vggish"], 560)
    (3, 2)
    """
    if front_end.framing == "centred":
        return 1 + length // front_end.hop
    return max(1 + (length - front_end.frame) // front_end.hop, 0)


def melspectrogram(
    x: npt.ArrayLike, sample_rate: int, preset: str | FrontEnd = "musicnn"
) -> Float32:
    """Compute the log-mel spectrogram that a model takes.

    Parameters
    ----------
    x
        Samples, (n,) or (channels, n) floating point, full scale 1.0. Channels are averaged; NaN
        and infinite samples count as 0.
    sample_rate
        Of ``x``, Hz, a whole number from 8000 to 192000; resampled to the model's.
    preset
        ``"musicnn"`` (96 bands, log10(1 + 10000 x)), ``"essentia-musicnn"``, ``"vggish"``,
        ``"yamnet"`` (64 bands), ``"tempocnn"``, ``"choi"``, ``"deepsound"``, ``"openl3-mel128"``
        or another of `pyplugin.models.frontends.PRESETS`; or the ``front_end`` of a card. The
        normalisation of its patches is left out.

    Returns
    -------
    numpy.ndarray
        (frames, bands) float32; frame j is centred on second ``j * hop / rate`` (62.5 frames a
        second for MusiCNN). The signal is zero-padded on both sides, so that there are
        ``1 + n // hop`` frames. VGGish's, YAMNet's and OpenL3's linear ones begin there, and there
        are as many as end within the signal.

    Raises
    ------
    AudioError
        Samples of another type or shape, or a rate out of range.
    PypluginError
        There is no such preset.

    See Also
    --------
    tag : tags of a recording.
    Node.read_mel : the same of a stream.

    Examples
    --------
    >>> import numpy as np, pyplugin
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    >>> pyplugin.melspectrogram(tone, 16000).shape
    (63, 96)
    """
    if isinstance(preset, str):
        if preset not in PRESETS:
            raise PypluginError(
                f"There is no front-end preset {preset!r}; choose one of {', '.join(PRESETS)}."
            )
        preset = PRESETS[preset]
    samples = as_planar(x)
    with FrontEndStream(preset, sample_rate, samples.shape[0]) as stream:
        return np.concatenate([stream.process(samples), stream.flush()])
