"""Cards: what a model is, what it hears, what it answers; a JSON file beside each ``.tflite``.

The format follows Essentia's model cards, with fields of ours for patches, embedding, quantisation
and the hash of the model. A card is as untrusted as its model: every field is checked.
"""

import json
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyplugin.errors import ModelError

__all__ = [
    "CalibrationSource",
    "Card",
    "Dataset",
    "Drift",
    "FrontEnd",
    "Input",
    "Output",
    "load_card",
    "parse_card",
    "render_card",
]

MODEL_TYPES = ("tflite-int8", "tflite-float32")
PURPOSES = ("predictions", "logits", "embeddings")
_SIZE_LIMIT = 1 << 20  # of a card in bytes; ours have about 6000
_LABEL_LIMIT = 10_000
_HUGE = 1e9


@dataclass(frozen=True)
class Dataset:
    """What a model was trained on, and how well it then did there.

    Attributes
    ----------
    name, citation, size : str
    metrics : dict of str to float
        Published figures by name.
    """

    name: str
    citation: str
    size: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class Input:
    """An input of the graph: its signature name, type and shape."""

    name: str
    type: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Output:
    """An output of the graph, float32 of shape (1, size).

    Attributes
    ----------
    name : str
        Its signature name.
    size : int
    purpose : {"predictions", "logits", "embeddings"}
    """

    name: str
    size: int
    purpose: str


@dataclass(frozen=True)
class FrontEnd:
    """How sound becomes the frames that a model reads.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    algorithm : {"mel"}
    frame, fft, hop : int
        Samples of a window, of its transform and between two windows.
    bands : int
        Mel bands a frame.
    window : {"hann-periodic", "hann-symmetric"}
    mel_scale : {"slaney", "htk"}
    mel_norm : {"slaney", "none"}
    spectrum : {"power", "magnitude"}
    log : {"log10-1p", "log-offset", "db", "none"}
        ``log10(1 + log_scale*x)``, ``ln(x + log_offset)``, ``10*log10(max(x, log_floor))`` or x.
    log_scale, log_offset, log_floor : float
    fmin, fmax : float
        Edges of the lowest and highest band in Hz.
    """

    sample_rate: int
    algorithm: str
    frame: int
    fft: int
    hop: int
    bands: int
    window: str
    mel_scale: str
    mel_norm: str
    spectrum: str
    log: str
    log_scale: float
    log_offset: float
    log_floor: float
    fmin: float
    fmax: float


@dataclass(frozen=True)
class CalibrationSource:
    """Where the ranges of an int8 model came from.

    Attributes
    ----------
    source : str
        A sentence about the sound.
    recordings, patches : int
        How many of each.
    """

    source: str
    recordings: int
    patches: int


@dataclass(frozen=True)
class Drift:
    """How far an int8 model strays from its float original on sound.

    Attributes
    ----------
    float_mean_abs_diff, float_max_abs_diff : float
        Over the activations of all labels and patches.
    top5_overlap : float
        How many of the five strongest labels of a patch the two share, on average.
    per_label : dict of str to float
        Mean absolute difference of each label.
    """

    float_mean_abs_diff: float
    float_max_abs_diff: float
    top5_overlap: float
    per_label: dict[str, float]


@dataclass(frozen=True)
class Card:
    """A model's card.

    Attributes
    ----------
    name, link, version, description, license, author : str
    labels : tuple of str
        One for each element of the predictions.
    model_types : tuple of str
        Of ``tflite-int8`` and ``tflite-float32``.
    dataset : Dataset
    inputs : tuple of Input
    outputs : tuple of Output
    front_end : FrontEnd
    patch_frames : int
        Frames that the model sees at once.
    default_hop : float
        Seconds between two answers, unless the caller wants otherwise.
    embedding : str
        The output that stands for the sound where one vector is wanted.
    calibration : CalibrationSource or None
    sha256 : str
        Of the ``.tflite`` file, in hexadecimal.
    quantisation : Drift or None
    type : {"auto-tagging"}
    silence_before : bool
        What was before a stream may be taken for silence: the model learnt sounds that begin,
        after silence, within its window. A card that does not say it means no.
    """

    name: str
    link: str
    version: str
    description: str
    license: str
    author: str
    labels: tuple[str, ...]
    model_types: tuple[str, ...]
    dataset: Dataset
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    front_end: FrontEnd
    patch_frames: int
    default_hop: float
    embedding: str
    calibration: CalibrationSource | None
    sha256: str
    quantisation: Drift | None
    type: str = field(default="auto-tagging")
    silence_before: bool = False


def load_card(path: Path) -> Card:
    """Read and check a card.

    Raises
    ------
    ModelError
        When the file cannot be read, is no JSON, or a field is missing, unknown or out of range;
        the message names the field.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_SIZE_LIMIT + 1)
    except OSError as error:
        raise ModelError(f"Cannot read the card {path}: {error.strerror}.") from error
    if len(content) > _SIZE_LIMIT:
        raise ModelError(f"{path} is larger than a card may be ({_SIZE_LIMIT} bytes).")
    try:
        return parse_card(content.decode())
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except UnicodeDecodeError:
        raise ModelError(f"{path} is not a card: it is not UTF-8 text.") from None


def parse_card(text: str) -> Card:
    """Check the JSON text of a card and return the card.

    Raises
    ------
    ModelError
        When the text is no JSON, or a field is missing, unknown or out of range; the message
        names the field.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"Not a card: {error}.") from None
    fields = _Fields(content, "")
    fields.text("type", ("auto-tagging",))
    card = Card(
        name=fields.text("name"),
        link=fields.text("link"),
        version=fields.text("version"),
        description=fields.text("description"),
        license=fields.text("license"),
        author=fields.text("author"),
        labels=fields.texts("classes", _LABEL_LIMIT),
        model_types=fields.texts("model_types", len(MODEL_TYPES), MODEL_TYPES),
        dataset=_parse_dataset(fields.group("dataset")),
        front_end=_parse_front_end(fields.group("inference")),
        patch_frames=fields.integer("patch_frames", 1, 100_000),
        default_hop=fields.number("default_hop", 0.001, 3600.0),
        embedding=fields.text("embedding"),
        calibration=_parse_calibration(fields.optional_group("calibration")),
        sha256=fields.text("sha256"),
        quantisation=_parse_drift(fields.optional_group("quantisation")),
        silence_before=fields.flag("silence_before"),
        **_parse_schema(fields.group("schema")),
    )
    fields.finish()
    _check_agreement(card)
    return card


def render_card(card: Card) -> str:
    """Return the JSON text of a card, which `parse_card` reads back."""
    calibration, drift = card.calibration, card.quantisation
    content = {
        "name": card.name,
        "type": card.type,
        "link": card.link,
        "version": card.version,
        "description": card.description,
        "license": card.license,
        "author": card.author,
        "classes": card.labels,
        "model_types": card.model_types,
        "dataset": vars(card.dataset),
        "schema": {
            "inputs": [vars(tensor) for tensor in card.inputs],
            "outputs": [
                {
                    "name": output.name,
                    "type": "float",
                    "shape": [1, output.size],
                    "output_purpose": output.purpose,
                }
                for output in card.outputs
            ],
        },
        "inference": vars(card.front_end),
        "patch_frames": card.patch_frames,
        "default_hop": card.default_hop,
        **({"silence_before": True} if card.silence_before else {}),
        "embedding": card.embedding,
        "calibration": None if calibration is None else vars(calibration),
        "sha256": card.sha256,
        "quantisation": None if drift is None else vars(drift),
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


class _Fields:
    """Takes fields out of one JSON object and complains by name."""

    def __init__(self, content: object, path: str) -> None:
        if not isinstance(content, dict):
            raise ModelError(f"The card's {path or 'content'} must be an object.")
        self._left: dict[str, Any] = dict(content)
        self._prefix = f"{path}." if path else ""

    def text(self, key: str, choices: Sequence[str] = ()) -> str:
        value = self._take(key)
        if not isinstance(value, str) or not value:
            raise self._wrong(key, value, "some text")
        if choices and value not in choices:
            raise self._wrong(key, value, "one of " + ", ".join(choices))
        return value

    def texts(self, key: str, limit: int, choices: Sequence[str] = ()) -> tuple[str, ...]:
        values = self.items(key, limit)
        for value in values:
            if not isinstance(value, str) or not value or (choices and value not in choices):
                expected = "texts" + (" of " + ", ".join(choices) if choices else "")
                raise self._wrong(key, value, expected)
        if len(set(values)) != len(values):
            raise self._wrong(key, values, "texts that all differ")
        return tuple(values)

    def items(self, key: str, limit: int) -> list[Any]:
        values = self._take(key)
        if not isinstance(values, list) or not 1 <= len(values) <= limit:
            raise self._wrong(key, values, f"a list of 1 to {limit}")
        return values

    def integer(self, key: str, least: int, greatest: int) -> int:
        value = self._take(key)
        if type(value) is not int or not least <= value <= greatest:
            raise self._wrong(key, value, f"a whole number from {least} to {greatest}")
        return value

    def number(self, key: str, least: float, greatest: float) -> float:
        value = self._take(key)
        if type(value) not in (int, float) or not least <= value <= greatest:
            raise self._wrong(key, value, f"a number from {least:g} to {greatest:g}")
        return float(value)

    def flag(self, key: str) -> bool:
        """Take true or false; a flag that is not there is false."""
        value = self._left.pop(key, False)
        if not isinstance(value, bool):
            raise self._wrong(key, value, "true or false")
        return value

    def numbers(self, key: str) -> dict[str, float]:
        """Take an object whose values are finite numbers, not negative."""
        value = self._take(key)
        if not isinstance(value, dict):
            raise self._wrong(key, value, "an object")
        inner = _Fields(value, self._prefix + key)
        return {name: inner.number(name, 0.0, _HUGE) for name in value}

    def shape(self, key: str, rank: int) -> tuple[int, ...]:
        value = self._take(key)
        fits = isinstance(value, list) and len(value) == rank
        if not fits or not all(type(size) is int and 1 <= size <= 1_000_000 for size in value):
            raise self._wrong(key, value, f"{rank} positive sizes")
        return tuple(value)

    def group(self, key: str) -> "_Fields":
        return _Fields(self._take(key), self._prefix + key)

    def optional_group(self, key: str) -> "_Fields | None":
        value = self._take(key)
        return None if value is None else _Fields(value, self._prefix + key)

    def groups(self, key: str, limit: int) -> list["_Fields"]:
        items = self.items(key, limit)
        return [_Fields(v, f"{self._prefix}{key}[{number}]") for number, v in enumerate(items)]

    def finish(self) -> None:
        """Refuse what nothing has taken."""
        for key in self._left:
            raise ModelError(f"The card has an unknown field {self._prefix + key!r}.")

    def _take(self, key: str) -> Any:
        try:
            return self._left.pop(key)
        except KeyError:
            raise ModelError(f"The card has no field {self._prefix + key!r}.") from None

    def _wrong(self, key: str, value: object, expected: str) -> ModelError:
        shown = repr(value)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        return ModelError(f"The card's {self._prefix + key!r} is {shown}; expected {expected}.")


def _parse_dataset(fields: _Fields) -> Dataset:
    dataset = Dataset(
        fields.text("name"), fields.text("citation"), fields.text("size"), fields.numbers("metrics")
    )
    fields.finish()
    return dataset


def _parse_front_end(fields: _Fields) -> FrontEnd:
    front_end = FrontEnd(
        sample_rate=fields.integer("sample_rate", 8_000, 192_000),
        algorithm=fields.text("algorithm", ("mel",)),
        frame=fields.integer("frame", 16, 65_536),
        fft=fields.integer("fft", 16, 65_536),
        hop=fields.integer("hop", 1, 65_536),
        bands=fields.integer("bands", 1, 4_096),
        window=fields.text("window", ("hann-periodic", "hann-symmetric")),
        mel_scale=fields.text("mel_scale", ("slaney", "htk")),
        mel_norm=fields.text("mel_norm", ("slaney", "none")),
        spectrum=fields.text("spectrum", ("power", "magnitude")),
        log=fields.text("log", ("log10-1p", "log-offset", "db", "none")),
        log_scale=fields.number("log_scale", 0.0, _HUGE),
        log_offset=fields.number("log_offset", 0.0, _HUGE),
        log_floor=fields.number("log_floor", 0.0, _HUGE),
        fmin=fields.number("fmin", 0.0, 96_000.0),
        fmax=fields.number("fmax", 0.0, 96_000.0),
    )
    fields.finish()
    if front_end.frame > front_end.fft:
        raise ModelError(
            f"The card's 'inference.frame' is {front_end.frame}, "
            f"more than its 'inference.fft' of {front_end.fft}."
        )
    if not front_end.fmin < front_end.fmax <= front_end.sample_rate / 2:
        raise ModelError(
            f"The card's 'inference.fmax' is {front_end.fmax:g}; expected more than "
            f"'inference.fmin' ({front_end.fmin:g}) and at most half of the sample rate."
        )
    return front_end


def _parse_calibration(fields: _Fields | None) -> CalibrationSource | None:
    if fields is None:
        return None
    source = CalibrationSource(
        fields.text("source"),
        fields.integer("recordings", 1, 10**9),
        fields.integer("patches", 1, 10**9),
    )
    fields.finish()
    return source


def _parse_drift(fields: _Fields | None) -> Drift | None:
    if fields is None:
        return None
    drift = Drift(
        fields.number("float_mean_abs_diff", 0.0, 1.0),
        fields.number("float_max_abs_diff", 0.0, 1.0),
        fields.number("top5_overlap", 0.0, 5.0),
        fields.numbers("per_label"),
    )
    fields.finish()
    return drift


def _parse_schema(fields: _Fields) -> dict[str, Any]:
    inputs, outputs = [], []
    for item in fields.groups("inputs", 1):
        inputs.append(
            Input(item.text("name"), item.text("type", ("float",)), item.shape("shape", 3))
        )
        item.finish()
    for item in fields.groups("outputs", 16):
        name = item.text("name")
        item.text("type", ("float",))
        batch, size = item.shape("shape", 2)
        if batch != 1:
            raise ModelError(f"The card's output {name!r} is for {batch} patches; expected 1.")
        outputs.append(Output(name, size, item.text("output_purpose", PURPOSES)))
        item.finish()
    fields.finish()
    return {"inputs": tuple(inputs), "outputs": tuple(outputs)}


def _check_agreement(card: Card) -> None:
    """Refuse a card whose fields contradict each other."""
    if len(card.sha256) != 64 or not set(card.sha256) <= set(string.hexdigits.lower()):
        raise ModelError("The card's 'sha256' is not 64 hexadecimal digits in lower case.")
    expected = (1, card.patch_frames, card.front_end.bands)
    if card.inputs[0].shape != expected:
        raise ModelError(
            f"The card's 'schema.inputs[0].shape' is {list(card.inputs[0].shape)}, but "
            f"'patch_frames' and 'inference.bands' make it {list(expected)}."
        )
    names = [output.name for output in card.outputs]
    if len(set(names)) != len(names):
        raise ModelError("The card's 'schema.outputs' has two outputs of one name.")
    predictions = [output for output in card.outputs if output.purpose == "predictions"]
    if len(predictions) != 1 or predictions[0].size != len(card.labels):
        raise ModelError(
            "The card's 'schema.outputs' must have one output of predictions, "
            f"as large as 'classes' ({len(card.labels)})."
        )
    if card.embedding not in names:
        raise ModelError(
            f"The card's 'embedding' is {card.embedding!r}; expected one of {', '.join(names)}."
        )
    if card.quantisation is not None and set(card.quantisation.per_label) != set(card.labels):
        raise ModelError("The card's 'quantisation.per_label' does not name the same as 'classes'.")
