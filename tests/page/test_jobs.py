"""The queue of recordings is bounded, and every recording is deleted."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from frames import until

from pyplugin.errors import AudioError
from pyplugin.page.jobs import FullError, Job, Jobs


def a_file(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(b"x")
    return path


def test_jobs_are_done_in_turn_and_their_files_deleted(tmp_path: Path) -> None:
    order: list[str] = []

    def work(job: Job, report: object) -> dict[str, str]:
        order.append(job.name)
        return {"name": job.name}

    jobs = Jobs(work)
    added = [jobs.add(Job("scene", name, a_file(tmp_path, name))) for name in "abc"]
    jobs.close()
    assert order == ["a", "b", "c"]
    assert [job.result for job in added] == [{"name": name} for name in "abc"]
    assert list(tmp_path.iterdir()) == []
    assert len({job.id for job in added}) == 3


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (AudioError("It is no audio."), "It is no audio."),
        (ValueError("odd"), "The analysis failed: odd."),
    ],
)
def test_what_fails_is_a_sentence_and_the_next_one_is_done(
    error: Exception, problem: str, tmp_path: Path
) -> None:
    def work(job: Job, report: object) -> dict[str, str]:
        if job.name == "bad":
            raise error
        return {}

    jobs = Jobs(work)
    bad, good = (jobs.add(Job("scene", name, tmp_path / name)) for name in ("bad", "good"))
    jobs.close()
    assert (bad.result, bad.problem) == (None, problem)
    assert good.result == {}


def test_a_full_queue_refuses(tmp_path: Path) -> None:
    running, go = threading.Event(), threading.Event()

    def work(job: Job, report: object) -> dict[str, str]:
        running.set()
        go.wait(20)
        return {}

    jobs = Jobs(work)
    jobs.add(Job("scene", "first", tmp_path / "first"))
    assert running.wait(20)
    for number in range(8):
        jobs.add(Job("scene", str(number), tmp_path / str(number)))
    with pytest.raises(FullError, match="8 recordings are waiting"):
        jobs.add(Job("scene", "more", tmp_path / "more"))
    go.set()
    jobs.close()


def test_old_results_are_forgotten(tmp_path: Path) -> None:
    jobs = Jobs(lambda job, report: {})
    added = []
    for number in range(20):
        added.append(jobs.add(Job("scene", str(number), tmp_path / "none")))
        until(lambda: added[-1].done)
    assert jobs.find(added[0].id) is None
    assert jobs.find(added[-1].id) is added[-1]
    jobs.close()
