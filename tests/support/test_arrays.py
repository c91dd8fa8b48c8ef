"""Results with arrays in them are compared by value."""

import dataclasses

import numpy as np
import pytest
from helpers import music

import pyplugin


def test_results_of_the_same_audio_are_equal_and_of_other_audio_not():
    a, b = (pyplugin.tag(music(3, 16000, 1), 16000) for _ in range(2))
    assert a == b
    assert a != pyplugin.tag(0.5 * music(3, 16000, 1), 16000)
    assert a != dataclasses.replace(a, model="other")
    assert a != "a"


def test_frames_are_compared_too():
    def frames():
        with pyplugin.Node(16000, 1, 48000, hop=0.5, offline=True) as node:
            return node.process(music(3, 16000, 1)[:, :48000])

    assert frames() == frames()


def test_nan_is_equal_to_nan():
    curve = pyplugin.support.results.Curve(np.zeros(2), np.array([1.0, np.nan]))
    assert curve == dataclasses.replace(curve, values=curve.values.copy())
    with pytest.raises(TypeError):
        hash(curve)
