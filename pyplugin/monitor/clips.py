"""Clips: the sound before an alarm, as Opus."""

from __future__ import annotations

import threading
from collections import deque
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pyplugin.errors import PypluginError
from pyplugin.support.arrays import Float32
from pyplugin.support.files import replacing
from pyplugin.support.optional import need

BEFORE = 10.0
"""Seconds before the condition began."""

_LONGEST = 30.0  # seconds from then on
_BIT_RATE = 64_000
_RATE = 48_000  # Hz, of Opus


class PreRoll:
    """Keeps the last seconds of a station; written and read by different threads.

    Parameters
    ----------
    seconds
        Kept at least.

    Examples
    --------
    >>> roll = PreRoll(2.0)
    >>> for second in range(5):
    ...     roll.add(np.full((1, 8000), second / 10, np.float32), 8000, 1000 * (second + 1))
    >>> samples, rate = roll.since(4000)
    >>> samples.shape, rate, round(float(samples.max()) / 32767, 1)
    ((1, 8000), 8000, 0.4)
    """

    def __init__(self, seconds: float = BEFORE + _LONGEST) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._blocks: deque[tuple[int, int, npt.NDArray[np.int16]]] = deque()
        self._kept = 0.0

    def add(self, block: Float32, rate: int, end: int) -> None:
        """Keep a block, (channels, n), which ends at a time in milliseconds of UTC."""
        samples = np.clip(np.rint(block[:2] * 32767), -32768, 32767).astype(np.int16)
        with self._lock:
            if self._blocks and self._blocks[-1][1] != rate:
                self._blocks.clear()
                self._kept = 0.0
            self._blocks.append((end, rate, samples))
            self._kept += samples.shape[1] / rate
            while self._kept - self._blocks[0][2].shape[1] / rate >= self._seconds:
                self._kept -= self._blocks.popleft()[2].shape[1] / rate

    def since(self, time: int) -> tuple[npt.NDArray[np.int16], int]:
        """Return what came after a time, (channels, n), and its rate; nothing: (1, 0) and 48000."""
        with self._lock:
            blocks = [(end, rate, samples) for end, rate, samples in self._blocks if end > time]
        if not blocks:
            return np.zeros((1, 0), np.int16), _RATE
        channels = blocks[-1][2].shape[0]
        parts = [samples for _, _, samples in blocks if samples.shape[0] == channels]
        return np.concatenate(parts, axis=1), blocks[-1][1]


def encode(samples: npt.NDArray[np.int16], rate: int, path: Path) -> None:
    """Write samples, (1 or 2, n), as an Opus file; it is there whole or not at all.

    Raises
    ------
    PypluginError
        It cannot be written.
    """
    av = need("av", package="av", extra="audio", purpose="Clips")
    layout = "mono" if samples.shape[0] == 1 else "stereo"
    with replacing(path) as part, av.open(str(part), "w", format="ogg") as output:
        stream = output.add_stream("libopus", rate=_RATE, layout=layout)
        stream.bit_rate = _BIT_RATE
        frame = av.AudioFrame.from_ndarray(samples, "s16p", layout)
        frame.sample_rate = rate
        frame.time_base = Fraction(1, rate)
        frame.pts = 0
        resampler = av.AudioResampler("flt", layout, _RATE, frame_size=960)
        for each in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(each))
        output.mux(stream.encode(None))


class ClipFolder:
    """A folder of clips that does not grow beyond a size.

    Parameters
    ----------
    folder
        Made when the first clip is written.
    most
        Bytes; the oldest clips go first.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.most = folder, most

    def write(self, name: str, roll: PreRoll, start: int) -> str:
        """Write the clip before an alarm whose condition began then; return its file's name.

        Returns
        -------
        str
            Empty where there is no sound, or no room.
        """
        samples, rate = roll.since(start - round(1000 * BEFORE))
        if not samples.shape[1] or not self.most:
            return ""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            encode(samples, rate, self.folder / f"{name}.opus")
            self._shrink()
        except (OSError, PypluginError):
            return ""
        return f"{name}.opus" if (self.folder / f"{name}.opus").exists() else ""

    def _shrink(self) -> None:
        files = sorted(self.folder.glob("*.opus"), key=lambda path: path.stat().st_mtime_ns)
        sizes = [path.stat().st_size for path in files]
        total = sum(sizes)
        for path, size in zip(files, sizes, strict=True):
            if total <= self.most:
                return
            path.unlink(missing_ok=True)
            total -= size
