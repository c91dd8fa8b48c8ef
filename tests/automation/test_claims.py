"""One rendering or stream at a time on one board; a board that was changed is refused."""

import gc
import threading

import numpy as np
import pytest
from helpers import music

import pyplugin
from pyplugin.errors import PresetError, PypluginError
from pyplugin.sources import rms

pedalboard = pytest.importorskip("pedalboard", reason="pip install 'tagnode[effects]'")

RATE = 16000


def automated(board=None):
    board = board or pedalboard.Pedalboard([pedalboard.Delay(0.01), pedalboard.Gain()])
    return pyplugin.automate(board, {"gain.gain_db": rms().range(-60, 0).scale(-24, 0)})


def test_eight_threads_give_what_one_gives():
    auto = automated()
    sounds = [music(1 + 0.1 * n, RATE, 1) for n in range(8)]
    expected = [np.asarray(automated()(sound, RATE)) for sound in sounds]
    found = [None] * 8

    def render(n: int) -> None:
        found[n] = np.asarray(auto(sounds[n], RATE))

    threads = [threading.Thread(target=render, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_second_stream_or_rendering_of_one_board_is_refused_while_the_first_is_open():
    auto = automated()
    with auto.stream(RATE, 1) as stream:
        with pytest.raises(PresetError, match="in use by a stream"):
            auto.stream(RATE, 1)
        with pytest.raises(PresetError, match="in use by a stream"):
            auto(music(1, RATE, 1), RATE)
        with pytest.raises(PresetError, match="in use by a stream"):
            automated(auto.board)(music(1, RATE, 1), RATE)
        stream.process(np.zeros((1, 100), np.float32))
    auto(music(1, RATE, 1), RATE)
    auto.stream(RATE, 1)  # not closed, but nobody has it
    gc.collect()
    auto(music(1, RATE, 1), RATE)


def test_a_stream_that_is_closed_processes_nothing():
    stream = automated().stream(RATE, 1)
    stream.close()
    stream.close()
    with pytest.raises(PypluginError, match="stream is closed"):
        stream.play(np.zeros((1, 100), np.float32))


@pytest.mark.parametrize("change", ["replaced", "removed"])
def test_a_board_that_was_changed_is_refused(change):
    auto = automated()
    if change == "replaced":
        auto.board[1] = pedalboard.Gain()
    else:
        del auto.board[1]
    for use in (lambda: auto(music(1, RATE, 1), RATE), lambda: auto.stream(RATE, 1)):
        with pytest.raises(PresetError, match=r"gain\.gain_db is no longer on the board"):
            use()


def test_an_effect_that_is_added_takes_part():
    auto = automated(pedalboard.Pedalboard([pedalboard.Gain()]))
    sound = music(1, RATE, 1)
    before = np.asarray(auto(sound, RATE))
    auto.board.append(pedalboard.Gain(-6))
    np.testing.assert_allclose(np.asarray(auto(sound, RATE)), before * 10 ** (-6 / 20), atol=1e-5)
