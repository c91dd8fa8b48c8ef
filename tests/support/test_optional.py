"""Optional dependencies: the module, or the command that installs it."""

import sys

import pytest

from pyplugin.errors import AudioError, PypluginError
from pyplugin.support.optional import need


def test_an_installed_module_is_returned():
    import json

    assert need("json", package="json", extra="all", purpose="Reading") is json


@pytest.mark.parametrize(
    ("purpose", "package", "extra"), [("MIDI", "mido", "live"), ("A plot", "matplotlib", "plot")]
)
def test_a_missing_module_names_purpose_package_and_extra(purpose, package, extra):
    with pytest.raises(PypluginError) as caught:
        need("no_such_module", package=package, extra=extra, purpose=purpose)
    text = str(caught.value)
    assert text.startswith(f"{purpose} needs {package}")
    assert f"pip install 'tagnode[{extra}]'" in text


def test_the_error_has_the_given_class():
    with pytest.raises(AudioError):
        need("no_such_module", package="x", extra="audio", purpose="Audio", error=AudioError)


def test_a_module_whose_shared_library_is_missing_is_reported(tmp_path, monkeypatch):
    (tmp_path / "needs_a_library.py").write_text("raise OSError('libmissing.so: cannot open')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "needs_a_library", raising=False)
    with pytest.raises(PypluginError, match=r"libmissing\.so"):
        need("needs_a_library", package="x", extra="audio", purpose="Audio")
