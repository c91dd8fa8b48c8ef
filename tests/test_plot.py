"""The plot: a valid PNG, written atomically, that shows the values it was given."""

import itertools
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from pyplugin.errors import PypluginError
from pyplugin.plot import DOTS_PER_INCH, WIDTH, _figure, _scale, _spectrograms, ends_of, plot_tags

pytest.importorskip("matplotlib", reason="needs matplotlib")


def example(windows: int = 8, tags: int = 3, frames: int = 625, **changes: object) -> dict:
    """Arguments of plot_tags: windows of 3 s, one a second, random values."""
    rng = np.random.default_rng(0)
    arguments = {
        "mel": rng.random((frames, 96), dtype=np.float32),
        "mel_times": np.arange(frames) / 62.5,
        "times": np.arange(windows, dtype=float),
        "activations": rng.random((windows, tags), dtype=np.float32),
        "labels": [f"label {index}" for index in range(tags)],
        "window": 3.0,
        "title": "a title",
        "curves": None,
        "top": 12,
    }
    return arguments | changes


def drawn(**changes: object):
    """The figure of the example, laid out, so that places, texts and ticks are final."""
    figure = _figure(**example(**changes))
    figure.draw_without_rendering()
    return figure


def texts(labels: list) -> list[str]:
    return [label.get_text() for label in labels]


def png_size(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


@pytest.mark.parametrize("windows", [1, 8, 3000])
@pytest.mark.parametrize("curves", [0, 1, 6])
def test_a_png_of_sane_size_is_saved(tmp_path, windows, curves):
    named = {f"effect.{index}": ([0.0, 5.0], [index, 1.0]) for index in range(curves)}
    arguments = example(windows, 50, round((windows + 2) * 62.5), curves=named)

    plot_tags(tmp_path / "tags.png", **arguments)

    width, height = png_size(tmp_path / "tags.png")
    assert width == WIDTH * DOTS_PER_INCH
    assert 600 < height < 1400
    assert [path.name for path in tmp_path.iterdir()] == ["tags.png"]


def test_spectrograms_share_the_scale_of_the_first():
    loud = np.random.default_rng(0).random((50, 8))
    axes = _spectrograms({"a": loud, "b": 0.1 * loud}, np.arange(50) / 10, "t").axes
    images = [axis.get_images()[0] for axis in axes]
    assert images[0].get_clim() == images[1].get_clim() == _scale(loud)
    np.testing.assert_array_equal(images[1].get_array(), 0.1 * loud.T)
    assert [axis.get_ylabel().split()[0] for axis in axes] == ["a", "b"]
    with pytest.raises(PypluginError, match="49"):
        _spectrograms({"a": loud[:49]}, np.arange(50), "t")
    with pytest.raises(PypluginError, match="no spectrogram"):
        _spectrograms({}, np.arange(50), "t")


def test_a_failed_plot_keeps_the_old_file_and_leaves_no_other(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    def fail(self: Figure, path: Path, **_: object) -> None:
        path.write_bytes(b"half a picture")
        raise KeyboardInterrupt

    monkeypatch.setattr(Figure, "savefig", fail)
    (tmp_path / "tags.png").write_bytes(b"as it was")
    with pytest.raises(KeyboardInterrupt):
        plot_tags(tmp_path / "tags.png", **example())
    assert [path.name for path in tmp_path.iterdir()] == ["tags.png"]
    assert (tmp_path / "tags.png").read_bytes() == b"as it was"


def test_the_image_of_the_tags_is_the_activations_highest_label_first():
    activations = np.array([[0.1, 0.9, 0.3], [0.2, 0.4, 0.8]])
    figure = drawn(times=[0.0, 1.0], activations=activations)
    (image,) = figure.axes[1].images
    assert np.array_equal(image.get_array(), activations.T[[1, 2, 0]])
    assert texts(figure.axes[1].get_yticklabels()) == ["label 1", "label 2", "label 0"]
    assert image.get_clim() == (0.0, 1.0)
    assert image.get_interpolation() == "nearest"  # any other lets labels run into each other


def test_only_the_labels_with_the_highest_maxima_are_shown():
    activations = np.array([[0.5, 0.1, 0.6, 0.2], [0.5, 0.9, 0.1, 0.3]])
    figure = drawn(labels=list("abcd"), times=[0.0, 1.0], activations=activations, top=2)
    assert texts(figure.axes[1].get_yticklabels()) == ["b", "c"]


def test_a_window_without_a_value_is_blank_and_does_not_rank():
    figure = drawn(times=[0.0, 1.0], labels=["a", "b"], activations=[[np.nan, 0.2], [0.1, np.nan]])
    (image,) = figure.axes[1].images
    assert texts(figure.axes[1].get_yticklabels()) == ["b", "a"]
    assert image.get_array().mask.tolist() == [[False, True], [True, False]]


def test_the_mel_image_is_the_frames_with_low_bands_at_the_bottom():
    mel = np.arange(20.0).reshape(5, 4)
    figure = drawn(mel=mel, mel_times=np.arange(5) / 2)
    (image,) = figure.axes[0].images
    assert np.array_equal(image.get_array(), mel.T)
    assert image.origin == "lower"
    assert tuple(image.get_extent()) == (0.0, 2.5, 0, 4)


def test_a_value_is_drawn_about_the_middle_of_its_window():
    figure = drawn(windows=8)
    (image,) = figure.axes[1].images
    left, right, _, _ = image.get_extent()
    assert (left, right) == (1.0, 9.0)  # windows [0, 3] to [7, 10], one second each
    assert figure.axes[1].get_xlim() == (0.0, 10.0)


def test_silence_before_the_recording_is_not_drawn():
    figure = drawn(windows=10, times=np.arange(10) - 2.0)

    assert figure.axes[1].get_xlim() == (0.0, 10.0)


def test_a_single_window_is_drawn_whole():
    figure = drawn(windows=1, frames=188)
    left, right, _, _ = figure.axes[1].images[0].get_extent()
    assert (left, right) == (0.0, 3.0)


def test_long_recordings_are_averaged_and_keep_their_time_and_mean():
    figure = drawn(windows=3001, frames=187_500)
    for axis, arguments in zip(figure.axes, ("mel", "activations"), strict=False):
        (image,) = axis.images
        values = example(windows=3001, frames=187_500)[arguments]
        assert 1000 <= image.get_array().shape[1] <= 4000
        assert image.get_array().mean() == pytest.approx(values.mean(), rel=1e-3)
    assert tuple(figure.axes[1].images[0].get_extent()[:2]) == (1.0, 3002.0)


def test_curves_are_drawn_as_given_on_their_own_scale():
    times, values = np.linspace(0, 10, 50), np.linspace(200, 17_000, 50)
    figure = drawn(curves={"filter.cutoff": (times, values), "reverb.wet": (times, times / 10)})
    cutoff, wet = figure.axes[2:4]
    assert np.array_equal(cutoff.lines[0].get_xydata(), np.stack([times, values], axis=1))
    assert np.array_equal(wet.lines[0].get_ydata(), times / 10)
    assert (cutoff.get_ylabel(), wet.get_ylabel()) == ("filter.cutoff", "reverb.wet")
    assert texts(cutoff.get_yticklabels()) == ["200", "17000"]
    assert texts(wet.get_yticklabels()) == ["0", "1"]


def test_all_panels_share_the_time_axis_and_its_place():
    figure = drawn(curves={"gain.gain_db": ([0.0, 10.0], [-6.0, 0.0])})
    panels = figure.axes[:3]
    assert len({axis.get_xlim() for axis in panels}) == 1
    sides = np.array([axis.get_position().intervalx for axis in panels])
    assert np.allclose(sides, sides[0])


@pytest.mark.parametrize(
    ("windows", "name", "shown"),
    [
        (8, "time (s)", ["0", "2", "4"]),
        (300, "time (m:ss)", ["0:00", "0:30", "1:00"]),
        (7198, "time (h:mm:ss)", ["0:00:00", "0:10:00", "0:20:00"]),
    ],
)
def test_the_format_of_times_depends_on_the_duration(windows, name, shown):
    figure = drawn(windows=windows)
    axis = figure.axes[1]
    low, high = axis.get_xlim()
    ticks = zip(axis.get_xticks(), texts(axis.get_xticklabels()), strict=True)
    assert [text for at, text in ticks if low <= at <= high][:3] == shown
    assert axis.get_xlabel() == name


def test_names_are_neither_formulas_nor_endless_and_do_not_overlap():
    long = "Gurgling, bubbling, and anything else that a label may contain"
    formula = r"fee $\frac$"  # an error, were it read as one
    figure = drawn(
        labels=[long, formula, *map(str, range(10))],
        activations=np.ones((8, 12)),
        title=formula,
        curves={formula: ([0.0, 1.0], [0.0, 1.0])},
    )
    written = figure.axes[1].get_yticklabels()
    assert texts(written)[0] == "Gurgling, bubbling, and anything…"
    assert texts(written)[1] == formula
    boxes = [label.get_window_extent() for label in written]
    assert min(box.x0 for box in boxes) >= 0
    assert all(upper.y0 >= lower.y1 for upper, lower in itertools.pairwise(boxes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mel": np.zeros(625)}, r"mel has the shape \(625,\); expected 2 dimensions"),
        ({"mel": np.zeros((0, 96))}, r"mel has the shape \(0, 96\)"),
        ({"mel_times": np.zeros(9)}, "mel_times has 9 values for 625 mel frames"),
        ({"times": np.zeros(9)}, "times has 9 values for 8 windows"),
        ({"activations": np.zeros((8, 0))}, "activations has the shape"),
        ({"labels": ["a"]}, "labels has 1 values for 3 columns"),
        ({"window": 0.0}, "window is 0.0 s"),
        ({"window": np.nan}, "window is nan s"),
        ({"top": 0}, "top is 0"),
        ({"curves": {"gain.db": ([0.0], [1.0, 2.0])}}, "times of gain.db has 1 values for 2"),
    ],
)
def test_invalid_arrays_are_rejected_and_leave_no_file(tmp_path, changes, message):
    with pytest.raises(PypluginError, match=message):
        plot_tags(tmp_path / "tags.png", **example(**changes))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_rejected(tmp_path):
    with pytest.raises(PypluginError, match="its folder does not exist"):
        plot_tags(tmp_path / "missing" / "tags.png", **example())


def test_without_matplotlib_the_extra_is_reported(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(PypluginError, match=r"pip install 'tagnode\[plot\]'"):
        plot_tags(tmp_path / "tags.png", **example())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([-12.0, -4.76e-6], ("-12", "0")),
        ([-11.9999981, 1e-9], ("-12", "0")),
        ([500.0000012, 17999.4], ("500", "18000")),
        ([0.0, 0.3500000012], ("0", "0.35")),
        ([0.1234567, 0.1234567], ("0.1235", "0.1235")),
        ([0.0, 0.0], ("0", "0")),
        ([], ("0", "1")),
    ],
)
def test_ends_are_rounded_to_a_thousandth_of_their_difference(values, words):
    assert ends_of(np.array(values)) == words
