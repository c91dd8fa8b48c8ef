"""The JSON Schema of presets: the published one, and what it accepts as the parser does."""

import json
import sys

import pytest
from preset_cases import GOOD, WRONG

from pyplugin.automation.presets import shipped_folder, shipped_presets
from pyplugin.automation.schema import preset_schema

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture(scope="module")
def schema():
    return preset_schema()


@pytest.fixture(scope="module")
def valid(schema, json_schemas):
    validator = json_schemas(schema)
    return lambda text: validator.is_valid(tomllib.loads(text))


def test_the_published_schema_is_that_of_the_code(schema):
    published = json.loads((shipped_folder() / "preset.schema.json").read_text())
    made_with = published.pop("$comment")
    if made_with != schema.pop("$comment"):
        pytest.skip(f"the published schema is of {made_with}, another one is installed")
    assert published == schema


@pytest.mark.parametrize("name", sorted(shipped_presets()))
def test_shipped_presets_follow_the_schema(schema, json_schemas, name):
    json_schemas(schema).validate(tomllib.loads(shipped_presets()[name].read_text()))


@pytest.mark.parametrize(("old", "new", "line", "words"), WRONG)
def test_the_schema_refuses_what_the_parser_refuses(valid, old, new, line, words):
    assert valid(GOOD)
    elsewhere = ("rom.wet_level", "room.wetlevel", "hysteresis")  # needs more than one key
    assert valid(GOOD.replace(old, new, 1)) == any(part in new for part in elsewhere)


def test_the_schema_knows_the_range_of_each_parameter(valid):
    assert not valid(GOOD.replace("wet_level = 0.1", "wet_level = 1.1"))
    assert not valid(GOOD.replace("wet_level = 0.1", "wet_level = -0.1"))
    assert valid(GOOD.replace("wet_level = 0.1", "wet_level = 1"))
