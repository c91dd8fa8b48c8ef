"""The table of the plugin's parameters as read from C; native/tests/plugin/ids.txt has all ids."""

import re
from hashlib import sha256
from pathlib import Path

import pytest

from pyplugin.daw import parameters
from pyplugin.models import registry
from pyplugin.node.signals import SIGNALS
from pyplugin.support.spelling import slug

IDS = (Path(__file__).parents[2] / "native/tests/plugin/ids.txt").read_text()


def test_parameters_have_the_ids_that_projects_know():
    known = dict(re.findall(r"^parameter (\d+) (\w+) ", IDS, re.MULTILINE))
    assert {str(each.id): symbol for symbol, each in parameters.PARAMETERS.items()} == known
    assert parameters.PARAMETERS["slot1_threshold"].id == 1003
    assert parameters.PARAMETERS["slot3_curve"].choices == {"lin": 0, "log": 1, "exp": 2}
    assert parameters.SLOTS == 8


def test_the_vst3_class_is_the_hash_of_the_uri():
    identity = parameters.IDENTITY
    assert identity.vst3_class == sha256(identity.uri.encode()).hexdigest()[:32].upper()


@pytest.mark.parametrize(
    ("target", "value", "share"),
    [
        ("gain", 0, 0.8),
        ("gain", -48, 0),
        ("low-pass", 20, 0),
        ("low-pass", 20 * 1000**0.5, 0.5),
        ("width", 1, 0.5),
        ("drive", 72, 2),
    ],
)
def test_shares_of_targets(target, value, share):
    assert parameters.TARGETS[target].share(value) == pytest.approx(share)


def test_signals_and_labels_of_known_models_have_numbers_of_their_own():
    names = [f"signal.{name}" for name in SIGNALS]
    names += [
        f"tag.{slug(label)}"
        for label in (*registry.labels("musicnn-mtt"), *registry.labels("musicnn-msd"))
    ]
    numbers = {name: parameters.source_id(name) for name in names}
    assert len(set(numbers.values())) == len(numbers)
    assert all(parameters.source_name(number) == name for name, number in numbers.items())


def test_other_labels_have_the_number_of_their_hash_or_the_next():
    number = parameters.source_id("tag.bird")
    assert number >= 500
    assert parameters.source_name(number) == ""
    assert parameters.numbered(["tag.drums", "tag.bird", "tag.bird"]) == {
        103: "tag.drums",
        number: "tag.bird",
        number + 1: "tag.bird",
    }
