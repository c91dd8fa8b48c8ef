"""Jobs in processes: all are done, and failures are reported."""

import os

import pytest

pytest.importorskip("threadpoolctl", reason="needs threadpoolctl: pip install 'tagnode[train]'")

from pyplugin.errors import PypluginError
from pyplugin.training.processes import run_jobs

state = {"offset": 0}


def prepare(offset: int) -> None:
    state["offset"] = offset


def add(number: int) -> int:
    if number == 13:
        raise PypluginError("Thirteen cannot be added.")
    return number + state["offset"]


def die(number: int) -> int:
    os._exit(1)


@pytest.mark.parametrize("processes", [1, 2])
def test_every_job_is_done_once_and_has_its_result(processes: int) -> None:
    found = dict(run_jobs(add, range(12), processes=processes, prepare=prepare, given=(100,)))
    assert found == {number: number + 100 for number in range(12)}


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_of_a_job_is_raised(processes: int) -> None:
    with pytest.raises(PypluginError, match="Thirteen"):
        list(run_jobs(add, range(20), processes=processes))


def test_a_process_that_ends_by_itself_is_reported() -> None:
    with pytest.raises(PypluginError, match="lack of memory"):
        list(run_jobs(die, range(3), processes=2))
