"""What a node analyses with, decided before the sample rate is known.

Every command and every board resolves its models and heads here, and builds its nodes here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyplugin.errors import ModelError, NotBuiltError, PresetError
from pyplugin.models import registry
from pyplugin.models.heads import Head
from pyplugin.models.heads import load as load_head
from pyplugin.models.recognition import missing_backbone
from pyplugin.models.registry import Model
from pyplugin.models.structs import card_struct
from pyplugin.node.node import DEFAULT_MODEL, Node, descriptors_of
from pyplugin.node.runtimes import open_model
from pyplugin.node.signals import SIGNAL_HOP
from pyplugin.support.descriptors import kind_of, owner_of


@dataclass(frozen=True)
class Plan:
    """Models, heads and timing of nodes that are yet to be built.

    Attributes
    ----------
    models, heads
        Loaded. No model: the nodes only measure.
    hop
        Seconds between two results of a model; ``None`` for its card's default.
    runtime
        As for :class:`pyplugin.Node`.
    signals
        Seconds between two signal frames; 0 for none.

    See Also
    --------
    pyplugin.Node : what it builds.

    Examples
    --------
    >>> plan = Plan.for_descriptors(["tag.speech", "signal.rms_db"], hop=0.5)
    >>> [model.name for model in plan.models]
    ['scene']
    >>> with plan.build(44100, 2, 512) as node:
    ...     node.hop
    0.496
    """

    models: tuple[Model, ...] = ()
    heads: tuple[Head, ...] = ()
    hop: float | None = None
    runtime: str | None = None
    signals: float = 0.0

    @classmethod
    def of(
        cls,
        model: str | Model | None = None,
        heads: Sequence[str | Path | Head] = (),
        *,
        hop: float | None = None,
        runtime: str | None = None,
        signals: float = 0.0,
    ) -> Plan:
        """Return the plan of one model and heads on it.

        Parameters
        ----------
        model
            A name, the path of a model file, or a loaded model; ``None`` for the one that the
            first head was trained on, or the default.
        heads
            Names, paths of .head files, or loaded heads.
        hop, runtime, signals
            See :class:`Plan`.

        Raises
        ------
        ModelError
            A model or head that is missing or damaged.
        """
        loaded = tuple(each if isinstance(each, Head) else load_head(each) for each in heads)
        if model is None:
            model = _backbone(loaded[0]) if loaded else DEFAULT_MODEL
        return cls((_loaded(model),), loaded, hop, runtime, signals)

    @classmethod
    def for_descriptors(
        cls,
        names: Iterable[str],
        *,
        model: str | Model | None = None,
        hop: float | None = None,
        runtime: str | None = None,
        signals: float | None = None,
    ) -> Plan:
        """Return the plan that provides these descriptors.

        Parameters
        ----------
        names
            Of descriptors, full or short.
        model
            Where short names of labels come from; ``None`` for the default.
        hop, runtime
            See :class:`Plan`.
        signals
            Seconds between two signal frames; ``None`` for the usual time where a signal is named,
            otherwise none.

        Raises
        ------
        ModelError
            A model that is missing or damaged.
        PresetError
            A head that is; the sentence names the descriptor.
        """
        wanted, default = list(names), model or DEFAULT_MODEL
        kinds = {kind_of(name) for name in wanted}
        if "head" in kinds and isinstance(default, str) and default.endswith(registry.SUFFIXES):
            default = registry.load(default)  # heads know it by its card's name
        first = default if isinstance(default, str) else default.card.name
        models: dict[str, None] = {}
        heads: dict[str, Head] = {}
        for name in wanted:
            kind, owner = kind_of(name), owner_of(name)
            if kind == "tag" and owner:
                models[owner] = None
            elif kind == "head":
                heads[owner] = heads.get(owner) or _head_of(name, owner)
                models[heads[owner].model] = None
            elif kind not in ("signal", "stem"):
                models[first] = None
        ordered = sorted(models, key=lambda each: each != first)
        runs = {head.model: head for head in heads.values()}
        loaded = tuple(
            _loaded(default)
            if each == first
            else _backbone(runs[each])
            if each in runs
            else _loaded(each)
            for each in ordered
        )
        if signals is None:
            signals = SIGNAL_HOP if kinds & {"signal", "stem"} else 0.0
        return cls(loaded, tuple(heads.values()), hop, runtime, signals)

    @property
    def descriptors(self) -> list[str]:
        """Full names of what models and heads give, in the order of a frame's values."""
        return descriptors_of(self.models, self.heads)

    def check(self) -> None:
        """Open each model once with its runtime, so that what can fail fails now.

        Raises
        ------
        ModelError
            The runtime is missing, or does not take a model.
        """
        for each in self.models:
            open_model(each, card_struct(each.card), self.runtime).close()

    def check_labels(self) -> None:
        """Raise unless a model or a head has labels; nodes without a model need none.

        Raises
        ------
        ModelError
            The models have embeddings only, and there are no heads.
        """
        if self.models and not self.descriptors:
            raise ModelError(
                f"{self.models[0].card.name} has no labels, an embedding only: use it with a head, "
                "or write it with 'tagnode embed'."
            )

    def build(self, sample_rate: int, channels: int, max_block: int, **options: Any) -> Node:
        """Return a node for a stream; ``options`` are those of :class:`pyplugin.Node`.

        Raises
        ------
        AudioError, ModelError, PypluginError
            As :class:`pyplugin.Node`.
        """
        return Node(
            sample_rate,
            channels,
            max_block,
            model=list(self.models) or None,
            heads=self.heads,
            hop=self.hop if self.models else None,
            runtime=self.runtime if self.models else None,
            signals=self.signals or None,
            **options,
        )


def _loaded(model: str | Model) -> Model:
    return model if isinstance(model, Model) else registry.load(model)


def _backbone(head: Head) -> Model:
    """Load the model that a head runs on."""
    head.check_takes_sound()
    try:
        return registry.load(head.model)
    except NotBuiltError:
        raise
    except ModelError as error:
        if any(status.name == head.model for status in registry.available()):
            raise  # it is damaged
        raise ModelError(missing_backbone(head.name, head.model)) from error


def _head_of(descriptor: str, name: str) -> Head:
    try:
        return load_head(name)
    except ModelError as error:
        raise PresetError(f"{descriptor!r}: {error}") from error
