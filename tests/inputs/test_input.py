"""The protocol of inputs: what every input has and does, and events."""

import dataclasses
import inspect
import os

import numpy as np
import pytest
import soundfile
from helpers import noise

from pyplugin.inputs.connections import PipeConnection
from pyplugin.inputs.decoding import RawFormat
from pyplugin.inputs.devices import DuplexStream, Listener
from pyplugin.inputs.input import Event, Input, NodeInput
from pyplugin.inputs.recording import Recording
from pyplugin.inputs.streams import StreamInput

RATE = 8000


def members(protocol: type) -> set[str]:
    return {name for each in protocol.__mro__ for name in vars(each) if not name.startswith("_")}


def of_array(x: np.ndarray, folder):
    yield Recording(x, RATE)


def of_file(x: np.ndarray, folder):
    soundfile.write(folder / "x.wav", x.T, RATE, subtype="FLOAT")
    with Recording(folder / "x.wav") as recording:
        yield recording


def of_pipe(x: np.ndarray, folder):
    reading, writing = os.pipe()
    os.write(writing, np.ascontiguousarray(x.T, "<f4").tobytes())
    os.close(writing)
    connection = PipeConnection(reading, RawFormat(RATE, len(x), "f32le"))
    with StreamInput(connection) as stream:
        stream.wait()
        yield stream
    os.close(reading)


@pytest.fixture(params=[of_array, of_file, of_pipe])
def opened(request, tmp_path):
    """An input, and the samples that it has to deliver."""
    x = noise(2, 3000)
    inputs = request.param(x, tmp_path)
    yield next(inputs), x
    next(inputs, None)


def test_the_protocol_is_what_a_session_uses():
    assert members(Input) == {"sample_rate", "channels", "title", "read", "events", "close"}
    assert members(NodeInput) - members(Input) == {"node", "counters"}


def test_recordings_and_pipes_have_all_members(opened):
    source, x = opened
    assert all(hasattr(source, name) for name in members(Input))
    assert (source.sample_rate, source.channels) == (RATE, len(x))
    assert isinstance(source.title, str)
    assert source.title


@pytest.mark.parametrize("kind", [Listener, DuplexStream])
def test_devices_have_all_members_and_those_of_inputs_with_a_node(kind):
    assert members(NodeInput) <= set(dir(kind))


@pytest.mark.parametrize("kind", [Recording, StreamInput, Listener, DuplexStream])
def test_methods_take_what_the_protocol_passes(kind):
    inspect.signature(kind.read).bind(None, timeout=0.1)
    inspect.signature(kind.read).bind(None, 0.1)
    inspect.signature(kind.events).bind(None)
    inspect.signature(kind.close).bind(None)


def test_an_input_delivers_its_samples_then_none_and_closes_twice(opened):
    source, x = opened
    blocks = []
    while (block := source.read(1.0)) is not None:
        assert block.dtype == np.float32
        blocks.append(block)
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), x)
    assert source.read(0.0) is None
    assert [event.kind for event in source.events()] in ([], ["ended"])
    source.close()
    source.close()


def test_events_are_values_that_do_not_change():
    event = Event("gap", "3 samples were lost.", 3)
    assert event == Event("gap", "3 samples were lost.", samples=3)
    assert Event("note", "A note.").samples == 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.samples = 4  # type: ignore[misc]
