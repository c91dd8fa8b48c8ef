"""The page in Chromium: what is dropped is shown, follows playback, and equals the program's."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import browsing
import numpy as np
import pytest
import soundfile
from browser import PHONE, faults_for_people, wider_than_its_window
from frames import until
from helpers import DATA

import pyplugin
from pyplugin.cli import main
from pyplugin.models import registry
from pyplugin.outputs.export import write_labels
from pyplugin.page.app import PRIVATE, Page
from pyplugin.page.site import Choice, export
from pyplugin.web.access import Access
from pyplugin.web.serving import Serving

CLIP = DATA / "clips/radio-hour.ogg"
MARKUP = "<img src=x onerror=document.title='run'>.ogg"


@pytest.fixture(scope="module")
def menu() -> list[Choice]:
    """Scene, and scene as a model that the WebAssembly cannot run."""
    scene = registry.load("scene")
    refused = Choice("server", "on the server", scene)
    vars(refused)["container"] = None
    return [Choice("scene", "scene", scene), refused]


@pytest.fixture(scope="module")
def server(menu: list[Choice]) -> Iterator[str]:
    browsing.package()
    page = Page(menu, [CLIP], most_mb=3)
    serving = Serving(page.app, "127.0.0.1", 0, extra="page", remedy="no")
    serving.start()
    yield f"http://127.0.0.1:{serving.port}"
    serving.stop()
    page.close()


@pytest.fixture(scope="module")
def host(menu: list[Choice], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The static page on any web host, in a folder of it."""
    browsing.package()
    folder = tmp_path_factory.mktemp("host")
    export(folder / "music", menu)
    with browsing.served(folder) as address:
        yield f"{address}/music/"


@pytest.fixture
def opened(chromium: Any) -> Iterator[Callable[[str], Any]]:
    """Opens the page; in the end nothing came from elsewhere, and nothing was refused or failed."""
    context = chromium.new_context(accept_downloads=True)
    asked: list[str] = []
    problems: list[str] = []
    addresses: list[str] = []

    def opened(address: str) -> Any:
        addresses.append(address.partition("?")[0])
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda line: problems.append(line.text) if "Content Security" in line.text else None,
        )
        page.goto(address)
        page.wait_for_selector("#model:enabled")
        return page

    yield opened
    context.close()
    assert problems == []
    assert [url for url in asked if not url.startswith((*addresses, "blob:", "data:"))] == []


def choose(page: Any, path: Path) -> None:
    page.set_input_files("#file", path)
    page.wait_for_selector("#message:text-matches('analysed by'), #message.problem")
    assert "analysed by" in page.inner_text("#message")


def refused(page: Any, path: Path) -> str:
    page.set_input_files("#file", path)
    page.wait_for_selector("#message.problem", timeout=30_000)
    return str(page.inner_text("#message"))


def download(page: Any, kind: str) -> bytes:
    with page.expect_download() as waiting:
        page.click(f"[data-format={kind}]")
    assert waiting.value.suggested_filename.endswith(f".{kind}")
    return Path(waiting.value.path()).read_bytes()


def program(capsys: pytest.CaptureFixture[str], monkeypatch: Any, *words: str) -> str:
    monkeypatch.setattr("sys.argv", ["tagnode", *words])
    main()
    return capsys.readouterr().out


def recording(kind: str, folder: Path) -> Path:
    """The clip as a file of some kind and rate."""
    if kind == "ogg":
        return CLIP
    samples, _ = soundfile.read(CLIP, frames=441000, dtype="float32", always_2d=True)
    path = folder / f"clip.{kind}"
    rate = {"wav": 48000, "flac": 32000}[kind]  # as if it had been recorded at that rate
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return path


@pytest.mark.parametrize("where", ["server", "host"])
@pytest.mark.parametrize("kind", ["ogg", "wav", "flac"])
def test_the_browser_gives_the_results_of_the_program(
    where: str, kind: str, opened: Any, request: Any, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("TAGNODE_ISA", "portable")  # its front-end is the browser's to the bit
    path = recording(kind, tmp_path)
    page = opened(request.getfixturevalue(where))
    choose(page, path)
    found = [json.loads(line) for line in download(page, "json").splitlines()]
    lines = program(capsys, monkeypatch, "tag", str(path), "--json").splitlines()
    expected = [json.loads(line) for line in lines]
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.pop("source") == path.name
        assert theirs.pop("source") == str(path)
        # Decoders of Vorbis differ in the last bits.
        tolerance = 0.002 if kind == "ogg" else 1e-6
        assert mine.pop("tags") == pytest.approx(theirs.pop("tags"), abs=tolerance)
        assert mine == pytest.approx(theirs)


def test_the_server_gives_the_results_of_the_program(server: str, opened: Any) -> None:
    page = opened(server)
    page.select_option("#model", "on the server")
    choose(page, CLIP)
    found = [json.loads(line)["tags"] for line in download(page, "json").splitlines()]
    expected = pyplugin.tag(CLIP)
    assert [list(each.values()) for each in found] == pytest.approx(expected.activations, abs=0.002)
    assert page.inner_text("#title") == CLIP.name


def test_tables_and_labels_are_those_of_the_program(
    server: str, opened: Any, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    page = opened(server)
    choose(page, CLIP)
    table, labels = tmp_path / "tags.csv", tmp_path / "tags.txt"
    program(capsys, monkeypatch, "tag", str(CLIP), "--csv", str(table), "--labels", str(labels))
    found = list(csv.reader(io.StringIO(download(page, "csv").decode())))
    expected = list(csv.reader(io.StringIO(table.read_bytes().decode())))
    assert found[0] == expected[0]
    assert [row[1:3] for row in found[1:]] == [row[1:3] for row in expected[1:]]
    numbers = [[float(cell) for cell in row[3:]] for row in found[1:]]
    assert numbers == pytest.approx(
        np.array([[float(cell) for cell in row[3:]] for row in expected[1:]]), abs=0.002
    )
    spans = [line.split("\t") for line in download(page, "txt").decode().splitlines()]
    theirs = [line.split("\t") for line in labels.read_text().splitlines()]
    assert [span[2] for span in spans] == [span[2] for span in theirs]
    assert [float(span[0]) for span in spans] == pytest.approx(
        [float(span[0]) for span in theirs], abs=0.11
    )


def test_where_a_token_is_needed_the_page_uses_that_of_its_address(
    menu: list[Choice], opened: Any
) -> None:
    browsing.package()
    page = Page(menu, [CLIP], access=Access("a token", guarded=PRIVATE))
    serving = Serving(page.app, "127.0.0.1", 0, extra="page", remedy="no")
    serving.start()
    try:
        for model in ("scene", "on the server"):
            shown = opened(f"http://127.0.0.1:{serving.port}/?token=a%20token")
            shown.select_option("#model", model)
            shown.select_option("#song", "songs/0")
            shown.wait_for_selector("#message:text-matches('analysed by'), #message.problem")
            assert "analysed by scene" in shown.inner_text("#message")
    finally:
        serving.stop()
        page.close()


def test_segments_are_listed_and_seek_and_are_jams(
    server: str, opened: Any, tmp_path: Path
) -> None:
    jams = pytest.importorskip("jams")
    page = opened(server)
    choose(page, CLIP)
    path = tmp_path / "song.jams"
    path.write_bytes(download(page, "jams"))
    (note,) = jams.load(str(path)).annotations  # which validates it
    write_labels(tmp_path / "theirs.jams", pyplugin.tag(CLIP), title=CLIP.name)
    (expected,) = jams.load(str(tmp_path / "theirs.jams")).annotations
    assert [each.value for each in note.data] == [each.value for each in expected.data]
    assert [each.confidence for each in note.data] == pytest.approx(
        [each.confidence for each in expected.data], abs=0.01
    )
    page.click("#segments summary")
    rows = page.locator("#spans tr")
    rows.first.wait_for()  # `toggle` comes after the click
    assert rows.count() == len(note.data)
    rows.nth(4).locator("button").click()
    time = page.evaluate("document.getElementById('player').currentTime")
    assert time == pytest.approx(sorted(note.data, key=lambda each: each.time)[4].time, abs=0.01)


def test_a_picture_is_a_png_with_a_legend(server: str, opened: Any) -> None:
    page = opened(server)
    choose(page, CLIP)
    data = download(page, "png")
    assert data.startswith(b"\x89PNG")
    height = int.from_bytes(data[20:24], "big")
    assert height > page.evaluate("document.getElementById('chart').clientHeight")


def test_a_dropped_file_shows_bars(server: str, opened: Any) -> None:
    page = opened(server)
    page.evaluate(
        """async () => {
          const data = await (await fetch("songs/0")).blob();
          const transfer = new DataTransfer();
          transfer.items.add(new File([data], "dropped.ogg"));
          document.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer }));
        }"""
    )
    page.wait_for_selector("#message:has-text('analysed')")
    assert page.inner_text("#title") == "dropped.ogg"
    names = page.eval_on_selector_all("#bars label", "all => all.map(each => each.textContent)")
    assert names == pyplugin.tag(CLIP).labels


def test_the_cursor_follows_playback_and_a_click_seeks(server: str, opened: Any) -> None:
    page = opened(server)
    page.select_option("#song", CLIP.name)
    page.wait_for_selector("#message:has-text('analysed')")
    box = page.locator("#chart").bounding_box()
    page.mouse.click(box["x"] + 40 + (box["width"] - 40) / 3, box["y"] + box["height"] / 2)
    time = page.evaluate("document.getElementById('player').currentTime")
    result = pyplugin.tag(CLIP)
    assert time == pytest.approx(result.duration / 3, abs=0.1)
    here = result.activations[np.searchsorted(result.bounds, time) - 1]
    values = page.eval_on_selector_all("#bars .value", "all => all.map(x => +x.textContent)")
    assert values == pytest.approx(here.tolist(), abs=0.05)
    late = page.evaluate(
        """async () => {
          const player = document.getElementById("player"), late = [];
          const chart = document.getElementById("chart");
          await player.play();
          for (let i = 0; i < 40; ++i) {
            await new Promise(requestAnimationFrame);
            late.push(Math.abs(player.currentTime - chart.getAttribute("aria-valuenow")));
          }
          return [...late, player.currentTime];
        }"""
    )
    assert late[-1] > time
    assert statistics.median(late[:-1]) < 0.05
    page.focus("#chart")
    page.evaluate("document.getElementById('player').pause()")
    before = page.evaluate("document.getElementById('player').currentTime")
    page.keyboard.press("ArrowLeft")
    after = page.evaluate("document.getElementById('player').currentTime")
    assert after == pytest.approx(before - 1, abs=0.05)


def test_zoom_shows_less_and_the_whole_again(server: str, opened: Any) -> None:
    page = opened(server)
    choose(page, CLIP)

    def at_the_end() -> float:
        box = page.locator("#chart").bounding_box()
        page.mouse.move(box["x"] + box["width"] - 1, box["y"] + 100)
        minutes, seconds = re.match(r"(\d+):([\d.]+)", page.inner_text("#hover")).groups()
        return 60 * int(minutes) + float(seconds)

    whole = at_the_end()
    page.click("#in")
    assert at_the_end() == pytest.approx(whole / 2, abs=0.2)
    page.click("#whole")
    assert at_the_end() == pytest.approx(whole, abs=0.2)


def test_a_second_song_is_below_the_first_at_its_scale(
    server: str, opened: Any, tmp_path: Path
) -> None:
    samples, rate = soundfile.read(CLIP)
    half = len(samples) / rate / 2
    soundfile.write(tmp_path / "half.wav", samples[: len(samples) // 2], rate)
    page = opened(server)
    choose(page, CLIP)
    page.uncheck("#bars input >> nth=1")
    page.set_input_files("#other", tmp_path / "half.wav")
    page.wait_for_selector("#second:visible")
    assert page.inner_text("#second-title") == "half.wav"

    def click(place: str, share: float) -> float:
        box = page.locator(place).bounding_box()
        page.click(place, position={"x": 40 + share * (box["width"] - 40), "y": 90})
        return float(page.get_attribute(place, "aria-valuenow"))

    chart = "#second .chart"
    assert click(chart, 0.25) == pytest.approx(half / 2, abs=0.1)  # the whole is that of the longer
    assert click(chart, 0.75) == pytest.approx(half, abs=0.01)  # its end
    assert float(page.get_attribute("#chart", "aria-valuenow")) == 0
    assert click("#chart", 0.75) == pytest.approx(1.5 * half, abs=0.1)
    assert float(page.get_attribute(chart, "aria-valuenow")) == pytest.approx(half, abs=0.01)
    values = pyplugin.tag(tmp_path / "half.wav")
    click(chart, 0.25)
    page.mouse.move(0, 0)
    now = page.inner_text("#second .now")
    assert [name for name in values.labels if name in now] == [values.labels[0], *values.labels[2:]]
    row = values.activations[np.searchsorted(values.bounds, half / 2) - 1]
    assert float(re.search(rf"{values.labels[0]} ([\d.]+)", now)[1]) == pytest.approx(
        row[0], abs=0.1
    )
    page.click("#in")  # around the cursor of each
    seconds = click(chart, 0.5) - click(chart, 0.25)
    assert seconds == pytest.approx(half / 4, abs=0.1)
    page.evaluate("document.querySelector('#second audio').play()")
    page.evaluate("document.getElementById('player').play()")
    page.wait_for_function("document.querySelector('#second audio').paused")
    page.click("#second button")
    assert not page.is_visible("#second")
    page.click("#whole")
    assert click("#chart", 0.75) == pytest.approx(1.5 * half, abs=0.1)


def test_the_page_has_no_serious_fault_for_people(server: str, opened: Any) -> None:
    page = opened(server)
    choose(page, CLIP)
    page.set_input_files("#other", CLIP)
    page.wait_for_selector("#second:visible")
    page.click("#segments summary")
    page.locator("#spans tr").first.wait_for()
    assert faults_for_people(page) == []
    page.set_viewport_size(PHONE)
    assert wider_than_its_window(page) <= 0
    page.emulate_media(color_scheme="dark")
    assert faults_for_people(page) == []


def test_markup_in_names_is_text(server: str, opened: Any, tmp_path: Path) -> None:
    shutil.copy(CLIP, tmp_path / MARKUP)
    page = opened(server)
    choose(page, tmp_path / MARKUP)
    assert page.inner_text("#title") == MARKUP
    assert page.locator("img").count() == 0
    assert page.title() == "Tagnode"


@pytest.mark.parametrize("where", ["server", "host"])
def test_what_cannot_be_analysed_is_a_sentence(
    where: str, opened: Any, request: Any, tmp_path: Path
) -> None:
    page = opened(request.getfixturevalue(where))
    (tmp_path / "notes.txt").write_text("not audio at all " * 100)
    assert "notes.txt" in refused(page, tmp_path / "notes.txt")
    (tmp_path / "none.wav").write_bytes(b"")
    assert refused(page, tmp_path / "none.wav") == "none.wav is empty."
    if where == "server":
        (tmp_path / "much.wav").write_bytes(bytes(3_000_001))
        much = "much.wav has 4 MB; at most 3 MB are taken."
        assert refused(page, tmp_path / "much.wav") == much
    choose(page, CLIP)  # nothing is lost
    assert page.locator("#message.problem").count() == 0


def test_a_server_that_is_gone_is_a_sentence(menu: list[Choice], opened: Any) -> None:
    served = Page(menu)
    serving = Serving(served.app, "127.0.0.1", 0, extra="page", remedy="no")
    serving.start()
    page = opened(f"http://127.0.0.1:{serving.port}")
    page.select_option("#model", "on the server")
    serving.stop()
    served.close()
    assert refused(page, CLIP).startswith("The server does not answer.")


def test_a_microphone_is_analysed_live(host: str, opened: Any) -> None:
    page = opened(host)
    page.click("#microphone")
    page.wait_for_selector("#message:has-text('Listening')")
    position = "Number(document.getElementById('chart').getAttribute('aria-valuenow'))"
    assert until(lambda: page.evaluate(position) > 1.5)
    page.click("#stop")
    lines = [json.loads(line) for line in download(page, "json").splitlines()]
    assert len(lines) >= 10
    assert set(lines[0]["tags"]) == set(registry.load("scene").card.labels)
