"""What runs in a worker of a Dask cluster; needs the package distributed."""

from __future__ import annotations

import threading
from typing import Any

from distributed import WorkerPlugin, get_worker

from pyplugin.catalogue.analysis import Analyser
from pyplugin.catalogue.records import FoundRecording, Outcome
from pyplugin.catalogue.setup import Setup


class Models(WorkerPlugin):  # type: ignore[misc]
    """A worker's models: an analyser for each of its threads, which are loaded once.

    Parameters
    ----------
    setup
        Models and heads.
    name
        By which :func:`analyse` finds it.
    """

    def __init__(self, setup: Setup, name: str) -> None:
        self.name, self.setup_of_models = name, setup
        self._threads: Any = None

    def setup(self, worker: Any) -> None:
        """Begin, in the worker."""
        del worker
        self._threads = threading.local()

    def analyse(self, task: list[FoundRecording]) -> list[Outcome]:
        """Return what becomes of each recording."""
        if not hasattr(self._threads, "analyser"):
            self._threads.analyser = Analyser(self.setup_of_models)
        return [self._threads.analyser.outcome(found) for found in task]


def analyse(name: str, task: list[FoundRecording]) -> list[Outcome]:
    """Analyse the recordings of a task with the models of this name."""
    models = get_worker().plugins[name]
    assert isinstance(models, Models)
    return models.analyse(task)
