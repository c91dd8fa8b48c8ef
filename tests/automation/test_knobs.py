"""Knobs: Python's table, values, presets, schema and pages against libtagnode."""

import dataclasses
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pyplugin
from pyplugin._native import ffi, lib
from pyplugin.automation import knobs, presets, schema
from pyplugin.automation.knobs import COMBINES, KNOBS, Knobs
from pyplugin.automation.sources import Source

DOCS = Path(__file__).parents[2] / "docs"
NUMBERS = [knob for knob in KNOBS.values() if knob.kind == "number"]


def test_the_table_has_the_fields_of_the_mapping_in_their_order():
    fields = [name for name, _ in ffi.typeof("tagnode_mapping").fields]
    assert list(KNOBS) == fields == [each.name for each in dataclasses.fields(Knobs)]


def test_defaults_are_those_of_c():
    usual = lib.tagnode_mapping_default()
    for mapping in (Knobs().mapping(), Knobs(low=None, high=None).mapping()):
        for name in KNOBS:
            assert getattr(mapping, name) == getattr(usual, name)


def test_values_arrive_in_the_mapping_as_floats_and_numbers_of_choices():
    values = {"gate": "below", "curve": "exp", "invert": True, "depth": 0.1, "max": -12, "low": 3}
    mapping = Knobs(**values, hold=7.3).mapping()
    assert (mapping.gate, mapping.curve) == (lib.TAGNODE_GATE_BELOW, lib.TAGNODE_CURVE_EXP)
    assert mapping.invert is True
    assert mapping.depth == np.float32(0.1)
    assert mapping.hold == np.float32(7.3)
    assert (mapping.max, mapping.low, mapping.high) == (-12, 3, 1)


@pytest.mark.parametrize("knob", NUMBERS, ids=lambda knob: knob.name)
def test_limits_are_those_that_c_checks(knob):
    low, high = max(knob.low, -1e30), min(knob.high, 1e30)
    for inside in (low, high, knob.default):
        Knobs(**{knob.name: inside}).mapping()
    beyond = [low - 0.01] * math.isfinite(knob.low) + [high + 0.01] * math.isfinite(knob.high)
    for outside in [*beyond, math.nan, math.inf, -math.inf]:
        with pytest.raises(pyplugin.PresetError, match=f"^{knob.name} is "):
            Knobs(**{knob.name: outside}).mapping()


@pytest.mark.parametrize("knob", KNOBS.values(), ids=lambda knob: knob.name)
def test_a_value_of_the_wrong_type_is_refused(knob):
    for wrong in ("loud", [1], {"choice": 7, "toggle": 1, "number": True}[knob.kind]):
        with pytest.raises(pyplugin.PresetError, match=f"^{knob.name} is "):
            Knobs(**{knob.name: wrong})
        with pytest.raises(pyplugin.PresetError, match=f"^{knob.name} is "):
            Source(("tag.speech",)).set(**{knob.name: wrong})


def test_knobs_are_compared_by_value_and_cannot_change():
    assert Knobs(attack=0.05) == Knobs() != Knobs(low=0)
    assert len({Knobs(hold=1), Knobs(hold=1.0), Knobs()}) == 2
    with pytest.raises(AttributeError):
        Knobs().attack = 1
    with pytest.raises(TypeError, match="smoth"):
        Knobs(smoth=1)


def test_presets_and_schema_have_every_knob():
    keys = [key for key in presets.KEYS if key != "below"]
    assert keys == [name for name in KNOBS if name != "gate"]
    properties = schema.preset_schema()["properties"]["map"]["items"]["properties"]
    assert list(properties) == ["source", "target", "combine", *presets.KEYS]
    for knob in NUMBERS:
        limits = [properties[knob.name].get(each) for each in ("minimum", "maximum")]
        assert limits == [each if math.isfinite(each) else None for each in (knob.low, knob.high)]
    assert properties["curve"]["enum"] == ["lin", "log", "exp"]
    assert properties["combine"]["enum"] == list(COMBINES) == ["sum", "max"]


@pytest.mark.parametrize(("module", "page"), [(knobs, "automation.md"), (presets, "presets.md")])
def test_pages_have_the_table_that_the_module_prints(module, page):
    command = [sys.executable, "-m", module.__name__]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.count("\n") > len(KNOBS)
    assert f"\n\n{printed}\n" in (DOCS / page).read_text(encoding="utf-8")


def test_importing_the_package_does_not_load_the_library():
    code = "import pyplugin, sys; sys.exit('pyplugin._native' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
