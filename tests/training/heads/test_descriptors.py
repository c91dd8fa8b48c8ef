"""Reading files of Essentia's extractor."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from helpers import music

pytest.importorskip("yaml", reason="YAML needs PyYAML: pip install 'tagnode[train]'")

from extractor_files import content, folder, write

from pyplugin.errors import PypluginError
from pyplugin.training.heads.descriptors import (
    group_of_file,
    read_descriptors,
    read_tables,
    vector_of,
)


def test_json_and_yaml_are_the_same(tmp_path):
    data = content("dark", 1, "Ann")
    files = [read_descriptors(write(tmp_path / name, data)) for name in ("a.json", "a.sig")]
    assert files[0] == files[1]
    assert files[0].descriptors["rhythm.bpm"] == (data["rhythm"]["bpm"],)
    assert files[0].descriptors["tonal.key_edma.scale"] == "major"
    assert len(files[0].descriptors["lowlevel.mfcc.cov"]) == 169
    assert not any(name.startswith("metadata") for name in files[0].descriptors)
    assert files[0].version == "music 2.0, Essentia 2.1-beta6-dev"
    assert files[0].group == "artist: Ann"
    assert group_of_file(tmp_path / "none.json") == ""


def test_numbers_that_are_texts_in_yaml_and_values_that_are_none_in_json(tmp_path):
    (tmp_path / "a.yaml").write_text("lowlevel:\n  x: 1e-05\n  y: [1, -nan]\n  z: inf\n")
    (tmp_path / "a.json").write_text('{"lowlevel": {"x": 1e-05, "y": [1, -nan], "z": inf}}')
    for name in ("a.yaml", "a.json"):
        found = read_descriptors(tmp_path / name).descriptors
        assert found["lowlevel.x"] == (1e-05,)
        assert np.isnan(found["lowlevel.y"][1])
        assert not np.isfinite(found["lowlevel.z"][0])


def test_a_table_has_what_all_files_have(tmp_path):
    paths = [write(tmp_path / f"{n}.json", content("dark", n)) for n in range(6)]
    changed = content("dark", 9)
    changed["lowlevel"]["average_loudness"] = float("nan")
    del changed["tonal"]["thpcp"]
    changed["metadata"]["version"] = {"essentia": "2.1-beta2", "extractor": "music 1.0"}
    paths.append(write(tmp_path / "old.json", changed))
    table = read_tables(paths)
    assert table.used == [*range(7)]
    assert table.rows.shape == (7, sum(table.sizes.values()))
    gone = {"lowlevel.average_loudness", "tonal.thpcp", "rhythm.beats_position"}
    assert not gone & set(table.sizes)
    assert "rhythm.bpm" in table.sizes
    assert "2 descriptors are missing or non-finite in some files" in table.notes[0]
    assert "2 versions of the extractor: music 1.0" in table.notes[1]
    assert table.texts["tonal.key_edma.scale"] == ("major",)
    at = [*table.sizes].index("tonal.key_edma.key")
    column = sum([*table.sizes.values()][:at])
    keys = [read_descriptors(path).descriptors["tonal.key_edma.key"] for path in paths]
    assert [table.texts["tonal.key_edma.key"][int(n)] for n in table.rows[:, column]] == keys
    assert table.texts["tonal.key_edma.key"] == tuple(dict.fromkeys(keys))


def test_files_that_cannot_be_used_are_listed(tmp_path):
    paths = [write(tmp_path / f"{n}.json", content("dark", n)) for n in range(12)]
    paths.append(write(tmp_path / "card.json", {"name": "scene", "labels": []}))
    poor = {"lowlevel": {"average_loudness": 0.5}}
    paths.append(write(tmp_path / "poor.json", poor))
    paths.append(tmp_path / "song.ogg")
    table = read_tables(paths)
    assert table.used == [*range(12)]
    message = "\n".join(table.skipped)
    assert "card.json is not a file of Essentia's extractor: it has no lowlevel" in message
    assert "poor.json (unknown) lacks" in message
    assert "song.ogg is not a file of Essentia's extractor: expected .json, .yaml" in message
    with pytest.raises(PypluginError, match="2 of 5 files cannot be used, too many"):
        read_tables(paths[-5:])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be parsed"),
        ("[1, 2]", "is not a file of Essentia's extractor"),
        ('{"lowlevel": {}}', "has no descriptor with a number"),
        ("[" * 2000, "nested more than 64 levels"),
    ],
)
def test_other_json_is_refused(tmp_path, text, words):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(PypluginError, match=words):
        read_descriptors(tmp_path / "a.json")


def test_a_vector_needs_every_descriptor(tmp_path):
    path = write(tmp_path / "a.json", content("dark", 1))
    file = read_descriptors(path)
    sizes = {"rhythm.bpm": 1, "tonal.hpcp.mean": 36, "tonal.key_edma.scale": 1}
    vector, unknown = vector_of(file, sizes, {"tonal.key_edma.scale": ["minor"]}, path)
    assert vector[0] == file.descriptors["rhythm.bpm"][0]
    assert vector[-1] == 1  # after the last that is known
    assert unknown == ["tonal.key_edma.scale"]
    with pytest.raises(PypluginError, match=r"no usable value of tonal\.hpcp\.mean, x; it must"):
        vector_of(file, {"tonal.hpcp.mean": 12, "x": 1}, {}, path)


def test_files_of_essentia_are_read_as_python_reads_them(tmp_path):
    """The names and values of a pool, from the JSON and the YAML that Essentia writes."""
    if importlib.util.find_spec("essentia") is None:
        pytest.skip("essentia is not installed (extra: oracle)")
    soundfile.write(tmp_path / "a.wav", music(8, 44100, 1).T, 44100)
    script = (
        "import sys, json, numpy, essentia\n"
        "essentia.log.infoActive = essentia.log.warningActive = False\n"
        "import essentia.standard as es\n"
        "pool, _ = es.MusicExtractor()(sys.argv[1] + '/a.wav')\n"
        "for form in ('json', 'yaml'):\n"
        "    es.YamlOutput(filename=f'{sys.argv[1]}/a.{form}', format=form)(pool)\n"
        "kept = {}\n"
        "for name in pool.descriptorNames():\n"
        "    value = pool[name]\n"
        "    if not isinstance(value, str) and not name.startswith('metadata'):\n"
        "        kept[name] = numpy.ravel(value).tolist()\n"
        "    elif isinstance(value, str):\n"
        "        kept[name] = value\n"
        "json.dump(kept, open(sys.argv[1] + '/pool.txt', 'w'))\n"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path], check=True, capture_output=True)
    pool = json.loads((tmp_path / "pool.txt").read_text())
    for name in ("a.json", "a.yaml"):
        found = read_descriptors(tmp_path / name).descriptors
        assert found["tonal.key_edma.key"] == pool["tonal.key_edma.key"]
        assert set(found) == {each for each in pool if not each.startswith("metadata")}
        for each, value in found.items():
            if not isinstance(value, str):
                np.testing.assert_allclose(value, pool[each], rtol=1e-5, err_msg=each)


def test_a_folder_of_both_formats_is_read(tmp_path):
    paths = sorted(folder(tmp_path).rglob("*.*"))
    assert read_tables(paths).used == [*range(len(paths))]
