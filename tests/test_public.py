"""The public interface: every name is documented, with an example; test_doctests.py runs them."""

import doctest
import inspect
import re
from pathlib import Path

import pytest

import pyplugin
from pyplugin import sources

NAMES = [name for name in pyplugin.__all__ if not name.startswith("__") and name != "live"]
PUBLIC = {f"pyplugin.{name}": getattr(pyplugin, name) for name in NAMES} | {
    f"pyplugin.sources.{name}": getattr(sources, name) for name in sources.__all__
}


@pytest.mark.parametrize("name", [name for name in PUBLIC if name != "pyplugin.SIGNALS"])
def test_a_public_name_has_an_example_that_runs(name):
    text = inspect.getdoc(PUBLIC[name]) or ""
    assert "Examples\n--------" in text, f"{name} has no example"
    examples = doctest.DocTestParser().get_examples(text)
    skipped = [each for each in examples if each.options.get(doctest.SKIP)]
    assert len(skipped) < len(examples), f"no example of {name} runs"


@pytest.mark.parametrize(
    "name", [name for name, value in PUBLIC.items() if inspect.isfunction(value)]
)
def test_a_public_function_describes_its_parameters(name):
    text = inspect.getdoc(PUBLIC[name])
    section = text.partition("Parameters\n----------")[2].partition("\n\nReturns")[0]
    described = {
        word.strip()
        for line in section.splitlines()
        if line and not line.startswith(" ")
        for word in line.partition(":")[0].split(",")
    }
    parameters = set(inspect.signature(PUBLIC[name]).parameters)
    assert parameters - {word.lstrip("*") for word in described} == set()


def test_modules_of_the_face_load_when_used():
    assert pyplugin.live.Listener.__module__ == "pyplugin.inputs.devices"
    assert pyplugin.sources.loudness().descriptors == ("signal.loudness_momentary",)
    assert set(pyplugin.__all__) <= set(dir(pyplugin))
    with pytest.raises(AttributeError, match="no attribute 'rms'"):
        _ = pyplugin.rms


def test_no_two_classes_have_one_name():
    package = Path(pyplugin.__file__).parent
    found = [
        match
        for path in package.rglob("*.py")
        for match in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert [name for name in set(found) if found.count(name) > 1] == []
