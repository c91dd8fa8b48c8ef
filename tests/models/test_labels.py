"""Where the labels of an imported network come from."""

from pathlib import Path

import pytest

from pyplugin.errors import ModelError
from pyplugin.models.import_options import ImportOptions
from pyplugin.models.labels import labels_of, read_labels
from pyplugin.models.starts import parse_start

HERE = Path("net.pb")


def test_labels_come_from_the_user_the_card_or_what_is_known(tmp_path):
    start = parse_start('{"name": "x", "classes": ["Organ", "organ", "Flute"]}')
    labels, notes = labels_of(HERE, 3, start, None, ImportOptions())
    assert labels == ("Organ", "organ 2", "Flute")
    assert "organ 2" in notes[0]
    path = tmp_path / "labels.txt"
    path.write_text("a\n\nb\nc\n")
    given = ImportOptions(labels=path)
    assert labels_of(HERE, 3, start, None, given) == (("a", "b", "c"), [])
    assert labels_of(HERE, 1, start, None, ImportOptions(known_labels=("z",))) == (("z",), [])
    with pytest.raises(ModelError, match=r"4 values, but .*labels\.txt has 3 labels"):
        labels_of(HERE, 4, start, None, given)
    with pytest.raises(ModelError, match=r"3 values.*--labels"):
        labels_of(HERE, 3, None, None, ImportOptions())


def test_files_of_labels(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text('index,mid,display_name\n0,/m/1,"One, two"\n1,/m/2,Three\n')
    assert read_labels(path) == ("One, two", "Three")
    for content, words in ((b"\xff", "UTF-8"), (b"\n \n", "no labels")):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=words):
            read_labels(path)
