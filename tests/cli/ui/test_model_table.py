"""What the list of models shows, against cards and nodes; the table of the documentation."""

import math
import re
from pathlib import Path

import pytest

import pyplugin
from pyplugin.cli.ui.model_table import as_lines, as_markdown, cost, model_rows
from pyplugin.models import registry
from pyplugin.models.card import render_card
from pyplugin.models.importers import importer

DOCS = Path(__file__).parents[3] / "docs" / "models.md"


def row_of(name):
    (row,) = model_rows([name])
    return row


def test_a_row_has_the_facts_of_the_card_and_of_the_node():
    row, card = row_of("scene"), registry.info("scene")
    assert (row.labels, row.kind, row.licence) == (len(card.labels), card.type, card.license)
    assert row.size == registry.load("scene").path.stat().st_size
    assert row.window == pytest.approx(card.patch_frames * 256 / 16000)
    with pyplugin.Node(48000, 2, 512) as node:
        assert (row.hop, row.latency) == (node.hop, node.latency.total / 48000)
    assert (row.runtime, row.cpu) == ("inline", {})


def test_a_model_that_is_not_built_has_what_its_importer_knows(monkeypatch, tmp_path):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    row = row_of("musicnn-mtt")
    assert (row.built, row.labels, row.licence) == (False, 50, "ISC")
    assert (row.window, row.latency, row.runtime) == (None, None, "")
    assert "not built" in as_lines([row])[1]


def test_a_float_model_runs_beside_the_callback(probe, monkeypatch, tmp_path):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    (tmp_path / "probe.tflite").write_bytes(probe.model.data)
    (tmp_path / "probe.json").write_text(render_card(probe.model.card))
    (tmp_path / "broken.tflite").write_bytes(b"")
    (tmp_path / "broken.json").write_text("{}")
    assert (row_of("probe").runtime, row_of("probe").labels) == ("worker", 3)
    assert row_of("broken").runtime == ""
    assert any(line.startswith("broken") for line in as_lines(model_rows()))


@pytest.mark.parametrize("hop", [1.0, 0.05])
def test_a_cost_is_a_time(hop):
    assert 0 < cost(registry.load("scene"), "inline", hop=hop) < math.inf


def test_measuring_fills_both_runtimes():
    (row,) = model_rows(["scene"], measure=True)
    assert set(row.cpu) == {"inline", "worker"}
    assert "worker" in as_lines([row])[0]


FIGURES = 2  # columns at the end that are measured


def facts(table: str) -> dict[str, list[str]]:
    """Return the cells of each row by its model, but for those that were measured."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line.startswith("| `")
    ]
    return {row[0].strip("`"): row[1:-FIGURES] for row in rows}


@pytest.fixture(scope="module")
def documented():
    text = DOCS.read_text(encoding="utf-8")
    section = text[text.index("## Choosing") :]
    return facts(re.split(r"\n##+ ", section)[0])


@pytest.mark.usefixtures("musicnn")
def test_the_documents_have_the_table(documented):
    here = facts(as_markdown([row for row in model_rows() if row.name in documented]))
    assert {"scene", "musicnn-mtt"} <= set(here)
    for name, cells in here.items():
        assert documented[name] == cells, name


def test_the_table_has_yamnet_as_it_is_built(documented, yamnet, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(yamnet.path.parent))
    assert facts(as_markdown([row_of("yamnet")]))["yamnet"] == documented["yamnet"]


def test_the_table_has_one_of_each_family_that_is_fetched(documented):
    fetched = [each for each in importer.importers() if each.needs().fetched]
    families = {name.split("-")[0] for each in fetched for name in each.names()}
    families -= {"spleeter"}  # names nothing: docs/stems.md
    assert families | {"scene"} == {name.split("-")[0] for name in documented}
