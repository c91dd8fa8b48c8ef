"""A Dask cluster gives the rows of the process pool, and its failures are explained."""

import os
import select
import signal
import threading

import pytest
from collections_of_sounds import Inline

from pyplugin import PypluginError
from pyplugin.catalogue import cluster as module
from pyplugin.catalogue.building import build
from pyplugin.catalogue.records import FoundRecording, RecordingAnalysis
from pyplugin.catalogue.setup import Setup
from pyplugin.catalogue.store import Catalogue

distributed = pytest.importorskip("distributed", reason="needs distributed")
pytestmark = [
    pytest.mark.xdist_group("a Dask cluster"),
    pytest.mark.filterwarnings("ignore"),  # of its threads and sockets
]


def found(path) -> FoundRecording:
    status = path.stat()
    return FoundRecording(str(path), status.st_size, status.st_mtime_ns // 1000)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd_open of Linux")
def test_processes_of_a_cluster(collection, tmp_path):
    poison = tmp_path / "poison.wav"
    os.mkfifo(poison)  # a worker that opens it waits until it is killed
    setup = Setup.of()
    with module.Cluster(setup, workers=1) as cluster:
        made = build([str(collection)], tmp_path / "tags", setup, lambda setup: _kept(cluster))
        assert made.analysed == 3
        task = [found(collection / "tone.ogg"), FoundRecording(str(poison), 10, None)]
        outcomes = cluster.run([task])
        killer = _killing(poison, cluster)
        kinds = {each.found.path: getattr(each.result, "kind", "") for each in outcomes}
        killer.join()
    assert kinds == {str(collection / "tone.ogg"): "", str(poison): "worker"}
    build([str(collection)], tmp_path / "inline", setup, Inline)
    tables = [
        Catalogue(tmp_path / name).read("recordings").drop(["analysed"]).sort_by("path")
        for name in ("tags", "inline")
    ]
    assert tables[0].to_pylist() == tables[1].to_pylist()


class _kept:  # noqa: N801 - lends an engine that another one closes
    def __init__(self, engine):
        self.workers, self.run = engine.workers, engine.run

    def close(self):
        pass


def _killing(poison, cluster):
    """Kill the worker that opens a file, twice."""

    def kill():
        for _ in range(2):
            with poison.open("wb"):  # returns once a worker has opened it
                for pid in cluster._client.run(os.getpid).values():
                    handle = os.pidfd_open(pid)
                    os.kill(pid, signal.SIGKILL)
                    select.select([handle], [], [])  # until it has ended
                    os.close(handle)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


@pytest.fixture
def scheduler():
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
        protocol="tcp://",
    ) as made:
        yield made


def test_any_scheduler_by_its_address(scheduler, collection):
    with module.Cluster(Setup.of(), scheduler.scheduler_address) as cluster:
        assert cluster.workers == 2
        names = ("tone.ogg", "chords.flac", "noises/hiss.wav")
        outcomes = list(cluster.run([[found(collection / name)] for name in names]))
    assert all(isinstance(each.result, RecordingAnalysis) for each in outcomes)
    assert len(outcomes) == 3


def test_workers_of_another_version_are_refused_with_both(scheduler, monkeypatch):
    monkeypatch.setattr(module, "_ours", lambda: "99.0")
    with pytest.raises(PypluginError, match=r"has tagnode \d.*this is tagnode 99\.0"):
        module.Cluster(Setup.of(), scheduler.scheduler_address)


def test_a_scheduler_that_goes_away_is_reported(scheduler, collection, monkeypatch):
    monkeypatch.setattr(module, "_LOOK", 0.2)
    task = [found(collection / "tone.ogg")]
    with module.Cluster(Setup.of(), scheduler.scheduler_address) as cluster:

        def tasks():
            yield task
            scheduler.close()
            yield task

        with pytest.raises(PypluginError, match=r"has gone away\. What is done is kept"):
            list(cluster.run(tasks()))


def test_a_scheduler_that_is_not_there_is_reported(monkeypatch):
    monkeypatch.setattr(module, "_CONNECT", 0.5)
    with pytest.raises(PypluginError, match=r"no scheduler at tcp://127\.0\.0\.1:9"):
        module.Cluster(Setup.of(), "tcp://127.0.0.1:9")
