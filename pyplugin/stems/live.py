"""Stems of a live stream: :class:`StemStream`."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass

import numpy as np

from pyplugin.errors import AudioError, ModelError
from pyplugin.stems.network import DEFAULT_MODEL, StemNetwork
from pyplugin.stems.separator import Separator
from pyplugin.support.arrays import Float32
from pyplugin.support.closing import Closing

_SHARE = 0.8  # of the time between two patches that the networks may take


@dataclass(frozen=True)
class _Failed:
    error: Exception


class StemStream(Closing):
    """Blocks of a live stream in, blocks of its stems out, at a constant latency.

    The networks run on a thread of their own. The latency is a patch, and the time between two
    patches, in which the networks run: 20.9 s for patches of 512 spectra with an overlap of 128,
    4.6 s for ``spleeter-2stems-p128``, 3.1 s for ``spleeter-2stems-p64``. A context manager.

    Parameters
    ----------
    sample_rate, channels
        Of the stream; Hz, 1 or 2.
    model
        A model of stems, or a :class:`StemNetwork` that is ready.
    overlap, above
        As for :class:`pyplugin.stems.separator.Separator`.
    waits
        Wait for results that are late instead of returning silence: for streams that wait, too.

    Attributes
    ----------
    latency : int
        Samples from a sample to its stems.
    late : int
        Samples of each stem that were not there when they were due, and are silence.

    Raises
    ------
    AudioError
        A parameter is out of its range.
    ModelError
        The model cannot be used, or this machine is too slow for it; the message has both times.

    Examples
    --------
    >>> from pyplugin.stems.live import StemStream
    >>> with StemStream(48000, 2, model="spleeter-2stems-p64") as stream:  # doctest: +SKIP
    ...     vocals, accompaniment = stream.process(block)
    """

    def __init__(
        self,
        sample_rate: int,
        channels: int,
        *,
        model: str | StemNetwork = DEFAULT_MODEL,
        overlap: int | None = None,
        above: str | None = None,
        waits: bool = False,
    ) -> None:
        network = model if isinstance(model, StemNetwork) else StemNetwork(model)
        self._separator = Separator(
            network,
            sample_rate,
            channels,
            overlap=overlap,
            above=above,  # type: ignore[arg-type] # which checks it
        )
        end = network.front_end
        step = check_speed(network, self._separator.overlap)
        spectra = network.patch + end.frame // end.hop
        whole = spectra * end.hop / end.sample_rate + step
        self.latency = int(np.ceil(whole * sample_rate)) + self._separator.delay
        self.late = 0
        self._waits = waits
        self._shape = (len(network.stems), channels)
        self._ready: queue.SimpleQueue[Float32 | _Failed] = queue.SimpleQueue()
        self._given: queue.SimpleQueue[Float32 | None] = queue.SimpleQueue()
        self._parts: list[Float32] = []  # what has come back
        self._skip = 0  # samples that come back too late
        self._position = 0
        self._thread = threading.Thread(target=self._work, name="stems", daemon=True)
        self._thread.start()

    def process(self, block: Float32) -> Float32:
        """Take a block (channels, n); return that of the stems, `latency` samples earlier.

        Returns
        -------
        ndarray
            (stems, channels, n); silence before the first sample, and where it is late.

        Raises
        ------
        AudioError
            The block has another shape.
        """
        if block.ndim != 2 or block.shape[0] != self._shape[1]:
            raise AudioError(
                f"A block of shape {block.shape} was given; ({self._shape[1]}, samples) is "
                "expected."
            )
        self._given.put(np.array(block, np.float32))
        count = block.shape[1]
        before = min(max(self.latency - self._position, 0), count)
        self._position += count
        while not self._ready.empty() or (self._waits and self._there() < count - before):
            part = self._ready.get()
            if isinstance(part, _Failed):
                raise part.error
            self._parts.append(part)
        result = np.zeros((*self._shape, count), np.float32)
        self._fill(result[:, :, before:])
        return result

    def close(self) -> None:
        """Stop the thread. Closing twice is harmless."""
        self._given.put(None)
        self._thread.join()

    def _there(self) -> int:
        return sum(int(part.shape[2]) for part in self._parts) - self._skip

    def _fill(self, target: Float32) -> None:
        at = 0
        while self._parts and at < target.shape[2]:
            part = self._parts[0]
            late = min(self._skip, part.shape[2])
            self._skip -= late
            taken = part[:, :, late : late + target.shape[2] - at]
            target[:, :, at : at + taken.shape[2]] = taken
            at += taken.shape[2]
            self._parts[0] = part[:, :, late + taken.shape[2] :]
            if not self._parts[0].shape[2]:
                del self._parts[0]
        self.late += target.shape[2] - at
        self._skip += target.shape[2] - at

    def _work(self) -> None:
        try:
            while (block := self._given.get()) is not None:
                samples = self._separator.process(block)
                if samples.shape[2]:
                    self._ready.put(samples)
        except Exception as error:
            self._ready.put(_Failed(error))


def check_speed(network: StemNetwork, overlap: int) -> float:
    """Return the seconds between two patches, in which the networks have to run.

    Raises
    ------
    ModelError
        They take longer on this machine; the message has both times.
    """
    end = network.front_end
    step = (network.patch - overlap) * end.hop / end.sample_rate
    if network.seconds > _SHARE * step:
        raise ModelError(
            f"{network.name} needs {network.seconds:.2f} s for each {step:.2f} s on this machine; "
            f"live it may take {_SHARE * step:.2f} s: use a model of fewer stems, or separate a "
            "recording."
        )
    return step
