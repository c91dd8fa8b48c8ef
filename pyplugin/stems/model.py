"""A model of stems as automation uses it: :class:`SpleeterModel`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from pyplugin.stems.live import StemStream
from pyplugin.stems.network import DEFAULT_MODEL, StemNetwork
from pyplugin.stems.separation import stem_blocks
from pyplugin.stems.separator import Separator
from pyplugin.support.arrays import Float32

if TYPE_CHECKING:
    from pyplugin.automation.stems import StemModel
    from pyplugin.inputs.recording import Recording
    from pyplugin.models.model import Model


class SpleeterModel:
    """Separates stems for automation; a :class:`pyplugin.automation.stems.StemModel`.

    Parameters
    ----------
    model
        A model of stems, or a :class:`StemNetwork` that is ready. It is read when it is first used.
    waits
        Of live streams: as for :class:`pyplugin.stems.live.StemStream`.

    Examples
    --------
    >>> SpleeterModel("spleeter-2stems").stems  # doctest: +SKIP
    ('vocals', 'accompaniment')
    """

    def __init__(
        self, model: str | Model | StemNetwork = DEFAULT_MODEL, *, waits: bool = False
    ) -> None:
        self._given, self._waits = model, waits

    @cached_property
    def network(self) -> StemNetwork:
        """The networks.

        Raises
        ------
        ModelError
            The model cannot be used.
        """
        given = self._given
        return given if isinstance(given, StemNetwork) else StemNetwork(given)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.network.name

    @property
    def stems(self) -> tuple[str, ...]:
        """Their names, in order."""
        return self.network.stems

    def blocks(self, recording: Recording) -> Iterator[tuple[Float32, Float32]]:
        """Yield blocks (channels, n) of a recording with those of stems (stems, channels, n)."""
        separator = Separator(self.network, recording.sample_rate, recording.channels)
        return stem_blocks(separator, recording, lambda share: None)

    def stream(self, sample_rate: int, channels: int) -> StemStream:
        """Return what separates a live stream of a rate in Hz.

        Raises
        ------
        AudioError
            There are more than 2 channels.
        ModelError
            This machine is too slow; the message has both times.
        """
        return StemStream(sample_rate, channels, model=self.network, waits=self._waits)


def stem_model_of(given: str | StemNetwork | StemModel | None) -> StemModel:
    """Return what separates stems, from a name, a network, or itself; ``None`` for the default.

    Examples
    --------
    >>> own = SpleeterModel("spleeter-4stems")
    >>> stem_model_of(own) is own
    True
    """
    if given is None or isinstance(given, (str, StemNetwork)):
        return SpleeterModel(given or DEFAULT_MODEL)
    return given
