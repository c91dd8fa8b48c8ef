"""Other people's networks in the form of a node's models: a ``.tflite`` file with its card.

What a network is comes from its graph, see :mod:`pyplugin.models.recognition`, from a card beside
it, and from what the user gives, which wins.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from msgspec import structs

from pyplugin.errors import ModelError
from pyplugin.models.card import (
    Card,
    Dataset,
    FrontEnd,
    InputTensor,
    ModelType,
    OutputTensor,
    Schema,
    card_of,
    render_card,
)
from pyplugin.models.checking import SIZE_LIMIT, converted, decoded, explain
from pyplugin.models.folders import read_file
from pyplugin.models.frontends import PRESETS
from pyplugin.models.graphs.graph import Graph, Step, Value
from pyplugin.models.graphs.int8 import (
    LEAST_PATCHES,
    MOST_DRIFT,
    MOST_MEAN_DRIFT,
    quantised,
    source_of,
)
from pyplugin.models.graphs.lowering import tflite_of
from pyplugin.models.graphs.source import KeptFile, NetworkSource, graph_of
from pyplugin.models.import_options import ImportOptions
from pyplugin.models.labels import labels_of
from pyplugin.models.model import Model
from pyplugin.models.recognition import EMBEDDING, Found, System, model_name, recognise
from pyplugin.models.starts import Start
from pyplugin.support.arrays import Float32
from pyplugin.support.spelling import alternatives, nearest, slug

NO_PROBABILITIES = "Its values are not probabilities: they are a regression's, in its own unit."

_FINAL = {"softmax": "Softmax", "sigmoid": "Sigmoid", "logistic": "Sigmoid"}


def described(
    path: Path, source: NetworkSource, start: Start | None, options: ImportOptions
) -> tuple[Found, str]:
    """Return what is known of a network, and the layer of its predictions."""
    try:
        ends = _ends(source)
    except ModelError as error:
        raise type(error)(f"{path}: {error}") from None
    output = _output(path, ends, start, options.output, source)
    found = Found(
        {name: value.shape for name, value in source.inputs.items()},
        [end for end in ends if end[0] == output] or ends,
        _counted(source),
        start,
        source.title,
    )
    return found, output


def network_model(
    path: Path,
    source: NetworkSource,
    start: Start | None,
    options: ImportOptions,
    known: tuple[Found, str] | None = None,
) -> tuple[Card, bytes, list[str]]:
    """Return a network as a model: its card, the ``.tflite`` file and notes for the user.

    Parameters
    ----------
    path
        Names it in messages.
    source
        The network.
    start
        A card beside it.
    options
        What else is known.
    known
        What `described` returned, where it was called.

    Raises
    ------
    UntranslatedError
        An operator is not known, or has no counterpart.
    ModelError
        Something that has to be known is not.
    """
    found, output = known or described(path, source, start, options)
    system = recognise(found)
    front_end = _front_end(path, found, system, options)
    ends = {name: shape for name, _, shape in _ends(source) if name != output}
    outputs = _outputs(output, source.names, ends, start, system, options)
    graph = graph_to(path, source, outputs)
    frames, graph = _with_mel(path, graph, front_end)
    _check_patch(path, frames, options)
    kind = _FINAL.get(source.kind(output).lower(), "") or _activation(graph)
    plan = _Plan(path, start, system, options, front_end, frames, source.framework)
    flat = {name: value.size for name, value in graph.outputs.items()}
    card, notes = plan.card(flat, kind)
    flattened = _flattened(graph)
    if options.patches is not None:
        made = _quantised(flattened, card, options.patches, notes)
        if made is not None:
            return _hashed(*made), made[1], notes
    try:
        data = tflite_of(flattened, description=card.name)
    except ModelError as error:
        raise type(error)(f"{path}: {error}") from None
    return _hashed(card, data), data, notes


def _quantised(
    graph: Graph, card: Card, take: Callable[[Model], Sequence[Float32]], notes: list[str]
) -> tuple[Card, bytes] | None:
    """Return the model in int8, if that changes little; and say so."""
    mel = graph.inputs["mel"]
    patch = Value((1, mel.size))
    steps = [*graph.steps, Step("reshape", (mel,), patch, {"shape": patch.shape})]
    shown = tflite_of(replace(graph, outputs={**graph.outputs, "patch": patch}, steps=steps))
    extra = OutputTensor("patch", "float", patch.shape, "embeddings")
    schema = structs.replace(card.schema, outputs=(*card.outputs, extra))
    whole = structs.replace(card, schema=schema)
    rows = take(Model(card.name, Path(card.name), whole, shown))
    recordings = [np.asarray(each, np.float32).reshape(-1, *mel.shape[1:]) for each in rows]
    count = sum(map(len, recordings))
    if count < LEAST_PATCHES:
        raise ModelError(
            f"The recordings have {count} windows; at least {LEAST_PATCHES} are needed to "
            "calibrate a model."
        )
    made = quantised(graph, recordings, card.labels, description=card.name)
    if made is None:
        notes.append("It has no convolutions, so int8 would gain nothing; it stays float.")
        return None
    mean, most = made.drift.float_mean_abs_diff, made.drift.float_max_abs_diff
    what = f"its values differ from float by {mean:.4f} in the mean and {most:.3f} at the most"
    if mean > MOST_MEAN_DRIFT or most > MOST_DRIFT:
        notes.append(f"It stays float: in int8 {what}.")
        return None
    notes.append(f"It is int8 and runs in the callback; {what}.")
    changed = structs.replace(
        card,
        model_types=("tflite-int8",),
        calibration=source_of(recordings),
        quantisation=made.drift,
    )
    return changed, made.data


def _outputs(
    output: str,
    names: Sequence[str],
    ends: Mapping[str, tuple[int, ...]],
    start: Start | None,
    system: System | None,
    options: ImportOptions,
) -> dict[str, str]:
    """Return the layers that become outputs by the outputs' names, that of the results first.

    Parameters
    ----------
    output
        The layer of the results.
    names
        All layers.
    ends
        Shapes of the other layers that nothing reads.
    """
    layers = {slug(name) or f"layer-{i}": name for i, name in enumerate(options.layers, 1)}
    if _is_embedding(start, system, options):
        return {"embedding": output, **{k: v for k, v in layers.items() if k != "embedding"}}
    return {"activations": output, **(layers or _embedding(names, ends, start, system))}


def _is_embedding(start: Start | None, system: System | None, options: ImportOptions) -> bool:
    """Return whether the results of a network are an embedding, because nothing names them."""
    if options.labels is not None or options.known_labels or (start is not None and start.labels):
        return False
    if system is not None and (system.labels or system.type == EMBEDDING):
        return not system.labels
    purposes = {each.purpose for each in start.schema.outputs} if start is not None else set()
    return purposes == {"embeddings"}


def _embedding(
    names: Sequence[str],
    ends: Mapping[str, tuple[int, ...]],
    start: Start | None,
    system: System | None,
) -> dict[str, str]:
    """Return the layer that a network with labels has as its embedding, by the output's name."""
    described = start.schema.outputs if start is not None else ()
    stated = [each.name.removesuffix(":0") for each in described if each.purpose == "embeddings"]
    found = [name for name in stated if name in names]
    if not found and system is not None and system.embedding:
        found = [name for name in names if name.endswith(system.embedding)]
    if not found and system is not None and system.embedding_size:
        found = [name for name, shape in ends.items() if math.prod(shape) == system.embedding_size]
    return {"embedding": found[-1]} if found else {}


def _activation(graph: Graph) -> str:
    """Return the last operator of the results where it makes probabilities."""
    value = next(iter(graph.outputs.values()))
    made = {step.output: step for step in graph.steps}
    while value in made and made[value].kind in ("reshape", "transpose"):
        value = made[value].inputs[0]
    return _FINAL.get(made[value].kind, "") if value in made else ""


def _counted(source: NetworkSource) -> dict[str, int]:
    kinds: dict[str, int] = {}
    for name in source.names:
        kind = source.kind(name)
        kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


def _ends(source: NetworkSource) -> list[tuple[str, str, tuple[int, ...]]]:
    """Return the layers that nothing reads and that depend on the input."""
    found, problems = [], []
    for name in source.ends:
        try:
            value = source.value(name)
        except ModelError as error:
            problems.append(error)
            continue
        if value.constant is None and value.size > 0:
            found.append((name, source.kind(name), value.shape))
    if not found and problems:
        raise problems[0]
    return found


def _output(
    path: Path,
    ends: Sequence[tuple[str, str, tuple[int, ...]]],
    start: Start | None,
    wanted: str | None,
    source: NetworkSource,
) -> str:
    """Return the layer of the predictions."""
    if wanted is not None:
        return wanted
    names = [name for name, _, _ in ends]
    stated = _stated_output(start, source.names)
    if stated is not None:
        return stated
    final = [name for name, kind, _ in ends if kind.lower() in _FINAL]
    flat = [name for name, _, shape in ends if len(shape) == 2]
    for candidates in (final, flat, names):
        if len(candidates) == 1:
            return candidates[0]
    if not names:
        raise ModelError(f"{path}: no layer depends on the input.")
    listed = ", ".join(f"{name} {list(shape)}" for name, _, shape in ends)
    raise ModelError(f"{path} has several outputs; choose one by --output: {listed}.")


def _stated_output(start: Start | None, names: Sequence[str]) -> str | None:
    """Return the layer of the predictions that a card names, if it is among these."""
    for each in start.schema.outputs if start is not None else ():
        name = each.name.removesuffix(":0")
        if each.purpose == "predictions" and name in names:
            return name
    return None


def graph_to(path: Path, source: NetworkSource, outputs: dict[str, str]) -> Graph:
    """Return the network up to some layers, see :func:`graph_of`; errors name the file."""
    try:
        return graph_of(source, outputs)
    except ModelError as error:
        raise type(error)(f"{path}: {error}") from None


def _with_mel(path: Path, graph: Graph, front_end: FrontEnd) -> tuple[int, Graph]:
    """Put the input ``mel``, (1, frames, bands), before a network; return the frames too."""
    if len(graph.inputs) != 1:
        raise ModelError(f"{path} has the inputs {', '.join(graph.inputs)}; one is expected.")
    (value,) = graph.inputs.values()
    sizes = [size for size in value.shape if size > 1]
    bands = front_end.bands
    if len(sizes) != 2 or bands not in sizes:
        raise ModelError(
            f"{path} takes an array of shape {list(value.shape)}; the front-end has {bands} bands, "
            f"so [1, frames, {bands}] is expected."
        )
    turned = sizes[0] == bands and sizes[1] != bands
    frames = sizes[1] if turned else sizes[0]
    mel = Value((1, frames, bands), "mel")
    steps, last = [], mel
    if turned:
        last = Value((1, bands, frames))
        steps.append(Step("transpose", (mel,), last, {"axes": (0, 2, 1)}))
    steps.append(Step("reshape", (last,), value, {"shape": value.shape}))
    return frames, replace(graph, inputs={"mel": mel}, steps=[*steps, *graph.steps])


def _check_patch(path: Path, frames: int, options: ImportOptions) -> None:
    if options.patch not in (None, frames):
        raise ModelError(
            f"{path} takes {frames} mel frames at once, so --patch {options.patch} is not possible."
        )


def _flattened(graph: Graph) -> Graph:
    """Give every output the shape (1, n)."""
    steps, outputs = list(graph.steps), {}
    for name, value in graph.outputs.items():
        outputs[name] = Value((1, value.size))
        steps.append(Step("reshape", (value,), outputs[name], {"shape": (1, value.size)}))
    return replace(graph, outputs=outputs, steps=steps)


def stated_front_end(start: Start | None) -> FrontEnd | None:
    """Return the front-end of a card beside a file, where it has one and not a name only.

    Raises
    ------
    ModelError
        A field of it is missing, unknown or out of range.
    """
    content = start.content.get("inference") if start is not None else None
    if not isinstance(content, dict) or content.get("algorithm") != "mel":
        return None
    kept = {key: value for key, value in content.items() if not key.startswith("//")}
    try:
        return msgspec.convert(kept, FrontEnd)
    except msgspec.ValidationError as error:
        raise ModelError(explain(str(error), {"inference": kept}, Card, "inference")) from None


def _front_end(path: Path, found: Found, system: System | None, options: ImportOptions) -> FrontEnd:
    wanted = options.front_end
    if wanted is None:
        stated = stated_front_end(found.start)
        if stated is not None:
            return stated
        wanted = system.front_end if system is not None else None
    if wanted is None:
        taken = ", ".join(f"{name} {list(shape)}" for name, shape in found.inputs.items())
        given = ", ".join(f"{name} {list(shape)}" for name, _, shape in found.ends)
        if all(sum(size > 1 for size in shape) < 2 for shape in found.inputs.values()):
            raise ModelError(
                f"{path} takes {taken}: samples or an embedding, not mel frames; a network on an "
                "embedding of other operators than matrices and activations cannot be a head."
            )
        raise ModelError(
            f"{path} is not a network that is known here: it takes {taken} and returns {given}. "
            f"Name its front-end by --front-end: {alternatives(sorted(PRESETS))}, or a .json file "
            "with a card's 'inference'; --card-template writes a start of one."
        )
    if wanted.endswith(".json"):
        return _front_end_of(Path(wanted))
    if wanted not in PRESETS:
        raise ModelError(f"There is no front-end {wanted!r}; {nearest(wanted, PRESETS)}")
    return PRESETS[wanted]


def _front_end_of(path: Path) -> FrontEnd:
    try:
        content = decoded(read_file(path, "front-end", SIZE_LIMIT).decode("utf-8", "replace"))
        found: FrontEnd = converted(content.get("inference", content), FrontEnd)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    return found


# ---- files that are kept


def tflite_found(
    path: Path, file: KeptFile, start: Start | None, options: ImportOptions
) -> tuple[Found, str]:
    """Return what is known of a ``.tflite`` file, and the layer of its predictions."""
    ends = [(name, file.end_kind(name), shape) for name, shape in file.outputs.items()]
    final = [each for each in ends if each[1].lower() in _FINAL]
    stated = _stated_output(start, [name for name, _, _ in ends])
    if options.output is None and stated is None and len(ends) > 1 and len(final) != 1:
        listed = ", ".join(f"{name} {list(shape)}" for name, _, shape in ends)
        raise ModelError(f"{path} has several outputs; choose one by --output: {listed}.")
    output = options.output or stated or (final[0] if len(final) == 1 else ends[0])[0]
    return Found(file.inputs, [end for end in ends if end[0] == output], file.kinds, start), output


def tflite_model(
    path: Path, file: KeptFile, start: Start | None, options: ImportOptions
) -> tuple[Card, bytes, list[str]]:
    """Return a file that is kept in the form of a node's models; otherwise as `network_model`."""
    if options.patches is not None:
        raise ModelError(f"{path} keeps its own numbers; --calibrate is for other formats.")
    found, output = tflite_found(path, file, start, options)
    system = recognise(found)
    front_end = _front_end(path, found, system, options)
    names = [layer.name for layer in file.layers]
    others = {name: shape for name, shape in file.outputs.items() if name != output}
    sizes = [size for size in next(iter(file.inputs.values())) if size > 1]
    if len(sizes) != 2 or front_end.bands not in sizes:
        raise ModelError(
            f"{path} takes an array of shape {list(next(iter(file.inputs.values())))}; the "
            f"front-end has {front_end.bands} bands."
        )
    turned = sizes[0] == front_end.bands != sizes[1]
    frames = sizes[1] if turned else sizes[0]
    _check_patch(path, frames, options)
    outputs = _outputs(output, names, others, start, system, options)
    shapes = {layer.name: layer.shape for layer in file.layers}
    plan = _Plan(path, start, system, options, front_end, frames, file.framework, file.model_type)
    flat = {public: int(np.prod(shapes.get(name, (0,)))) for public, name in outputs.items()}
    card, notes = plan.card(flat, _FINAL.get(file.end_kind(output).lower(), ""))
    try:
        data = file.adapted(frames, front_end.bands, outputs, description=card.name)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    return _hashed(card, data), data, notes


# ---- models


@dataclass(frozen=True)
class _Plan:
    """All that a card is made of."""

    path: Path
    start: Start | None
    system: System | None
    options: ImportOptions
    front_end: FrontEnd
    frames: int
    framework: str
    model_type: ModelType = "tflite-float32"

    def card(self, sizes: dict[str, int], activation: str) -> tuple[Card, list[str]]:
        """Return the card for outputs of these sizes, without the hash; and notes."""
        start, system = self.start, self.system
        labels: tuple[str, ...] = ()
        notes: list[str] = []
        if "activations" in sizes:
            count = sizes["activations"]
            labels, notes = labels_of(self.path, count, start, system, self.options)
            if not activation:
                notes.append(NO_PROBABILITIES)
        licence = self.options.licence or stated(start, "license") or (system and system.licence)
        if not licence:
            notes.append("Its licence is not known; look it up before you share what it makes.")
        purpose: Literal["predictions", "regression"]
        purpose = "predictions" if activation else "regression"
        outputs = [
            OutputTensor(
                name,
                "float",
                (1, size),
                purpose if name == "activations" else "embeddings",
                op=activation if name == "activations" else "",
            )
            for name, size in sizes.items()
        ]
        seconds = self.frames * self.front_end.hop / self.front_end.sample_rate
        stated_hop = start.content.get("default_hop") if start is not None else None
        hop = self.options.hop or stated_hop or (system.hop if system is not None else seconds / 2)
        dataset = start.content.get("dataset") if start is not None else None
        card = Card(
            name=self.options.name or _file_name(self.path),
            type=(
                start.type if start and start.type else system.type if system else "auto-tagging"
            ),
            link=(start.link if start and start.link else system.link if system else "") or "none",
            version=str(start.version) if start is not None and start.version else "1",
            description=self._description(),
            license=licence or "unknown",
            author=start.author if start is not None and start.author else "unknown",
            labels=labels,
            model_types=(self.model_type,),
            dataset=_dataset(dataset),
            schema=Schema(
                (InputTensor("mel", "float", (1, self.frames, self.front_end.bands)),),
                tuple(outputs),
            ),
            inference=self.front_end,
            patch_frames=self.frames,
            default_hop=hop,
            embedding=next((name for name in sizes if name != "activations"), None),
            calibration=None,
            sha256="0" * 64,
            quantisation=None,
            framework=self.framework,
        )
        return card, notes

    def _description(self) -> str:
        if self.start is not None and self.start.description:
            return self.start.description
        what = self.system.name if self.system is not None else "A network"
        return f"{what}, imported from {self.path.name}."


def stated(start: Start | None, key: str) -> str:
    """Return a text of the card beside a file, or nothing."""
    value = start.content.get(key) if start is not None else None
    return value if isinstance(value, str) else ""


def _dataset(content: Any) -> Dataset:
    """Return the dataset of a card beside the file, or what stands for one that is not known."""
    if isinstance(content, dict):
        try:
            found: Dataset = converted({"citation": "none", "metrics": {}, **content}, Dataset)
        except ModelError:
            return Dataset(str(content.get("name") or "unknown"), "none", "unknown", {})
        return found
    return Dataset("unknown", "none", "unknown", {})


def stem_of(path: Path) -> str:
    """Return the name of a file without its end, or of its folder if that says nothing.

    Examples
    --------
    >>> stem_of(Path("mood/model.json")), stem_of(Path("mood.pb"))
    ('mood', 'mood')
    """
    unsaid = path.stem in ("model", "network", "saved_model") or path.name.startswith(".")
    return path.absolute().parent.name if unsaid else path.stem


def _file_name(path: Path) -> str:
    """Return the name of a model by that of its file."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", model_name(stem_of(path))).strip("-._")
    if not name:
        raise ModelError(f"{path}: name the model by --name.")
    return name


def _hashed(card: Card, data: bytes) -> Card:
    """Return the card with the hash of its file, checked."""
    content = decoded(render_card(card))
    return card_of({**content, "sha256": hashlib.sha256(data).hexdigest()})
