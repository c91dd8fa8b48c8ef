"""The node: blocks of audio in, descriptor and signal frames out, at a fixed and known latency.

:class:`Node` wraps libtagnode's. Every position is a count of input samples since the node was made
or reset.
"""

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pyplugin._native import check, ffi, floats, from_struct, lib, message
from pyplugin.errors import AudioError, ModelError, PypluginError
from pyplugin.models import heads as head_files
from pyplugin.models import registry
from pyplugin.models.frontends import PRESETS
from pyplugin.models.heads import Head
from pyplugin.models.layer_outputs import with_layers
from pyplugin.models.registry import Model
from pyplugin.models.structs import card_struct
from pyplugin.node.frontend import check_rate, planes
from pyplugin.node.runtimes import open_model
from pyplugin.node.signals import SIGNALS, SignalFrames, take_signals
from pyplugin.support.arrays import ByValue, Float32, Int64
from pyplugin.support.closing import Closing
from pyplugin.support.descriptors import tag_name

DEFAULT_MODEL = "scene"

_DEFAULTS: Any = lib.tagnode_setup_default()

MAX_BLOCK: int = _DEFAULTS.max_frames
"""Samples a channel that a node takes at once by default."""


class State(IntEnum):
    """Whether the values of a descriptor frame are results of its window.

    Examples
    --------
    >>> import pyplugin
    >>> [state.name for state in pyplugin.State]
    ['WARMING', 'FRESH', 'HELD']
    """

    WARMING = lib.TAGNODE_WARMING
    """A window is not yet full, and the time before the stream is unknown: values are 0."""
    FRESH = lib.TAGNODE_FRESH
    """Values describe the samples from ``start`` to ``end``."""
    HELD = lib.TAGNODE_HELD
    """The result was late: values are those of the last fresh frame."""


@dataclass(frozen=True)
class Latency:
    """Time from a sample to its descriptors in input samples, part by part.

    Attributes
    ----------
    resampler, frontend, compute
        Of the resampler's filter, of the front-end, and for the model's work.
    total
        Their sum, which is ``emitted - end`` of every descriptor frame.

    Examples
    --------
    >>> import pyplugin
    >>> with pyplugin.Node(48000, 2, 512) as node:
    ...     parts = node.latency
    >>> parts.total == parts.resampler + parts.frontend + parts.compute
    True
    """

    resampler: int
    frontend: int
    compute: int
    total: int


@dataclass(frozen=True, eq=False)
class Frames(ByValue):
    """Descriptor frames, one a row, oldest first.

    Attributes
    ----------
    start, end
        (n,) int64: the samples described, ``[start, end)``.
    emitted
        (n,) int64: the position at which the frame became readable; ``emitted - end`` is the
        constant total latency.
    state
        (n,) uint8: see :class:`State`.
    values
        (n, D) float32 in the order of ``Node.descriptors``: activations of the models, then of the
        heads, 0 to 1.
    embeddings
        (n, E) float32 where the node was given an ``embedding`` or ``layers``, otherwise (n, 0).

    Examples
    --------
    >>> import numpy as np, pyplugin
    >>> with pyplugin.Node(16000, 1, 16000, hop=0.5) as node:
    ...     frames = node.process(np.zeros((1, 16000), np.float32))
    ...     bool((frames.emitted - frames.end == node.latency.total).all())
    True
    >>> frames.values.shape
    (2, 7)
    """

    start: Int64
    end: Int64
    emitted: Int64
    state: npt.NDArray[np.uint8]
    values: Float32
    embeddings: Float32

    def __len__(self) -> int:
        return len(self.start)


class Node(Closing):
    """Analyses blocks of audio and returns descriptor frames, and signal frames beside them.

    Parameters
    ----------
    sample_rate
        Hz, a whole number from 8000 to 192000.
    channels
        1 to 8; they are averaged.
    max_block
        Most samples a channel that one :meth:`process` call brings, 1 to 1048576.
    model
        A name of ``tagnode models list``, the path of a model file with its card beside it, or
        a loaded model; or a list of up to 8. Int8 models with the same mel spectrogram share a
        front-end, others have their own: their windows end with the last of their mel frames that
        ends by the first model's. ``None`` runs none: there are signals only.
    heads
        Classifiers on the models' embeddings, up to 32: names, paths of .head files, or
        :class:`pyplugin.models.heads.Head`. They classify the same windows as their models.
    hop
        Seconds between two results, rounded to whole mel frames of the (first) model. With several
        models a list has one for each; ``None``, also in the list, stands for the card's default.
        Descriptor frames are the shortest of them apart, the others are rounded to multiples of
        it, and frames in between repeat a model's last result.
    runtime
        ``"inline"``: in slices within :meth:`process`, for models of the operations that it
        implements and whose work fits in a hop on this machine. ``"litert"`` and
        ``"tflite-runtime"``: on a thread beside it, for any ``.tflite`` model, as
        ``"onnxruntime"`` for an ``.onnx`` one. ``None``: ``"inline"`` for an int8 model whose
        operations it implements, otherwise the first other one installed; for each model by
        itself.
    offline
        Wait in :meth:`process` for the thread, so that results are exact and repeatable. On
        an audio thread leave it ``False``: a result that is late is then held over. The inline
        runtime is exact either way and never waits.
    embedding
        Output of the (first) model to return as ``Frames.embeddings``, ``"penultimate"`` for
        example.
    layers
        Layers of the (first) model to return instead, one after the other: outputs, or any of those
        that ``tagnode models layers`` lists; :attr:`layer_columns` are their places.
    compute_latency
        Seconds for computing a result, 0 to 60; part of the latency. 0.25 by default on a thread;
        the inline runtime takes the time that a hop's work needs, or this if it is longer.
    queue
        Unread descriptor frames that are kept, 2 to 65536; signal frames likewise.
    signals
        Seconds between two signal frames, up to 60, rounded to whole mel frames (of 16 ms for
        MusiCNN), at least one; 0 measures nothing. ``None`` is 0, or one of MusiCNN's mel frames in
        a node without a model.
    silence_db, silence_hold
        Threshold of the signal ``silence``: the rms level in dBFS, -120 to 0, and the seconds that
        it must stay below it, 0 to 3600.
    mel_queue
        Mel frames kept for :meth:`read_mel`, 0 to 65536.
    whole_windows
        Return no result before every window is filled by the stream. ``False``: a model whose card
        has ``silence_before``, such as ``scene``, assumes silence before the stream and has results
        from the first hop on, unless a head uses its embedding that was trained on whole windows
        only (``Head.silence_before``).

    Attributes
    ----------
    latency : Latency
        In input samples, constant.
    models, heads : list
        The loaded models and heads.
    hop : float
        Seconds between two descriptor frames, as rounded; 0 without a model.
    hops : list of float
        Seconds between two results of each model.
    mel_seconds : float
        Seconds between two mel frames.
    first_frames : int
        Mel frames before the first result; 0 without a model.
    runtime : str
        Runtime of the (first) model; ``"none"`` without one.

    Raises
    ------
    AudioError
        Sample rate, channels or block out of range.
    ModelError
        A model or head that does not exist or is damaged, no runtime, an output or a layer that the
        model does not have, or a head for another model.
    PypluginError
        Another argument out of range.

    Examples
    --------
    >>> import numpy as np, pyplugin
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(5 * 512) / 44100).astype(np.float32)
    >>> with pyplugin.Node(44100, 2, 512, hop=0.05) as node:
    ...     for block in np.split(np.stack([tone, tone]), 5, axis=1):
    ...         frames = node.process(block)
    ...     node.descriptors[0], node.counters["position"]
    ('tag.scene.speech', 2560)
    """

    def __init__(
        self,
        sample_rate: int,
        channels: int,
        max_block: int,
        *,
        model: str | Model | Sequence[str | Model] | None = DEFAULT_MODEL,
        heads: Sequence[str | Path | Head] = (),
        hop: float | Sequence[float | None] | None = None,
        runtime: str | None = None,
        offline: bool = False,
        embedding: str | None = None,
        layers: str | Sequence[str] = (),
        compute_latency: float | None = None,
        queue: int = _DEFAULTS.queue,
        signals: float | None = None,
        silence_db: float = _DEFAULTS.silence_db,
        silence_hold: float = _DEFAULTS.silence_hold,
        mel_queue: int = 0,
        whole_windows: bool = False,
    ) -> None:
        self._node: Any = None
        # Of the thread that plays, and of any other; libtagnode itself needs neither of them.
        self._audio, self._main = threading.Lock(), threading.Lock()
        self._lent = False  # to a live stream, which plays it
        self.sample_rate = check_rate(sample_rate)
        self.channels = _whole("channels", channels, 1, lib.TAGNODE_MAX_CHANNELS, AudioError)
        self.max_block = _whole("max_block", max_block, 1, lib.TAGNODE_MAX_BLOCK, AudioError)
        many = [model] if isinstance(model, (str, Model)) else list(model or ())
        if not many and model is not None:
            raise ModelError("The list of models is empty; name at least one, or None.")
        self.models = [registry.load(each) if isinstance(each, str) else each for each in many]
        self.heads = [each if isinstance(each, Head) else head_files.load(each) for each in heads]
        self.layer_columns: dict[str, slice] = {}
        wanted = [layers] if isinstance(layers, str) else list(layers)
        if wanted:
            if embedding is not None:
                raise PypluginError("Give embedding or layers, not both.")
            made = with_layers(self.model, wanted)
            self.models[0], embedding, self.layer_columns = made.model, made.output, made.columns
        placed = self._placed()
        self.patch_frames = max((each.card.patch_frames for each in self.models), default=0)
        front_end = self.model.card.front_end if many else PRESETS["musicnn"]
        mel_hop = front_end.hop / front_end.sample_rate
        each_hop = self._hops_of(hop)
        wrong = [seconds for seconds in each_hop if not 0 < seconds <= lib.TAGNODE_MAX_HOP]
        shortest = wrong[0] if wrong else min(each_hop, default=0.0)  # prepare refuses a wrong one
        if signals is None:
            signals = 0.0 if many else mel_hop
        setup = {
            "sample_rate": self.sample_rate,
            "channels": self.channels,
            "max_frames": self.max_block,
            "hop": shortest,
            "embedding": self._output(embedding),
            "queue": _whole("queue", queue, 2, 65536, PypluginError),
            "offline": offline,
            "signal_hop": signals,
            "silence_db": silence_db,
            "silence_hold": silence_hold,
            "mel_queue": _whole("mel_queue", mel_queue, 0, 65536, PypluginError),
            "whole_windows": whole_windows,
        }
        with contextlib.ExitStack() as opened:
            runs = []
            for each in self.models:
                runs.append(open_model(each, card_struct(each.card), runtime))
                opened.callback(runs[-1].close)
            self.runtime = runs[0].runtime if runs else "none"
            setup["compute_latency"] = (
                _DEFAULTS.compute_latency if compute_latency is None else compute_latency
            )
            tick = max(int(shortest / mel_hop + 0.5), 1) * mel_hop if not wrong else mel_hop
            every = [1 if wrong else max(round(each / tick), 1) for each in each_hop]
            self._prepare(setup, [run.model for run in runs], every, placed)
            self._opened = opened.pop_all()
        self._measures = signals > 0
        self._mel_queue = mel_queue
        self.hop_frames = int(lib.tagnode_hop_frames(self._node))
        self.hop = self.hop_frames * front_end.hop / front_end.sample_rate
        self.hops = [self.hop * number for number in every]
        self.mel_seconds = front_end.hop / front_end.sample_rate
        self.first_frames = int(lib.tagnode_first_frames(self._node))
        self.latency = from_struct(Latency, lib.tagnode_get_latency(self._node))
        self._room = int(self.max_block / (self.hop * self.sample_rate)) + 2 if many else 1

    @property
    def model(self) -> Model:
        """The first model; a node without one raises :class:`ModelError`."""
        if not self.models:
            raise ModelError("This node has no model, only signals.")
        return self.models[0]

    @property
    def labels(self) -> list[str]:
        """Names of the first columns of ``Frames.values``, as the models spell them."""
        return [label for model in self.models for label in model.card.labels]

    @property
    def descriptors(self) -> list[str]:
        """Names of the columns of ``Frames.values``.

        First ``tag.<model>.<label>`` for each label of each model, then ``head.<name>.<label>``.
        """
        return descriptors_of(self.models, self.heads)

    @property
    def head_columns(self) -> dict[str, slice]:
        """Which columns of ``Frames.values`` are each head's, by its name."""
        columns, begin = {}, len(self.labels)
        for head in self.heads:
            columns[head.name] = slice(begin, begin + len(head.labels))
            begin += len(head.labels)
        return columns

    @property
    def signals(self) -> list[str]:
        """Names of the columns of ``SignalFrames.values``, ``signal.<name>``, if it measures."""
        return [f"signal.{name}" for name in SIGNALS] if self._measures else []

    def _hops_of(self, hop: float | Sequence[float | None] | None) -> list[float]:
        """Return the seconds between two results of each model."""
        given = list(hop) if isinstance(hop, Sequence) else [hop] * len(self.models)
        if len(given) != len(self.models):
            raise PypluginError(
                f"There are {len(given)} hops for {len(self.models)} models; give one for each."
            )
        cards = [model.card for model in self.models]
        return [
            card.default_hop if each is None else each
            for card, each in zip(cards, given, strict=True)
        ]

    def _output(self, name: str | None) -> int:
        if name is None:
            return -1
        card = self.model.card
        return card.outputs.index(card.output_named(name))

    def _placed(self) -> list[tuple[int, int]]:
        """Return for each head the index of its model, and of that model's output."""
        names, places = [model.card.name for model in self.models], []
        for index, head in enumerate(self.heads):
            if head.name in [each.name for each in self.heads[:index]]:
                raise ModelError(f"Two heads are called {head.name}; keep one.")
            head.check_takes_sound()
            if head.model not in names:
                given = " and ".join(names) or "no model"
                raise ModelError(
                    f"The head {head.name} is made for the model {head.model}; the node has "
                    f"{given}: give it model={head.model!r}."
                )
            place = names.index(head.model)
            sizes = {output.name: output.size for output in self.models[place].card.outputs}
            if sizes.get(head.output) != head.size:
                have = ", ".join(f"{name} ({size})" for name, size in sizes.items())
                raise ModelError(
                    f"The head {head.name} takes the {head.size} floats of the output "
                    f"{head.output!r}; {head.model} has {have}: train it anew."
                )
            places.append((place, list(sizes).index(head.output)))
        return places

    def _prepare(
        self,
        setup: dict[str, Any],
        models: list[Any],
        every: list[int],
        placed: list[tuple[int, int]],
    ) -> None:
        pointer, why = ffi.new("tagnode **"), message()
        if lib.tagnode_create(pointer) != lib.TAGNODE_OK:
            raise MemoryError("No memory for a node.")
        node = ffi.gc(pointer[0], lib.tagnode_destroy)
        opened = [head_files.open_head(head) for head in self.heads]
        pairs = [(head, *place) for head, place in zip(opened, placed, strict=True)]
        models_given = ffi.new("tagnode_model *[]", models)
        heads_given = ffi.new("tagnode_placed_head[]", pairs)
        shared = ffi.new("uint32_t[]", every)
        given = (models_given, len(models), heads_given, len(pairs), shared)
        parts = ffi.new("tagnode_parts *", given)
        check(lib.tagnode_prepare(node, parts, ffi.new("tagnode_setup *", setup), why), why)
        self._node = node

    def close(self) -> None:
        """Free the node, once calls on other threads have returned. Closing twice is fine."""
        with self._audio, self._main:
            if self._node is not None:
                self._play()
                ffi.release(self._node)
                self._node = None
                self._opened.close()

    def _open(self) -> Any:
        if self._node is None:
            raise PypluginError("The node is closed; make a new one.")
        return self._node

    def _play(self) -> Any:
        if self._lent:
            raise PypluginError(
                "The node belongs to a live stream; only the stream may process or close it."
            )
        return self._open()

    def _lend(self) -> Any:
        """Return C's node for a live stream, which uses it until :meth:`_take_back`."""
        with self._audio:
            node = self._play()
            self._lent = True
            return node

    def _take_back(self) -> None:
        with self._audio:
            self._lent = False

    def process(self, block: Float32) -> Frames:
        """Analyse a block and return the descriptor frames that became readable, often none.

        Parameters
        ----------
        block
            (channels, n) float32, n from 0 to ``max_block``, full scale 1.0. NaN and infinite
            samples count as 0 (see :attr:`counters`).

        Raises
        ------
        AudioError
            A block of another type or shape, or too long.
        PypluginError
            The node is closed.
        """
        self.analyse(block)
        with self._audio:
            return self._read(self._open())

    def analyse(self, block: Float32) -> None:
        """Analyse a block, for callers of :meth:`read`; see :meth:`process`."""
        if not isinstance(block, np.ndarray) or block.dtype != np.float32:
            kind = block.dtype if isinstance(block, np.ndarray) else type(block).__name__
            raise AudioError(
                f"The block is {kind}; a float32 array is expected: x.astype('float32')."
            )
        if block.ndim != 2 or block.shape[0] != self.channels:
            raise AudioError(
                f"The block has shape {block.shape}; ({self.channels}, n) is expected."
            )
        if block.shape[1] > self.max_block:
            raise AudioError(
                f"The block has {block.shape[1]} samples; this node takes at most "
                f"{self.max_block}: cut it, or give Node a larger max_block."
            )
        block = np.ascontiguousarray(block)
        with self._audio:
            node = self._play()
            if block.shape[1] > 0:
                lib.tagnode_process(node, planes(block), block.shape[1])

    def read(self) -> Frames:
        """Return the descriptor frames that became readable, for callers of :meth:`analyse`.

        A program whose audio system calls libtagnode itself reads on another thread.

        Raises
        ------
        PypluginError
            The node is closed.
        """
        with self._audio:
            parts = [self._read(self._open())]
            while len(parts[-1]) == self._room:
                parts.append(self._read(self._open()))
        if len(parts) == 1:
            return parts[0]
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return Frames(*(np.concatenate(column) for column in columns))

    def read_signals(self) -> SignalFrames:
        """Return the signal frames that became readable, after :meth:`process` or beside it.

        Raises
        ------
        PypluginError
            The node is closed.
        """
        with self._audio:
            return take_signals(self._open())

    def read_mel(self) -> Float32:
        """Return the mel frames since the last call, (n, bands), at most ``mel_queue`` of them.

        Raises
        ------
        PypluginError
            The node is closed.
        """
        with self._audio:
            node = self._open()
            mel = np.empty((max(self._mel_queue, 1), lib.tagnode_band_count(node)), np.float32)
            return mel[: lib.tagnode_read_mel(node, floats(mel), len(mel))].copy()

    def _read(self, node: Any) -> Frames:
        room = self._room
        heads = ffi.new("tagnode_frame[]", room)
        values = np.empty((room, lib.tagnode_value_count(node)), np.float32)
        embeddings = np.empty((room, lib.tagnode_embedding_count(node)), np.float32)
        count = lib.tagnode_read(node, heads, floats(values), floats(embeddings), room)
        return Frames(
            start=np.array([heads[i].start for i in range(count)], np.int64),
            end=np.array([heads[i].end for i in range(count)], np.int64),
            emitted=np.array([heads[i].emitted for i in range(count)], np.int64),
            state=np.array([heads[i].state for i in range(count)], np.uint8),
            values=values[:count],
            embeddings=embeddings[:count],
        )

    @property
    def counters(self) -> dict[str, int]:
        """Counts since the start: samples analysed, frames held, samples replaced and others.

        ``position`` (samples), ``mel_frames``, ``fresh``, ``held``, ``late``, ``overruns``,
        ``dropped``, ``replaced``, ``failures``, ``swaps``; tagnode.h defines each.
        """
        counters = lib.tagnode_get_counters(self._open())
        fields = ffi.typeof("tagnode_counters").fields
        return {name: int(getattr(counters, name)) for name, _ in fields}

    def swap(self, model: str | Model, *, index: int = 0) -> None:
        """Replace a model by another inline model while audio is running.

        The new model is prepared here, runs beside the old one until its window is full, and then
        replaces it: no frame is missing, held or out of place. ``counters["swaps"]`` counts it.

        Parameters
        ----------
        model
            With the same front-end, window, and number of labels as the one that it replaces.
        index
            Which of the node's models to replace.

        Raises
        ------
        ModelError
            It cannot be run inline.
        PypluginError
            It does not fit, has another name than the heads of the old one were made for, needs
            more latency than the node has, or the node is closed.
        """
        loaded = registry.load(model) if isinstance(model, str) else model
        old = self.models[index].card.name if 0 <= index < len(self.models) else ""
        for head in self.heads:
            if head.model == old != loaded.card.name:
                raise PypluginError(
                    f"The head {head.name} is made for {old}, not for {loaded.card.name}; make a "
                    "new node."
                )
        if index == 0 and self.layer_columns:
            loaded = with_layers(loaded, list(self.layer_columns)).model
        opened = open_model(loaded, card_struct(loaded.card), "inline")
        why = message()
        try:
            with self._main:
                check(lib.tagnode_swap(self._open(), index, opened.model, why), why)
                self.models[index] = loaded
        finally:
            opened.close()

    def reset(self) -> None:
        """Return to the state after creation; positions and counters start at 0 again."""
        with self._audio:
            lib.tagnode_reset(self._play())


def descriptors_of(models: Sequence[Model], heads: Sequence[Head] = ()) -> list[str]:
    """Return ``tag.<model>.<label>`` for each label, then ``head.<name>.<label>``."""
    tags = [tag_name(label, each.card.name) for each in models for label in each.card.labels]
    return tags + [name for head in heads for name in head.descriptors]


def _whole(name: str, value: int, low: int, high: int, error: type[PypluginError]) -> int:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not low <= value <= high:
        raise error(f"{name} is {value!r}; a whole number from {low} to {high} is expected.")
    return int(value)
