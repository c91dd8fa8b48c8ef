"""What is to be done: each recording has one place, whatever happened to the files."""

from hypothesis import given
from hypothesis import strategies as st

from pyplugin.catalogue.planning import KnownRecording, Tasks, expected_seconds, plan
from pyplugin.catalogue.records import PASSING, FoundRecording
from pyplugin.catalogue.scanning import Scan

PATHS = st.sampled_from([f"/m/{letter}.mp3" for letter in "abcdef"])
STATES = st.tuples(st.integers(1, 3), st.integers(0, 2))
ROWS = st.builds(
    lambda state, problem, vanished: KnownRecording(
        *state, "" if problem else f"content of {state[0]}", problem, vanished
    ),
    STATES,
    st.sampled_from(["", "", "unreadable", "network"]),
    st.booleans(),
)


@given(st.dictionaries(PATHS, STATES), st.dictionaries(PATHS, ROWS), st.booleans())
def test_every_recording_has_one_place(files, known, retry):
    there = Scan([FoundRecording(path, *state) for path, state in files.items()], roots=["/m"])
    made = plan(there, known, lambda path: f"content of {files[path][0]}", retry=retry)
    todo = [each.path for each in made.todo]
    moved = [each.path for each in made.moved.values()]
    assert len(todo) + made.done == len(files)
    assert len(set(todo)) == len(todo)
    assert not set(todo) & set(moved)
    for path, state in files.items():
        row = known.get(path)
        if row is None:
            assert (path in todo) != (path in moved)
        else:
            same = (row.size, row.mtime) == state
            again = row.problem in PASSING or (retry and row.problem)
            assert (path in todo) == (not same or bool(again))
            assert (path in made.stale) == (path in todo)
            assert (path in made.returned) == (path not in todo and row.vanished)
    for path, row in known.items():
        if path not in files:
            assert (path in made.vanished) == (
                not row.problem and not row.vanished and path not in made.moved
            )
    assert all(known[old].content == f"content of {new.size}" for old, new in made.moved.items())
    assert [expected_seconds(each) for each in made.todo] == sorted(
        map(expected_seconds, made.todo), reverse=True
    )


def test_a_folder_that_was_not_searched_keeps_its_recordings():
    made = plan(Scan([], roots=["/other"]), {"/m/a.mp3": KnownRecording(1, 1, "x")}, str)
    assert made.vanished == []


@given(st.lists(st.integers(1, 10**9), max_size=60), st.integers(1, 8))
def test_tasks_have_all_recordings_and_end_small(sizes, workers):
    sizes.sort(reverse=True)
    todo = [FoundRecording(f"{number}.mp3", size, 0) for number, size in enumerate(sizes)]
    tasks = Tasks(todo, workers)
    made = list(tasks)
    assert [each for task in made for each in task] == todo
    assert all(made)
    assert abs(tasks.left) < 1e-3
    for task in made:
        assert len(task) == 1 or sum(map(expected_seconds, task)) <= 60 * 200
