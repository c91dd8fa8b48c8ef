"""Options that commands share: what they resolve to, and how they reach a command."""

import dataclasses

import click
import pytest
from click.testing import CliRunner, Result

from pyplugin._native import lib
from pyplugin.automation.presets import Preset, parse_preset
from pyplugin.cli.ui.options import (
    AnalysisOptions,
    analysis_options,
    channels_option,
    device_option,
    output_options,
)
from pyplugin.errors import ModelError, PresetError
from pyplugin.node.signals import SIGNAL_HOP
from pyplugin.outputs import kinds
from pyplugin.session import LIVE_HOP


def preset(source: str, first: str = "") -> Preset:
    return parse_preset(
        f'[preset]\nname = "x"\n{first}\n[[effect]]\ntype = "gain"\n[[map]]\nsource = "{source}"\n'
        'target = "gain.gain_db"\nmin = 0\nmax = 1\n'
    )


MEASURED = preset("signal.rms_db")
LABELLED = preset("tag.speech")
GUITAR = preset("tag.guitar", 'model = "musicnn-mtt"')


def given(decorate, *arguments: str) -> tuple[Result, dict]:
    """Run a command with these options: the result, and what the command got."""
    got = {}

    @click.command()
    @decorate
    def command(**values: object) -> None:
        got.update(values)

    return CliRunner().invoke(command, arguments), got


# ---- what analyses


@pytest.mark.parametrize(
    ("model", "of", "models"),
    [
        (None, None, ["scene"]),
        ("scene", None, ["scene"]),
        ("musicnn-mtt", None, ["musicnn-mtt"]),
        ("none", None, []),
        (None, MEASURED, []),  # no label is needed
        ("none", MEASURED, []),
        ("scene", MEASURED, ["scene"]),  # asked for
        (None, LABELLED, ["scene"]),
        ("musicnn-mtt", LABELLED, ["musicnn-mtt"]),
        (None, GUITAR, ["musicnn-mtt"]),
        ("scene", GUITAR, ["scene"]),
        ("none", LABELLED, []),
        ("scene", preset("tag.musicnn-mtt.guitar"), ["musicnn-mtt"]),  # named in full
    ],
)
@pytest.mark.usefixtures("musicnn")
def test_the_model_is_the_one_given_or_the_presets_or_the_default(model, of, models):
    plan = AnalysisOptions(model).plan(of)
    assert [each.name for each in plan.models] == models
    assert plan.signals == SIGNAL_HOP


@pytest.mark.parametrize("source", ["signal.rms_db", "tag.speech"])
@pytest.mark.parametrize(
    ("option", "of_preset", "hop"),
    [(0.7, 0.3, 0.7), (None, 0.3, 0.3), (0.7, None, 0.7), (None, None, LIVE_HOP)],
)
def test_the_hop_given_comes_before_the_presets_and_that_before_the_usual_one(
    source, option, of_preset, hop
):
    of = preset(source, f"hop = {of_preset}" if of_preset else "")
    assert AnalysisOptions(hop=option).plan(of).hop == hop
    assert AnalysisOptions(hop=option).plan().hop == (option or LIVE_HOP)


def test_the_runtime_is_the_one_given():
    for of in (None, LABELLED):
        assert AnalysisOptions(runtime="inline").plan(of).runtime == "inline"


@pytest.mark.parametrize(
    ("options", "of", "error", "words"),
    [
        (AnalysisOptions("sceen"), None, ModelError, "sceen.*scene"),
        (AnalysisOptions("sceen"), LABELLED, ModelError, "sceen.*scene"),
        (AnalysisOptions(), preset("head.moot.a"), PresetError, "head.moot.a"),
    ],
)
def test_what_is_missing_is_refused_before_the_audio_begins(options, of, error, words):
    with pytest.raises(error, match=words):
        options.plan(of)


def test_the_options_arrive_as_one_value():
    done, got = given(analysis_options)
    assert (done.exit_code, got) == (0, {"analysis": AnalysisOptions(None, None, None)})
    done, got = given(analysis_options, "--model", "m", "--runtime", "inline", "--hop", "0.5")
    assert (done.exit_code, got) == (0, {"analysis": AnalysisOptions("m", "inline", 0.5)})


@pytest.mark.parametrize("hop", ["0", "-1", "nan", "inf"])
def test_a_hop_that_is_no_time_is_refused(hop):
    done, got = given(analysis_options, "--hop", hop)
    assert (done.exit_code, got) == (2, {})
    assert f"{float(hop):g} is given; seconds above 0 are expected" in done.output


def test_another_runtime_is_refused_with_the_known_ones():
    done, _ = given(analysis_options, "--runtime", "abacus")
    assert done.exit_code == 2
    assert "'inline'" in done.output


# ---- outputs, channels and devices


OUTPUTS = [option for kind in kinds() for option in kind.options]


def test_outputs_that_are_not_asked_for_are_off():
    done, got = given(output_options)
    assert done.exit_code == 0
    assert got["outputs"].keys() == {option.name for option in OUTPUTS}
    assert not any(got["outputs"].values())


@pytest.mark.parametrize("option", OUTPUTS, ids=lambda option: option.name)
def test_the_value_of_an_output_arrives_under_its_name(option):
    arguments = [option.flag] if option.metavar is None else [option.flag, "a value"]
    expected: object = True if option.metavar is None else "a value"
    if option.multiple:
        arguments, expected = [*arguments, option.flag, "another"], ("a value", "another")
    done, got = given(output_options, *arguments)
    assert done.exit_code == 0, done.output
    assert got["outputs"].pop(option.name) == expected
    assert not any(got["outputs"].values())


def test_every_option_is_in_the_help():
    done, _ = given(output_options, "--help")
    words = " ".join(done.output.split())
    assert all(option.flag in words for option in OUTPUTS)


def test_options_of_both_kinds_go_together():
    done, got = given(lambda command: analysis_options(output_options(command)), "--hop", "1")
    assert done.exit_code == 0
    assert got.keys() == {"analysis", "outputs"}


def test_channels_are_those_that_a_node_takes():
    most = lib.TAGNODE_MAX_CHANNELS
    option = channels_option("How many.")
    assert given(option)[1] == {"channels": None}
    for number in (1, most):
        assert given(option, "--channels", str(number))[1] == {"channels": number}
    for wrong in ("0", str(most + 1), "two"):
        done, got = given(option, "--channels", wrong)
        assert (done.exit_code, got) == (2, {})


@pytest.mark.parametrize(
    ("text", "device"),
    [("3", 3), ("0", 0), ("007", 7), ("USB", "USB"), ("3 channels", "3 channels"), ("", "")],
)
def test_a_device_is_a_number_or_a_part_of_a_name(text, device):
    done, got = given(device_option("--input", "Where from."), "--input", text)
    assert done.exit_code == 0
    assert got == {"input_device": device}
    assert type(got["input_device"]) is type(device)


def test_no_device_is_none():
    assert given(device_option("--output", "Where to."))[1] == {"output_device": None}


def test_options_are_values_that_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        AnalysisOptions().model = "scene"  # type: ignore[misc]
