"""Atomic files."""

import pytest

from pyplugin.errors import PypluginError
from pyplugin.support.files import replacing

soundfile = pytest.importorskip("soundfile", reason="needs soundfile")
av = pytest.importorskip("av", reason="needs av")


def test_replacing_raises_the_error_it_is_given(tmp_path):
    class SpecialError(PypluginError):
        pass

    with (
        pytest.raises(SpecialError),
        replacing(tmp_path / "missing" / "a.json", error=SpecialError),
    ):
        pytest.fail("the work began")
