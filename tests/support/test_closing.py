"""Closing: a with statement closes, whatever happens in it."""

import copy
import pickle

import numpy as np
import pytest

import pyplugin
from pyplugin.errors import PypluginError
from pyplugin.support.closing import Closing


class Door(Closing):
    closings = 0

    def close(self) -> None:
        self.closings += 1


def test_the_object_itself_is_entered_and_closed_once_at_the_end():
    door = Door()
    with door as entered:
        assert entered is door
        assert door.closings == 0
    assert door.closings == 1


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_closes_and_is_passed_on(error):
    door = Door()
    with pytest.raises(error), door:
        raise error
    assert door.closings == 1


def test_a_close_that_fails_after_an_error_keeps_the_first_one_as_its_context():
    class Stuck(Closing):
        def close(self) -> None:
            raise OSError("stuck")

    with pytest.raises(OSError, match="stuck") as caught, Stuck():
        raise ValueError("first")
    assert isinstance(caught.value.__context__, ValueError)


def test_a_class_without_a_close_of_its_own_is_not_silently_left_open():
    with pytest.raises(NotImplementedError), Closing():
        pass


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_what_holds_something_open_cannot_be_copied(copied):
    with pyplugin.Node(16000, 1, 512, model=None, signals=0.1) as node:
        with pytest.raises(PypluginError, match="cannot be copied"):
            copied(node)
        node.process(np.zeros((1, 100), np.float32))
