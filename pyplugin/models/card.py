"""Cards: what a model is, what it takes and what it returns; a JSON file beside the model's.

The format is a superset of Essentia's model cards: one of theirs is a valid start of ours, which
:mod:`pyplugin.models.starts` reads. :class:`Card` has what running needs besides: the front-end,
the patch, the hash of the model. It also describes models that a node cannot run yet;
:func:`pyplugin._native.card_struct` refuses those.

A card is as untrusted as its model: its size, types, ranges and agreement are checked.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from pyplugin.errors import ModelError
from pyplugin.models.checking import SIZE_LIMIT, converted, decoded, with_line
from pyplugin.models.folders import read_file

Text = Annotated[str, Meta(min_length=1)]
Size = Annotated[int, Meta(ge=1, le=10_000_000)]
Shape = Annotated[tuple[Size, ...], Meta(min_length=2, max_length=6)]
Labels = Annotated[tuple[Text, ...], Meta(max_length=10_000)]
Number = Annotated[float, Meta(ge=-1e9, le=1e9)]
Positive = Annotated[float, Meta(ge=0, le=1e9)]
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=1, le=10**9)]
Rate = Annotated[int, Meta(ge=8_000, le=192_000)]
Samples = Annotated[int, Meta(ge=16, le=65_536)]
Frequency = Annotated[float, Meta(ge=0, le=96_000)]

Value = TypeVar("Value")
ModelType = Literal["tflite-int8", "tflite-float32", "onnx"]

_ACTIVATIONS = {"sigmoid": "sigmoid", "softmax": "softmax"}

LOG_PARAMETERS = {
    "log10-1p": "log_scale",
    "log-offset": "log_offset",
    "log-floor": "log_floor",
    "log-zero": "log_floor",
    "db": "log_floor",
}
"""The setting that each logarithm of a front-end has."""


def _stated(value: Value) -> Value:
    """Return the default of a field that a written card has nevertheless."""
    return field(default_factory=lambda: value)


class _Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of a card: immutable, without unknown fields."""


class Dataset(_Part, frozen=True):
    """What a model was trained on, and how well it performed there.

    Attributes
    ----------
    name, citation : str
    size : str or int
    metrics : dict of str to float, or to a dict of them
        Published figures by name.
    link : str
    """

    name: Text = _stated("unknown")
    citation: Text = _stated("none")
    size: Text | Annotated[int, Meta(ge=0)] = _stated("unknown")
    metrics: Mapping[str, Number | Mapping[str, Number]] = field(default_factory=lambda: {})
    link: str = ""


class InputTensor(_Part, frozen=True):
    """An input of the graph.

    Attributes
    ----------
    name : str
        In the signature of the ``.tflite`` file.
    type : {"float"}
    shape : tuple of int
        Of 2 to 6 dimensions, the first of which is the batch, 1: (1, frames, bands),
        (1, frames, bands, 1), (1, 1, frames, bands), (1, bands, frames) or (1, samples).
    """

    name: Text
    type: Literal["float"]
    shape: Shape


class OutputTensor(_Part, frozen=True, rename={"purpose": "output_purpose", "labels": "classes"}):
    """An output of the graph.

    Attributes
    ----------
    name : str
        In the signature of the ``.tflite`` file.
    type : {"float"}
    shape : tuple of int
        Of 2 to 6 dimensions, the first of which is the batch, 1.
    purpose : {"predictions", "logits", "embeddings", "regression", "masks"}
        ``regression`` is for values with a unit, such as a tempo or a valence, ``masks`` for a stem
        of that name.
    op : str
        Essentia's name of the last operation: ``Sigmoid``, ``Softmax``, ``Identity`` ...
    description : str
    labels : tuple of str
        One for each element, where they are not those of the card: models with several classifiers.
    unit : str
        Of a regression.
    range : (float, float) or None
        Least and greatest value of a regression.
    """

    name: Text
    type: Literal["float"]
    shape: Shape
    purpose: Literal["predictions", "logits", "embeddings", "regression", "masks"]
    op: str = ""
    description: str = ""
    labels: Labels = ()
    unit: str = ""
    range: tuple[Number, Number] | None = None

    @property
    def size(self) -> int:
        """How many values one patch has.

        Examples
        --------
        >>> OutputTensor("dense", "float", (1, 200), "embeddings").size
        200
        """
        return math.prod(self.shape)

    @property
    def activation(self) -> str | None:
        """``sigmoid``, ``softmax`` or ``none``; None where the card does not state ``op``.

        Examples
        --------
        >>> OutputTensor("model/Softmax", "float", (1, 2), "predictions", op="Softmax").activation
        'softmax'
        """
        return _ACTIVATIONS.get(self.op.lower(), "none") if self.op else None


class Schema(_Part, frozen=True):
    """Inputs and outputs of the graph, in its order."""

    inputs: Annotated[tuple[InputTensor, ...], Meta(min_length=1, max_length=16)]
    outputs: Annotated[tuple[OutputTensor, ...], Meta(min_length=1, max_length=64)]


class FrontEnd(_Part, frozen=True, kw_only=True, tag_field="algorithm", tag="mel"):
    """How audio becomes the mel frames that a model takes.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    frame, fft, hop : int
        Samples of a window, of its transform and between two windows.
    bands : int
        Mel bands a frame.
    window : {"hann-periodic", "hann-symmetric"}
    mel_scale : {"slaney", "htk", "none"}
        ``none``: the bands are the first bins of the spectrum, up to ``fft/2 + 1``;
        `mel_triangles`, `mel_norm`, `fmin` and `fmax` are ignored.
    mel_norm : {"slaney", "none"}
    spectrum : {"power", "magnitude"}
    log : {"log10-1p", "log-offset", "log-floor", "log-zero", "db", "none"}
        ``log10(1 + log_scale*x)``, ``ln(x + log_offset)``, ``ln(max(x, log_floor))``, ``ln(x)`` but
        ``ln(log_floor)`` where x is 0, ``10*log10(max(x, log_floor))`` of a power (20 of a
        magnitude), or x.
    log_scale, log_offset, log_floor : float
        Of those that `log` has.
    fmin, fmax : float
        Edges of the lowest and highest band in Hz.
    mel_triangles : {"hertz", "mel"}
        The axis on which a band rises and falls linearly: Hz, as in librosa, or mel, as in
        TensorFlow's ``linear_to_mel_weight_matrix``.
    exponent : {"one", "two", "half"}
        Of the bands, before `log`: x, its square or its square root.
    framing : {"centred", "from-zero"}
        Frame j has its middle at sample ``j * hop``, or begins there.
    patch_norm : {"none", "z-score", "max", "top-db", "relative-db"}
        What is done to each patch before the model: nothing; mean 0 and deviation 1; division by
        its maximum; ``max(x, maximum - patch_range)``; ``max(x - maximum, -patch_range)``. A
        deviation or maximum of 0 counts as 1. Windows of such a model share no work: each result
        costs that of a whole patch.
    patch_range : float
        In dB.
    """

    sample_rate: Rate
    frame: Samples
    fft: Samples
    hop: Annotated[int, Meta(ge=1, le=65_536)]
    bands: Annotated[int, Meta(ge=1, le=4_096)]
    window: Literal["hann-periodic", "hann-symmetric"] = _stated("hann-periodic")
    mel_scale: Literal["slaney", "htk", "none"]
    mel_norm: Literal["slaney", "none"]
    spectrum: Literal["power", "magnitude"]
    log: Literal["log10-1p", "log-offset", "log-floor", "log-zero", "db", "none"]
    log_scale: Positive = _stated(0.0)
    log_offset: Positive = _stated(0.0)
    log_floor: Positive = _stated(0.0)
    fmin: Frequency = _stated(0.0)
    fmax: Frequency
    mel_triangles: Literal["hertz", "mel"] = "hertz"
    exponent: Literal["one", "two", "half"] = "one"
    framing: Literal["centred", "from-zero"] = "centred"
    patch_norm: Literal["none", "z-score", "max", "top-db", "relative-db"] = "none"
    patch_range: Annotated[float, Meta(gt=0, le=1000)] = 80.0


class Waveform(_Part, frozen=True, tag_field="algorithm", tag="waveform"):
    """The front-end of a model that takes samples.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    """

    sample_rate: Rate


class Spectra(_Part, frozen=True, tag_field="algorithm", tag="stft"):
    """The front-end of a model that separates stems: magnitudes of short-time spectra.

    Window i begins at sample ``i * hop - frame``; windows are Hann's, periodic.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    frame, hop : int
        Samples of a window and between two windows.
    bins, channels : int
        The lowest bins of the spectrum, of each channel, that the model takes.
    exponent : float
        Of the magnitudes whose shares are the masks.
    above : {"average", "zeros"}
        Masks of the bins that the model does not take: the mean of the others, or 0.
    normalised : bool
        The outputs are logits, whose softmax over the stems gives the magnitudes' shares.
    """

    sample_rate: Rate
    frame: Samples
    hop: Annotated[int, Meta(ge=1, le=65_536)]
    bins: Annotated[int, Meta(ge=1, le=32_769)]
    channels: Annotated[int, Meta(ge=1, le=8)]
    exponent: Annotated[float, Meta(gt=0, le=10)] = 2.0
    above: Literal["average", "zeros"] = "zeros"
    normalised: bool = False


class CalibrationSource(_Part, frozen=True):
    """Where the ranges of an int8 model came from.

    Attributes
    ----------
    source : str
        A sentence about the recordings.
    recordings, patches : int
        How many of each.
    """

    source: Text
    recordings: Count
    patches: Count


class Drift(_Part, frozen=True):
    """How far an int8 model differs from its float original on recordings.

    Attributes
    ----------
    float_mean_abs_diff, float_max_abs_diff : float
        Over the activations of all labels and patches.
    top5_overlap : float
        How many of the five strongest labels of a patch the two share, on average.
    per_label : dict of str to float
        Mean absolute difference of each label.
    """

    float_mean_abs_diff: Share
    float_max_abs_diff: Share
    top5_overlap: Annotated[float, Meta(ge=0, le=5)]
    per_label: dict[str, Positive]


class Card(_Part, frozen=True, kw_only=True, rename={"labels": "classes"}):
    """A model's card.

    Attributes
    ----------
    name, link, version, description, license, author : str
    type : str
        The task, in the words of Essentia's cards: ``auto-tagging``, ``multi-class classifier``,
        ``regression model`` ...
    labels : tuple of str
        One for each element of the predictions, unless an output has its own; empty for a model
        that has an embedding only.
    model_types : tuple of str
        Of ``tflite-int8`` and ``tflite-float32``, or ``onnx``.
    dataset : Dataset
    schema : Schema
        The inputs and outputs.
    inference : FrontEnd, Waveform or Spectra
    patch_frames : int
        Mel frames that the model takes at once; samples for a waveform.
    default_hop : float
        Seconds between two results, unless the caller wants otherwise.
    silence_before : bool
        What was before a stream may count as silence: the model was trained on sounds that begin,
        after silence, within its window. A card that does not state it means no.
    embedding : str or None
        Name of the output that is used where one embedding is wanted.
    calibration : CalibrationSource or None
    sha256 : str
        Of the ``.tflite`` or ``.onnx`` file, in hexadecimal.
    quantisation : Drift or None
    email, release_date, framework, framework_version, programming_env, citation
        Essentia's further fields.

    Examples
    --------
    >>> from pyplugin.models import registry
    >>> card = registry.info("scene")
    >>> [(output.name, output.size) for output in card.outputs]
    [('activations', 7), ('logits', 7), ('embedding', 64)]
    >>> card.front_end.bands
    96
    """

    name: Text
    type: Text = _stated("auto-tagging")
    link: Text = _stated("none")
    version: Text = _stated("1")
    description: Text = _stated("none")
    license: Text = _stated("unknown")
    author: Text = _stated("unknown")
    labels: Labels = ()
    model_types: Annotated[tuple[ModelType, ...], Meta(min_length=1, max_length=2)]
    dataset: Dataset = field(default_factory=Dataset)
    schema: Schema
    inference: FrontEnd | Waveform | Spectra
    patch_frames: Size
    default_hop: Annotated[float, Meta(ge=0.001, le=3600)]
    silence_before: bool = False
    embedding: Text | None = None
    calibration: CalibrationSource | None = _stated(None)
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    quantisation: Drift | None = _stated(None)
    email: str = ""
    release_date: str = ""
    framework: str = ""
    framework_version: str = ""
    programming_env: dict[str, str] = {}
    citation: str = ""

    @property
    def inputs(self) -> tuple[InputTensor, ...]:
        """Those of the schema."""
        return self.schema.inputs

    @property
    def outputs(self) -> tuple[OutputTensor, ...]:
        """Those of the schema."""
        return self.schema.outputs

    @property
    def results(self) -> tuple[OutputTensor, ...]:
        """Outputs of predictions or regression values; a model of an embedding only has none.

        Examples
        --------
        >>> from pyplugin.models import registry
        >>> [output.name for output in registry.info("scene").results]
        ['activations']
        """
        named = ("predictions", "regression")
        return tuple(output for output in self.outputs if output.purpose in named)

    @property
    def front_end(self) -> FrontEnd:
        """The settings of the mel spectrogram.

        Raises
        ------
        ModelError
            The model takes a waveform, or separates stems.
        """
        if isinstance(self.inference, FrontEnd):
            return self.inference
        if isinstance(self.inference, Spectra):
            raise ModelError(
                f"{self.name} separates stems and has no labels; it is for 'tagnode separate' and "
                "'tagnode embed'."
            )
        raise ModelError(
            f"{self.name} takes a waveform; the models that run here take a mel spectrogram."
        )

    def output_named(self, name: str | None) -> OutputTensor:
        """Return an output by its name, or the card's embedding.

        Parameters
        ----------
        name : str or None
            None for `embedding`.

        Raises
        ------
        ModelError
            There is no such output, or the card has no embedding.

        Examples
        --------
        >>> from pyplugin.models import registry
        >>> registry.info("scene").output_named(None).name
        'embedding'
        """
        names = [output.name for output in self.outputs]
        wanted = name if name is not None else self.embedding
        if wanted is None:
            raise ModelError(
                f"{self.name} has no embedding of its own; name an output: {', '.join(names)}."
            )
        if wanted not in names:
            raise ModelError(
                f"{self.name} has no output {wanted!r}; choose one of {', '.join(names)}."
            )
        return self.outputs[names.index(wanted)]


def load_card(path: Path) -> Card:
    """Read and check a card.

    Raises
    ------
    ModelError
        The file cannot be read, is not JSON, or a field is missing, unknown or out of range; the
        message names the line and the field.
    """
    content = read_file(path, "card", SIZE_LIMIT)
    try:
        return parse_card(content.decode(), str(path))
    except UnicodeDecodeError:
        raise ModelError(f"{path} is not a card: it is not UTF-8 text.") from None


def parse_card(text: str, where: str = "") -> Card:
    """Check the JSON text of a card and return the card.

    Parameters
    ----------
    text : str
    where : str
        The file, for messages.

    Raises
    ------
    ModelError
        The text is not JSON, or a field is missing, unknown or out of range; the message names the
        line, the field, what was given, what is expected and an example.
    """
    try:
        return card_of(decoded(text))
    except ModelError as error:
        raise with_line(error, text, where) from None


def card_of(content: Mapping[str, Any]) -> Card:
    """Return the card of a JSON object, checked as by `parse_card`.

    Raises
    ------
    ModelError
        A field is missing, unknown or out of range, or two contradict each other.
    """
    card = converted(content, Card)
    for problem in _disagreements(card):
        raise ModelError(problem)
    return card


def render_card(card: Card) -> str:
    """Return the JSON text of a card, which `parse_card` reads back."""
    return json.dumps(msgspec.to_builtins(card), indent=1, ensure_ascii=False) + "\n"


def _disagreements(card: Card) -> Iterator[str]:
    """Yield a sentence for each pair of fields that contradict each other."""
    yield from _front_end_problems(card)
    groups: dict[str, Sequence[InputTensor | OutputTensor]]
    groups = {"inputs": card.inputs, "outputs": card.outputs}
    for place, tensors in groups.items():
        names = [tensor.name for tensor in tensors]
        if len(set(names)) != len(names):
            yield f"The card's 'schema.{place}' has two of one name."
        for number, tensor in enumerate(tensors):
            if tensor.shape[0] != 1:
                yield (
                    f"The card's 'schema.{place}[{number}].shape' is {list(tensor.shape)}, for "
                    f"{tensor.shape[0]} patches at once; expected 1."
                )
    yield from _label_problems(card)
    names = [output.name for output in card.outputs]
    if card.embedding is not None and card.embedding not in names:
        yield f"The card's 'embedding' is {card.embedding!r}; expected one of {', '.join(names)}."


def _front_end_problems(card: Card) -> Iterator[str]:
    end = card.inference
    shape = sorted(size for size in card.inputs[0].shape if size > 1)
    if isinstance(end, Waveform):
        expected, named = [card.patch_frames], "'patch_frames' makes"
    elif isinstance(end, Spectra):
        expected = [card.patch_frames, end.bins, end.channels]
        named = "'patch_frames', 'inference.bins' and 'inference.channels' make"
        if end.bins > end.frame // 2 + 1:
            yield (
                f"The card's 'inference.bins' is {end.bins}; a spectrum of {end.frame} samples has "
                f"{end.frame // 2 + 1}."
            )
    else:
        expected = [card.patch_frames, end.bands]
        named = "'patch_frames' and 'inference.bands' make"
        needed = LOG_PARAMETERS.get(end.log)
        if needed is not None and end.log != "log-offset" and getattr(end, needed) <= 0:
            yield (
                f"The card's 'inference.{needed}' is {getattr(end, needed):g}; a 'log' of "
                f"{end.log} needs more than 0."
            )
        if end.frame > end.fft:
            yield (
                f"The card's 'inference.frame' is {end.frame}, more than its 'inference.fft' of "
                f"{end.fft}."
            )
        if end.mel_scale == "none" and end.bands > end.fft // 2 + 1:
            yield (
                f"The card's 'inference.bands' is {end.bands}; a spectrum of 'inference.fft' "
                f"{end.fft} has at most {end.fft // 2 + 1}."
            )
        if end.mel_scale != "none" and not end.fmin < end.fmax <= end.sample_rate / 2:
            yield (
                f"The card's 'inference.fmax' is {end.fmax:g}; expected more than "
                f"'inference.fmin' ({end.fmin:g}) and at most half of the sample rate."
            )
    if shape != sorted(size for size in expected if size > 1):
        yield (
            f"The card's 'schema.inputs[0].shape' is {list(card.inputs[0].shape)}, but {named} it "
            f"[1, {', '.join(map(str, expected))}]."
        )


def _label_problems(card: Card) -> Iterator[str]:
    if len(set(card.labels)) != len(card.labels):
        twice = next(label for label in card.labels if card.labels.count(label) > 1)
        yield f"The card's 'classes' has {twice!r} twice; give each label a name of its own."
    for number, output in enumerate(card.outputs):
        place = f"The card's 'schema.outputs[{number}]'"
        labels = output.labels or card.labels
        if len(set(output.labels)) != len(output.labels):
            yield f"{place} has two 'classes' of one name."
        if output.purpose == "predictions" and output.size != len(labels):
            yield (
                f"{place} has {output.size} predictions, but 'classes' has {len(labels)} labels; "
                f"give {output.size}."
            )
        if output.labels and output.size != len(output.labels):
            yield f"{place} has {output.size} values, but {len(output.labels)} 'classes'."
        if output.range is not None and not output.range[0] < output.range[1]:
            yield f"{place} has the 'range' {list(output.range)}; expected [least, greatest]."
    if card.labels and all(output.labels for output in card.results):
        yield "The card has 'classes', but its 'schema.outputs' has none of predictions."
    if card.quantisation is not None and set(card.quantisation.per_label) != set(card.labels):
        yield "The card's 'quantisation.per_label' does not name the same as 'classes'."
