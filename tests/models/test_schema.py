"""The JSON Schema of cards: the published one, and what it accepts as the reader does."""

import json

import pytest
from card_cases import CONTENT, FIELDS, OPTIONAL, changed

from pyplugin.errors import ModelError
from pyplugin.models.card import parse_card
from pyplugin.models.folders import shipped_folder
from pyplugin.models.schema import card_schema


@pytest.fixture(scope="module")
def validator(json_schemas):
    schema = card_schema()
    json_schemas.check_schema(schema)
    return json_schemas(schema)


def test_the_published_schema_is_that_of_the_code():
    published = json.loads((shipped_folder() / "card.schema.json").read_text())
    found = card_schema()
    made_with = published.pop("$comment")
    if made_with != found.pop("$comment"):
        pytest.skip(f"the published schema is of {made_with}, another one is installed")
    assert published == json.loads(json.dumps(found))


def test_cards_follow_the_schema(validator):
    validator.validate(CONTENT)
    validator.validate(json.loads((shipped_folder() / "scene.json").read_text()))


def accepted(text: str) -> bool:
    try:
        parse_card(text)
    except ModelError:
        return False
    return True


@pytest.mark.parametrize("path", FIELDS, ids=str)
def test_the_schema_refuses_a_field_as_the_reader_does(validator, path):
    missing = changed(path, lambda place, key: place.pop(key))
    if path not in (("classes",), ("inference", "log_scale")):  # what another field decides
        assert validator.is_valid(json.loads(missing)) == accepted(missing) == (path in OPTIONAL)
    for bad in (True, -1, ""):
        text = changed(path, lambda place, key, bad=bad: place.update({key: bad}))
        assert not validator.is_valid(json.loads(text)) or accepted(text), bad
    unknown = changed((*path[:-1], "colour"), lambda place, key: place.update({key: "blue"}))
    assert not validator.is_valid(json.loads(unknown))
    assert not accepted(unknown)


def test_meanings_are_those_of_the_docstrings(validator):
    parts = validator.schema["$defs"]
    assert all(part["description"] for part in parts.values())
    card, front_end = parts["Card"]["properties"], parts["FrontEnd"]["properties"]
    assert card["default_hop"]["description"] == (
        "Seconds between two results, unless the caller wants otherwise."
    )
    assert card["classes"]["description"].startswith("One for each element")
    assert front_end["fft"]["description"] == front_end["frame"]["description"]
    assert "Hz" in front_end["sample_rate"]["description"]
