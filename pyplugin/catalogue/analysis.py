"""One recording: decoded once, through all models, in constant memory."""

from __future__ import annotations

import contextlib
import os
import time
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import numpy as np

from pyplugin.catalogue.locations import content_of, is_remote, mtime_of, opened
from pyplugin.catalogue.records import FoundRecording, Outcome, Problem, RecordingAnalysis
from pyplugin.catalogue.setup import PRESENT, TEMPO_EVERY, Setup
from pyplugin.errors import AudioError, StreamError
from pyplugin.inputs.files import Source
from pyplugin.inputs.recording import Recording
from pyplugin.node.node import Node
from pyplugin.node.signals import SIGNALS
from pyplugin.node.windows import analyse_windows, window_seconds
from pyplugin.support.arrays import Float32
from pyplugin.support.closing import Closing
from pyplugin.support.files import sentence
from pyplugin.tempo import overall_tempo

_COLUMNS = {
    name: list(SIGNALS).index(name)
    for name in ("loudness_integrated", "true_peak_db", "tempo_bpm", "tempo_confidence")
}
_NODES = 4  # formats whose nodes are kept
_OFTEN_ENCRYPTED = (".m4p", ".m4b", ".wma", ".asf")
_ENDS = 1 << 20  # bytes at either end of a file in which a sign of encryption is sought
_ENCRYPTED = (b"drms", b"drmi", bytes.fromhex("fbb31122237dd211b7d800a0c955fc6e"))  # MP4, ASF


class Analyser(Closing):
    """Analyses recordings with one setup; a worker has one.

    Nodes are kept for the formats that came last, so that models are prepared once.

    Parameters
    ----------
    setup
        Models and heads.

    Examples
    --------
    >>> import soundfile
    >>> soundfile.write("tone.wav", 0.5 * np.sin(np.arange(48000) / 10), 16000)
    >>> with Analyser(Setup.of()) as analyser:
    ...     result = analyser.analyse("tone.wav")
    >>> result.duration, result.sample_rate, len(result.mean), round(result.true_peak)
    (3.0, 16000, 7, -6)
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._nodes: OrderedDict[tuple[int, int], Node] = OrderedDict()

    def close(self) -> None:
        """Free the nodes."""
        while self._nodes:
            self._nodes.popitem()[1].close()

    def outcome(self, found: FoundRecording) -> Outcome:
        """Analyse a recording, and return what became of it, whatever it was."""
        try:
            result: RecordingAnalysis | Problem = self._checked(found)
        except MemoryError:
            result = Problem("memory", f"'{found.path}' needs more memory than a worker may use")
        except FileNotFoundError:
            result = Problem("missing", f"there is no file '{found.path}' any more")
        except PermissionError as error:
            result = Problem("permission", f"'{found.path}' cannot be read: {sentence(error)}")
        except StreamError as error:
            result = Problem("network", str(error))
        except AudioError as error:
            result = _refused(found, error)
        except OSError as error:
            result = Problem("network", f"'{found.path}' cannot be read: {sentence(error)}")
        except Exception as error:  # of a decoder: the next recording goes on
            result = Problem("unexpected", f"unexpected {type(error).__name__}: {error}")
        return Outcome(found, result)

    def _checked(self, found: FoundRecording) -> RecordingAnalysis | Problem:
        if found.size == 0:
            return Problem("empty", f"'{found.path}' is empty: it has 0 bytes")
        if Path(found.path).suffix.lower() in _OFTEN_ENCRYPTED and _is_encrypted(found.path):
            return Problem("protected", f"'{found.path}' is encrypted (DRM)")
        result = self.analyse(found.path)
        now = mtime_of(found.path)
        if now != (found.size, found.mtime):
            return Problem(
                "changed", f"'{found.path}' changed while it was read; the next build reads it"
            )
        return result

    def analyse(self, path: str) -> RecordingAnalysis:
        """Analyse a recording.

        Parameters
        ----------
        path
            Of a local file, or an address that fsspec opens.

        Raises
        ------
        AudioError
            It cannot be decoded.
        OSError
            It cannot be read.
        """
        begun = time.process_time()
        with opened(path) as file:
            measured = self._measure(file.source)
            content = file.content() if file.content is not None else content_of(path)
        return replace(measured, content=content, cost=time.process_time() - begun)

    def _measure(self, source: Source) -> RecordingAnalysis:
        setup = self._setup
        with Recording(source) as recording:
            node = self._node(recording)
            total = np.zeros(len(setup.descriptors))
            present = np.zeros(len(setup.descriptors))
            largest = np.full(len(setup.descriptors), -np.inf)
            embedded = np.zeros(setup.embedding_size)
            count, kept, signals = 0, [], []
            for frames in analyse_windows(node, recording):
                total += frames.values.sum(axis=0, dtype=np.float64)
                present += (frames.values >= PRESENT).sum(axis=0)
                largest = np.maximum(largest, frames.values.max(axis=0, initial=-np.inf))
                embedded += frames.embeddings.sum(axis=0, dtype=np.float64)[: len(embedded)]
                count += len(frames)
                if setup.windows:
                    kept.append(frames.values)
                measured = node.read_signals()
                inside = measured.end <= max(recording.read_samples, int(measured.end[:1].sum()))
                signals.append(measured.values[inside][:, list(_COLUMNS.values())])
            loudness, peak, bpm, confidence = np.concatenate(signals).T
            sparse = slice(TEMPO_EVERY - 1, None, TEMPO_EVERY)
            tempo, sure = overall_tempo(bpm[sparse], confidence[sparse])
            windows = np.concatenate(kept) if kept else None
            return RecordingAnalysis(
                content="",
                duration=recording.read_samples / recording.sample_rate,
                sample_rate=recording.sample_rate,
                channels=recording.channels,
                loudness=float(loudness[-1]),
                true_peak=float(peak.max()),
                tempo=tempo,
                tempo_confidence=sure,
                mean=_single(total / count),
                max=_single(largest),
                share=_single(present / count),
                embedding=_single(embedded / count) if len(embedded) else None,
                windows=windows,
                starts=None if windows is None else np.arange(count, dtype=np.float64) * node.hop,
                window=window_seconds(node),
                notes=tuple(recording.notes),
            )

    def _node(self, recording: Recording) -> Node:
        form = recording.sample_rate, recording.channels
        node = self._nodes.pop(form, None)
        if node is None:
            if len(self._nodes) >= _NODES:
                self._nodes.popitem(last=False)[1].close()
            node = self._setup.plan.build(
                *form,
                recording.block,
                embedding=self._setup.embedding,
                offline=True,
                whole_windows=True,
            )
        else:
            node.reset()
        self._nodes[form] = node
        return node


def _single(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Float32:
    return values.astype(np.float32)


def _refused(found: FoundRecording, error: AudioError) -> Problem:
    """Return why a file is no recording: what the decoder's sentence does not know comes first."""
    reason = error.__cause__
    if isinstance(reason, PermissionError):
        return Problem("permission", str(error))
    with contextlib.suppress(OSError, ValueError):
        if not Path(found.path).exists() and "://" not in found.path:
            return Problem("missing", f"there is no file '{found.path}' any more")
        if _is_encrypted(found.path):
            return Problem(
                "protected", f"'{found.path}' is encrypted (DRM); no program may read it"
            )
    return Problem("unreadable", str(error))


def _is_encrypted(path: str) -> bool:
    """Return whether a local file says so; may raise OSError."""
    if is_remote(path):
        return False
    with Path(path).open("rb") as file:
        data = file.read(_ENDS)
        file.seek(max(file.seek(0, os.SEEK_END) - _ENDS, 0))
        data += file.read(_ENDS)
    return any(sign in data for sign in _ENCRYPTED)
