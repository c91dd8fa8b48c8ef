"""Building: whatever interrupts it, what is done is kept, and nothing is done twice."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap

import pytest
import soundfile
from collections_of_sounds import Inline
from helpers import noise

from pyplugin import PypluginError
from pyplugin.catalogue.building import build
from pyplugin.catalogue.processes import ProcessPool
from pyplugin.catalogue.setup import Setup
from pyplugin.catalogue.store import Catalogue


def rows(folder):
    table = Catalogue(folder).read("recordings").drop(["analysed"])
    return sorted(table.to_pylist(), key=lambda row: row["path"])


@pytest.fixture(scope="module")
def plain() -> Setup:
    return Setup.of()


def test_processes_give_the_same_rows(collection, tmp_path, plain):
    progress = build([str(collection)], tmp_path / "a", plain, Inline)
    assert (progress.analysed, progress.failed, progress.left) == (3, 0, 0.0)
    build([str(collection)], tmp_path / "b", plain, lambda setup: ProcessPool(setup, 2))
    assert rows(tmp_path / "a") == rows(tmp_path / "b")


def test_an_interruption_keeps_what_is_done(collection, tmp_path, plain):
    folder = tmp_path / "tags"
    with pytest.raises(KeyboardInterrupt):
        build([str(collection)], folder, plain, lambda setup: Inline(setup, fails=2))
    assert Catalogue(folder).count("recordings") == 2
    progress = build([str(collection)], folder, plain, Inline)
    assert (progress.before, progress.analysed) == (2, 1)


def test_a_kill_loses_one_part_at_most(collection, tmp_path, plain):
    script = f"""
        import os, signal, sys
        sys.path[:0] = {sys.path!r}
        from collections_of_sounds import Inline
        from pyplugin.catalogue import building
        from pyplugin.catalogue.setup import Setup

        class Killed(Inline):
            def run(self, tasks):
                for number, outcome in enumerate(super().run(tasks)):
                    if number == 2:
                        os.kill(os.getpid(), signal.SIGKILL)
                    yield outcome

        building.PART_ROWS = 1
        building.build([{str(collection)!r}], {str(tmp_path / "tags")!r}, Setup.of(), Killed)
        """
    script = script.replace("building.build(", "from pathlib import Path\n        building.build(")
    script = script.replace(f"{str(tmp_path / 'tags')!r}", f"Path({str(tmp_path / 'tags')!r})")
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert Catalogue(tmp_path / "tags").count("recordings") == 2
    assert build([str(collection)], tmp_path / "tags", plain, Inline).analysed == 1


def test_changed_moved_and_vanished_files(collection, tmp_path, plain):
    folder = tmp_path / "tags"
    build([str(collection)], folder, plain, Inline)
    (collection / "tone.ogg").rename(collection / "noises" / "sine.ogg")
    soundfile.write(collection / "chords.flac", noise(1, 40000).T, 22050)
    (collection / "noises" / "hiss.wav").unlink()
    progress = build([str(collection)], folder, plain, Inline)
    assert (progress.analysed, progress.moved, progress.vanished) == (1, 1, 1)
    there = {os.path.relpath(row["path"], collection): row for row in rows(folder)}
    assert sorted(there) == ["chords.flac", "noises/hiss.wav", "noises/sine.ogg"]
    assert there["chords.flac"]["channels"] == 1
    assert [name for name, row in there.items() if row["vanished"]] == ["noises/hiss.wav"]
    progress = build([str(collection)], folder, plain, Inline)
    assert (progress.before, progress.analysed, progress.vanished) == (2, 0, 0)


def test_a_disk_that_is_not_mounted_vanishes_nothing(collection, tmp_path, plain):
    build([str(collection)], tmp_path / "tags", plain, Inline)
    shutil.move(collection, tmp_path / "elsewhere")
    collection.mkdir()
    with pytest.raises(PypluginError, match="is its disk mounted"):
        build([str(collection)], tmp_path / "tags", plain, Inline)
    assert not any(row["vanished"] for row in rows(tmp_path / "tags"))


def test_errors_are_kept_until_the_file_changes(collection, tmp_path, plain):
    folder = tmp_path / "tags"
    (collection / "bad.mp3").write_bytes(b"no sound" * 100)
    assert build([str(collection)], folder, plain, Inline).failed == 1
    progress = build([str(collection)], folder, plain, Inline)
    assert (progress.todo, progress.before) == (0, 4)
    assert build([str(collection)], folder, plain, Inline, retry=True).failed == 1
    shutil.copy(collection / "tone.ogg", collection / "bad.mp3")
    assert build([str(collection)], folder, plain, Inline).analysed == 1
    assert Catalogue(folder).count("errors") == 0


def test_another_setup_is_refused(collection, tmp_path, plain, setup):
    build([str(collection)], tmp_path / "tags", plain, Inline)
    with pytest.raises(PypluginError, match="was made with embedding None"):
        build([str(collection)], tmp_path / "tags", setup, Inline)
