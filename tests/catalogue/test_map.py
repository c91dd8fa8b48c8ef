"""The page of a map: complete in itself, with each recording's place, name and address."""

import json
import re
import urllib.parse
from pathlib import Path

from pyplugin.catalogue.map import write_map


def test_the_page_has_all_recordings_and_fetches_nothing(built, tmp_path):
    out = tmp_path / "map.html"
    assert write_map(built, out) == 3
    page = out.read_text(encoding="utf-8")
    text = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    data = json.loads(text[1])
    assert sorted(data["names"]) == ["chords.flac", "hiss.wav", "tone.ogg"]
    files = [Path(urllib.parse.unquote(each.removeprefix("file://"))) for each in data["addresses"]]
    assert all(path.is_file() for path in files)
    assert all(len(data[axis]) == 3 for axis in "xy")
    assert {len(each) for each in data["values"]} == {3}
    assert "noise" in data["labels"]
    assert not re.search(r'(src|href)\s*=\s*"|@import|https?://', page)


def test_a_name_cannot_end_the_data(built, tmp_path, monkeypatch):
    monkeypatch.setattr("pyplugin.catalogue.map.readable", lambda text: "</script><script>alert(1)")
    write_map(built, tmp_path / "map.html")
    assert "</script><script>alert" not in (tmp_path / "map.html").read_text()
