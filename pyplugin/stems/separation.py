"""A recording as its stems: :func:`separate`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pyplugin.errors import AudioError, ModelError
from pyplugin.inputs.recording import Recording
from pyplugin.stems.network import DEFAULT_MODEL, StemNetwork
from pyplugin.stems.separator import Above, Separator
from pyplugin.support.arrays import ByValue, Float32
from pyplugin.support.files import sentence
from pyplugin.support.spelling import alternatives, nearest

if TYPE_CHECKING:
    from pyplugin.inputs.files import Source
    from pyplugin.models.model import Model
    from pyplugin.outputs.audio_files import AudioWriter

FORMATS = ("wav", "flac", "ogg")
"""Of the files that are written."""

RESIDUAL = "residual"
"""Name of what the stems leave of the recording."""


@dataclass(frozen=True, eq=False)
class Separation(ByValue):
    """The stems of a recording.

    Attributes
    ----------
    stems
        Samples by name, each of the shape of the recording; empty if they were written to files.
    paths
        Files by the name of the stem; empty if they were not written.
    sample_rate
        Hz.
    duration
        Seconds.
    model
        Its name.
    clipped
        Samples beyond full scale that the files could not hold.
    notes
        Sentences for the user.

    See Also
    --------
    separate : Returns it.

    Examples
    --------
    >>> silence = np.zeros((2, 44100), np.float32)
    >>> Separation({"vocals": silence}, {}, 44100, 1.0, "spleeter-2stems").stems["vocals"].shape
    (2, 44100)
    """

    stems: dict[str, Float32]
    paths: dict[str, Path]
    sample_rate: int
    duration: float
    model: str
    clipped: int = 0
    notes: list[str] = field(default_factory=list)


def separate(
    audio: Source | npt.ArrayLike,
    sample_rate: int | None = None,
    *,
    model: str | Model | StemNetwork = DEFAULT_MODEL,
    stems: Sequence[str] | None = None,
    residual: bool = False,
    out: str | Path | None = None,
    format: str = "wav",
    overlap: int | None = None,
    above: Above | None = None,
    wiener: int = 0,
    threads: int = 1,
    progress: Callable[[float], object] | None = None,
) -> Separation:
    """Separate a recording into stems, such as vocals and accompaniment.

    Memory is constant with ``out``, however long the recording.

    Parameters
    ----------
    audio, sample_rate
        As for :func:`pyplugin.tag`; 1 or 2 channels.
    model
        A model of stems, built by ``tagnode models get``, or a :class:`StemNetwork` that is ready.
    stems
        Names of those that are wanted, also ``"residual"``; ``None`` for all of the model.
    residual
        Add what the stems of the model leave of the recording: all together are the recording.
    out
        A folder: the stems become files in it. They exist only once they are complete.
    format
        Of these files: ``"wav"`` (24 bits), ``"flac"`` (24 bits) or ``"ogg"``.
    overlap, above, wiener
        As for :class:`pyplugin.stems.separator.Separator`.
    threads
        Of the network, 1 to 64.
    progress
        Called with the share read so far, 0 to 1.

    Returns
    -------
    Separation

    Raises
    ------
    AudioError
        The recording cannot be used, or a file cannot be written.
    ModelError
        The model cannot be used, or has no such stem.

    Examples
    --------
    >>> import pyplugin
    >>> result = pyplugin.separate("song.ogg", stems=["vocals"])  # doctest: +SKIP
    >>> result.stems["vocals"].shape  # doctest: +SKIP
    (2, 441000)
    >>> try:
    ...     pyplugin.separate("song.ogg", format="mp3")
    ... except pyplugin.AudioError as error:
    ...     print(error)
    There is no format 'mp3'; wav, flac or ogg is possible.
    """
    if format not in FORMATS:
        raise AudioError(f"There is no format {format!r}; {alternatives(FORMATS)} is possible.")
    network = model if isinstance(model, StemNetwork) else StemNetwork(model, threads=threads)
    wanted = chosen_stems(network, stems, residual=residual)
    report = progress or (lambda share: None)
    with Recording(audio, sample_rate) as source, contextlib.ExitStack() as stack:
        separator = Separator(
            network,
            source.sample_rate,
            source.channels,
            overlap=overlap,
            above=above,
            wiener=wiener,
        )
        paths: dict[str, Path] = {}
        if out is not None:
            paths = {name: Path(out) / f"{name}.{format}" for name in wanted}
        writers = _opened(stack, source, paths)
        kept: dict[str, list[Float32]] = {name: [] for name in wanted}
        for name, samples in _stems(separator, source, wanted, report):
            if writers:
                writers[name].write(samples)
            else:
                kept[name].append(samples)
        notes = list(source.notes)
        if separator.replaced:
            notes.append(f"{separator.replaced} non-finite samples count as 0.")
    joined = (
        {} if writers else {name: np.concatenate(parts, axis=1) for name, parts in kept.items()}
    )
    return Separation(
        stems={name: rows[0] if source.flat else rows for name, rows in joined.items()},
        paths=paths,
        sample_rate=source.sample_rate,
        duration=source.read_samples / source.sample_rate,
        model=network.name,
        clipped=sum(writer.clipped for writer in writers.values()),
        notes=notes,
    )


def chosen_stems(
    network: StemNetwork, stems: Sequence[str] | None, *, residual: bool = False
) -> tuple[str, ...]:
    """Return the names of the stems that are wanted, in the order of the model.

    Raises
    ------
    ModelError
        The model has no such stem.
    """
    known = (*network.stems, RESIDUAL)
    wanted = set(network.stems if stems is None else stems) | ({RESIDUAL} if residual else set())
    for name in wanted:
        if name not in known:
            raise ModelError(f"{network.name} has no stem {name!r}; {nearest(name, known)}")
    if not wanted:
        raise ModelError(f"No stem is wanted; {network.name} has {', '.join(known)}.")
    return tuple(name for name in known if name in wanted)


def stem_blocks(
    separator: Separator, source: Recording, report: Callable[[float], object]
) -> Iterator[tuple[Float32, Float32]]:
    """Yield blocks of a recording (channels, n) with those of all stems (stems, channels, n).

    Non-finite samples are 0 in both.
    """
    held: list[Float32] = []
    for block in source:
        held.append(finite(block))
        yield from _paired(held, separator.process(block))
        report(source.position)
    yield from _paired(held, separator.finish())


def finite(block: Float32) -> Float32:
    """Return a block with 0 for NaN and Inf."""
    if np.isfinite(block).all():
        return block
    return np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)


def _paired(held: list[Float32], stems: Float32) -> Iterator[tuple[Float32, Float32]]:
    """Yield stems with what they are of, which is taken from the beginning of `held`."""
    at = 0
    while at < stems.shape[2]:
        count = min(held[0].shape[1], stems.shape[2] - at)
        yield held[0][:, :count], stems[:, :, at : at + count]
        held[0] = held[0][:, count:]
        if not held[0].shape[1]:
            del held[0]
        at += count


def _stems(
    separator: Separator,
    source: Recording,
    wanted: Sequence[str],
    report: Callable[[float], object],
) -> Iterator[tuple[str, Float32]]:
    names = separator.network.stems
    for mix, stems in stem_blocks(separator, source, report):
        for name in wanted:
            if name != RESIDUAL:
                yield name, stems[names.index(name)]
        if RESIDUAL in wanted:
            yield RESIDUAL, mix - stems.sum(axis=0)


def _opened(
    stack: contextlib.ExitStack, source: Recording, paths: dict[str, Path]
) -> dict[str, AudioWriter]:
    """Open the files; what fails for all of them fails here."""
    from pyplugin.inputs.files import same_file
    from pyplugin.outputs.audio_files import WAV_LIMIT, AudioWriter

    length = (source.duration or 0) * source.sample_rate * source.channels * 3
    writers = {}
    for path in paths.values():
        if path.suffix == ".wav" and length > WAV_LIMIT:
            raise AudioError(f"{path} would pass the 4 GiB of a WAV; choose the format flac.")
        if same_file(source.title, path):
            raise AudioError(f"{path} is the recording itself; choose another folder.")
    for name, path in paths.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = sentence(error)
            raise AudioError(f"The folder {path.parent} cannot be made: {reason}.") from error
        writer = AudioWriter(path, source.sample_rate, source.channels)
        writers[name] = stack.enter_context(writer)
    return writers
