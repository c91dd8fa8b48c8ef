"""Views of a session: lines of text, or a screen, and which of them is chosen."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from frames import Kept, frame

from pyplugin import Node
from pyplugin.automation.movers import AutomatedParameter, Mover
from pyplugin.automation.sources import as_combined
from pyplugin.cli.ui import views
from pyplugin.cli.ui.views import LineView, ScreenView, choose_view
from pyplugin.inputs.recording import Recording
from pyplugin.node.node import MAX_BLOCK, State
from pyplugin.session import Session
from pyplugin.sources import rms

RATE = 16000
LINE = re.compile(r"^(\d+:\d\d\.\d)  (?:\((\w+)\) )?(.*)$")


def noise(seconds: float) -> np.ndarray:
    random = np.random.default_rng(0)
    return random.normal(0, 0.1, (1, round(seconds * RATE))).astype(np.float32)


def session_of(view, kept: Kept, *, model="scene", seconds: float = 3.0) -> Session:
    def make_node(rate: int, channels: int) -> Node:
        options = {"model": model, "hop": 0.5} if model else {"model": None}
        return Node(rate, channels, MAX_BLOCK, signals=0.016, mel_queue=view.mel_queue, **options)

    def make_mover(rate: int) -> Mover:
        source = as_combined(rms().range(-60, 0).scale(-60, 0).attack(0).release(0))
        return Mover([AutomatedParameter.of_sources("gain.gain_db", source, [], rate)])

    recording = Recording(noise(seconds), RATE)
    outputs = [kept, *view.outputs]
    return Session(recording, make_node, outputs=outputs, make_mover=make_mover, hop=0.5)


RANGES = {"gain.gain_db": (-60.0, 0.0)}


# ---- the choice


@pytest.mark.parametrize(
    ("plain", "silent", "can_draw", "kind", "prints"),
    [
        (False, False, True, ScreenView, False),
        (False, False, False, LineView, True),
        (True, False, True, LineView, True),
        (False, True, True, LineView, False),
        (True, True, True, LineView, False),
    ],
)
def test_a_screen_is_chosen_where_one_can_be_drawn(
    monkeypatch, plain, silent, can_draw, kind, prints
):
    monkeypatch.setattr(views, "can_draw", lambda: can_draw)
    view = choose_view(3, plain=plain, silent=silent)
    assert type(view) is kind
    assert (view in view.outputs) == prints


# ---- lines


@pytest.mark.parametrize("top", [1, 3, 10])
def test_a_line_has_the_strongest_labels_loudness_and_parameters(capsys, top):
    view, kept = LineView(top, silent=False), Kept()
    with session_of(view, kept) as session, view.opened(session, RANGES):
        session.run()
    captured = capsys.readouterr()
    lines = [LINE.match(line).groups() for line in captured.out.splitlines()]
    assert len(lines) == len(kept.frames) > 4
    for (clock, state, text), sent in zip(lines, kept.frames, strict=True):
        assert clock == f"0:{sent.end:04.1f}"
        assert state == (None if sent.state.name == "FRESH" else sent.state.name.lower())
        parts = text.split("  ")
        strongest = sorted(sent.labels.items(), key=lambda each: -each[1])[:top]
        assert parts[: len(strongest)] == [f"{name} {value:.2f}" for name, value in strongest]
        lufs, gain = parts[len(strongest) :]
        assert lufs == f"{sent.signals['loudness_momentary']:.1f} LUFS"
        assert gain == f"gain.gain_db {sent.parameters['gain.gain_db']:.1f}"
    assert captured.err == (
        f"tagnode: array, 16000 Hz, 1 channel, scene, latency "
        f"{1000 * session.node.latency.total / RATE:.0f} ms\n"
    )


def test_a_line_has_the_end_of_its_window_its_state_and_heads(capsys):
    view = LineView(1, silent=False)
    signals = {"loudness_momentary": -23.04}
    heads = {"mood": {"sad": 0.25, "happy": 0.75}}
    view.write_frame(
        frame(75.45, state=State.HELD, signals=signals, parameters={}, heads=heads)
    )  # its window ends 0.25 s earlier
    expected = "1:15.2  (held) rock 0.50  mood.sad 0.25  mood.happy 0.75  -23.0 LUFS\n"
    assert capsys.readouterr().out == expected


def test_a_line_without_a_model_has_what_is_measured(capsys):
    view = LineView(3, silent=False)
    with session_of(view, Kept(), model=None) as session, view.opened(session, RANGES):
        session.run()
    captured = capsys.readouterr()
    assert "measuring only" in captured.err
    levels = re.findall(r"^0:0\d\.\d  (-\d+\.\d) LUFS  gain\.gain_db -", captured.out, re.M)
    assert len(levels) == len(captured.out.splitlines()) > 4
    assert float(levels[-1]) == pytest.approx(-20, abs=4)  # noise of -20 dBFS


def test_a_silent_view_prints_nothing_but_its_messages(capsys):
    view, kept = LineView(3, silent=True), Kept()
    with session_of(view, kept) as session, view.opened(session, RANGES):
        session.run()
        capsys.readouterr()
        view.message("The device is gone.")
        view.show(session)
    assert len(kept.frames) > 4
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "tagnode: The device is gone.\n")


# ---- a screen


class Drawn:
    """Stands for the screen; keeps what it is given."""

    def __init__(self, title, *, ranges, top):
        self.title, self.ranges, self.top = title, ranges, top
        self.mel, self.draws = [], []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.draws.append("closed")

    def add_mel(self, mel, seconds):
        self.mel.append(mel)

    def draw(self, *parts):
        self.draws.append(parts)


@pytest.fixture
def drawn(monkeypatch):
    """A screen view, its screen once it is open, and a clock."""
    screens, now = [], [100.0]

    def open_screen(*arguments, **options):
        screens.append(Drawn(*arguments, **options))
        return screens[-1]

    monkeypatch.setattr("pyplugin.cli.ui.screen.Screen", open_screen)
    monkeypatch.setattr(views, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return screens, now


def test_the_screen_gets_the_state_of_the_session(drawn):
    screens, _ = drawn
    view, kept = ScreenView(4), Kept()
    with session_of(view, kept) as session:
        with view.opened(session, RANGES):
            session.run()
            view.show(session)
        (screen,) = screens
        assert (screen.title.split(",")[0], screen.ranges, screen.top) == ("array", RANGES, 4)
        (tags, parameters, signals, status, recent), closed = screen.draws
        assert tags == kept.frames[-1].labels
        assert (parameters, signals) == (session.parameters, session.signals)
        assert status[0] == "0:03.0"
        assert f"fresh {session.counters['fresh']}" in status[1:]
        assert not any(part.endswith(" 0") for part in status[1:])
        assert recent == []
        assert closed == "closed"
    mel = np.concatenate(screen.mel)
    assert 0 < len(mel) <= view.mel_queue
    assert mel.shape[1] == 96


def test_messages_stay_some_time_and_the_last_three_at_most(drawn):
    screens, now = drawn
    view = ScreenView(4)
    with session_of(view, Kept(), seconds=0.1) as session, view.opened(session, RANGES):

        def shown_after(seconds: float) -> list[str]:
            now[0] += seconds
            view.show(session)
            return screens[0].draws[-1][-1]

        for number in range(4):
            view.message(f"message {number}")
        assert shown_after(1) == ["message 1", "message 2", "message 3"]
        view.message("later")
        assert shown_after(1) == ["message 2", "message 3", "later"]
        assert shown_after(18.5) == ["later"]
        assert shown_after(1) == []


def test_the_screen_is_drawn_some_twelve_times_a_second(drawn):
    screens, now = drawn
    view = ScreenView(4)
    with session_of(view, Kept(), seconds=0.1) as session, view.opened(session, RANGES):
        for _ in range(1000):
            now[0] += 0.001
            view.show(session)
    (screen,) = screens
    assert 10 <= len(screen.draws) - 1 <= 13
    assert len(screen.mel) == 1000  # read each time: a full queue loses frames


def test_a_screen_is_closed_after_an_error(drawn):
    screens, _ = drawn
    view = ScreenView(4)
    with (
        session_of(view, Kept(), seconds=0.1) as session,
        pytest.raises(KeyboardInterrupt),
        view.opened(session, RANGES),
    ):
        raise KeyboardInterrupt
    assert screens[0].draws == ["closed"]
