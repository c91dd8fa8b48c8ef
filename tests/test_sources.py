"""pyplugin.sources: each function gives its descriptor, and what does not exist is refused."""

import pytest
from pedalboard import Gain, Pedalboard

import pyplugin
from pyplugin import SIGNALS, automate, sources
from pyplugin.automation.knobs import Knobs
from pyplugin.automation.movers import routes_of
from pyplugin.automation.sources import Combined, Source

SOURCES = {
    "rms_db": sources.rms(),
    "peak_db": sources.peak(),
    "true_peak_db": sources.true_peak(),
    "loudness_momentary": sources.loudness(),
    "loudness_short": sources.loudness("short"),
    "loudness_integrated": sources.loudness("integrated"),
    "crest_db": sources.crest(),
    "brightness_hz": sources.brightness(),
    "flatness": sources.flatness(),
    "flux": sources.flux(),
    "onset": sources.onset(),
    "percussive": sources.percussive(),
    "tempo_bpm": sources.tempo(),
    "tempo_confidence": sources.tempo_confidence(),
    "beat_s": sources.beat(),
    "silence": sources.silence(),
    "correlation": sources.correlation(),
    "side_db": sources.side(),
    "channel_low_db": sources.channel_low(),
    "channel_high_db": sources.channel_high(),
    "channel_gap_db": sources.channel_gap(),
    "dc_db": sources.dc(),
    "clipping": sources.clipping(),
    "hum": sources.hum(),
    "tone": sources.tone(),
    "hiss": sources.hiss(),
    "presence": sources.presence(),
    "repetition": sources.repetition(),
}


def test_every_signal_has_a_function():
    assert SOURCES.keys() == SIGNALS.keys()


@pytest.mark.parametrize("name", SIGNALS)
def test_a_function_gives_the_descriptor_of_its_signal_with_its_usual_range(name):
    source, signal = SOURCES[name], SIGNALS[name]
    assert source == Source((f"signal.{name}",), Knobs())
    assert source == sources.signal(name) == sources.signal(f"signal.{name}")
    (route,), (knobs,) = routes_of(Combined((source,)), [])
    assert (route.kind, route.columns) == ("signal", (list(SIGNALS).index(name),))
    assert (knobs.low, knobs.high) == (signal.low, signal.high)


@pytest.mark.parametrize(
    ("window", "seconds"), [("momentary", 0.4), ("short", 3), ("integrated", 0)]
)
def test_loudness_has_the_windows_of_ebu_r128(window, seconds):
    (descriptor,) = sources.loudness(window).descriptors
    signal = SIGNALS[descriptor.removeprefix("signal.")]
    assert (signal.unit, signal.window) == ("LUFS", seconds)
    assert sources.loudness().descriptors == ("signal.loudness_momentary",)


@pytest.mark.parametrize("window", ["long", "Short", "", None, 3])
def test_another_window_is_refused(window):
    with pytest.raises(pyplugin.PresetError, match=r"no loudness .*momentary \(0\.4 s\), short"):
        sources.loudness(window)


def test_labels_and_heads_are_named_by_their_slugs():
    assert sources.label("Female Vocal").descriptors == ("tag.female-vocal",)
    assert sources.label("female-vocal") == sources.label("Female Vocal")
    assert sources.label("R&B", "my-model").descriptors == ("tag.my-model.r-b",)
    assert sources.head("mood", "Very Happy").descriptors == ("head.mood.very-happy",)
    assert sources.label("a").knobs == sources.head("a", "b").knobs == Knobs()


def test_the_maximum_keeps_its_sources_in_order():
    parts = sources.rms().scale(0, 6), sources.onset().scale(0, 3), sources.label("drums")
    assert sources.maximum(*parts) == Combined(parts, "max")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (sources.signal("rms"), "no signal 'signal.rms'; did you mean 'signal.rms_db'"),
        (sources.label("Speach"), "no descriptor 'tag.speach'; did you mean 'tag.speech'"),
        (sources.head("no-such-head", "a"), "'head.no-such-head.a': .*no-such-head"),
    ],
)
def test_what_does_not_exist_is_refused_where_it_is_mapped(source, words):
    with pytest.raises(pyplugin.PresetError, match=words):
        automate(Pedalboard([Gain()]), {"gain.gain_db": source}, model="scene")


@pytest.mark.parametrize(
    "call", [sources.label, sources.signal, lambda name: sources.head("mood", name)]
)
@pytest.mark.parametrize("name", [3, None, "", " "])
def test_a_name_that_is_not_text_is_refused(call, name):
    with pytest.raises(pyplugin.PresetError, match="a name is expected"):
        call(name)


@pytest.mark.parametrize("given", [(), (3,), (sources.label("speech"), "speech")])
def test_a_maximum_is_of_sources(given):
    with pytest.raises(pyplugin.PresetError, match="sources only"):
        sources.maximum(*given)


def test_a_knob_that_does_not_exist_is_refused_with_the_nearest():
    with pytest.raises(pyplugin.PresetError, match="no knob 'attak'; did you mean 'attack'"):
        sources.label("speech").set(attak=1)
