"""One family of errors, and what the command line makes of each."""

import inspect

import pytest

from pyplugin import errors
from pyplugin.cli import tag
from pyplugin.errors import PypluginError, ReaderGoneError

ALL = [each for _, each in inspect.getmembers(errors, inspect.isclass)]


def test_all_errors_are_of_one_family():
    assert PypluginError in ALL
    assert [each for each in ALL if not issubclass(each, PypluginError)] == []


@pytest.mark.parametrize("kind", [each for each in ALL if each is not ReaderGoneError])
def test_an_error_is_one_sentence_and_an_exit_status(run, monkeypatch, tmp_path, kind):
    def fail(*arguments, **options):
        raise kind("Give another file.")

    monkeypatch.setattr("pyplugin.models.registry.load", fail)
    code, out, err = run("tag", tmp_path / "a.wav")
    assert (out, err) == ("", "tagnode: Give another file.\n")
    assert code == kind.exit_code
    assert code in (1, 2)


@pytest.mark.parametrize("error", [MemoryError(), OSError(28, "No space left on device")])
def test_errors_of_the_system_have_no_traceback(run, monkeypatch, error):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr("pyplugin.models.registry.load", fail)
    code, _, err = run("tag", "a.wav")
    assert code == 1
    assert err.startswith("tagnode: ")
    assert len(err.splitlines()) == 1


def test_control_c_is_status_130(run, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(tag, "check_plan", stop)
    code, out, err = run("tag", "a.wav")
    assert (code, out, err.strip()) == (130, "", "tagnode: Stopped.")
