"""Models are opened early, and only LiteRT's banner is removed from stderr."""

import os

import pytest

from pyplugin.cli.ui.suppress_output import _BANNER, check_plan, without_banner
from pyplugin.errors import ModelError
from pyplugin.node.plan import Plan


def test_only_the_banner_is_removed(capfd):
    with without_banner():
        os.write(2, b"first\n" + _BANNER + b"\nlast\n")
    assert capfd.readouterr().err == "first\nlast\n"


def test_stderr_is_restored_after_an_exception(capfd):
    def fail() -> None:
        with without_banner():
            os.write(2, b"before\n")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "before\nafter\n"


def test_a_model_that_can_be_opened_writes_nothing(probe, capfd):
    check_plan(Plan.of(probe.model))
    assert capfd.readouterr() == ("", "")


def test_an_unknown_runtime_is_an_error(probe):
    with pytest.raises(ModelError, match="'none'"):
        check_plan(Plan.of(probe.model, runtime="none"))
