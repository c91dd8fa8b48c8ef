"""Names of descriptors: every output, preset, option and page makes and reads them here.

==========================  ====================================================================
``tag.<model>.<label>``     the activation of a model's label, 0 to 1
``tag.<label>``             the same, short: of the first model that has the label
``head.<name>.<label>``     the activation of a head's label, 0 to 1
``signal.<name>``           a measured value, in its unit
``stem.<stem>.<name>``      the same of one stem of the recording, such as its vocals
==========================  ====================================================================

Labels stand as slugs, models, heads and signals as they are called.
"""

from collections.abc import Iterable

from pyplugin.support.spelling import nearest, slug

KINDS = ("tag", "head", "signal", "stem")
"""What the first part of a name can be."""


def tag_name(label: str, model: str | None = None) -> str:
    """Return the name of a model's label; without a model the short one.

    Examples
    --------
    >>> tag_name("Female Vocal", "musicnn-mtt")
    'tag.musicnn-mtt.female-vocal'
    >>> tag_name("Female Vocal")
    'tag.female-vocal'
    """
    return f"tag.{slug(label)}" if model is None else f"tag.{model}.{slug(label)}"


def head_name(head: str, label: str) -> str:
    """Return the name of a head's label.

    Examples
    --------
    >>> head_name("mood", "Very Happy")
    'head.mood.very-happy'
    """
    return f"head.{head}.{slug(label)}"


def signal_name(signal: str) -> str:
    """Return the name of a measured descriptor.

    Examples
    --------
    >>> signal_name("rms_db")
    'signal.rms_db'
    """
    return f"signal.{signal.removeprefix('signal.')}"


def kind_of(name: str) -> str | None:
    """Return one of :data:`KINDS`, ``None`` for what names no descriptor.

    Examples
    --------
    >>> kind_of("tag.vocal"), kind_of("gain.gain_db")
    ('tag', None)
    """
    kind, dot, rest = name.partition(".")
    return kind if kind in KINDS and dot and rest else None


def is_signal(name: str) -> bool:
    """Return whether a name is that of a measured descriptor, also of a stem."""
    return kind_of(name) in ("signal", "stem")


def stem_name(stem: str, signal: str) -> str:
    """Return the name of a measured descriptor of a stem.

    Examples
    --------
    >>> stem_name("vocals", "signal.rms_db")
    'stem.vocals.rms_db'
    """
    return f"stem.{stem}.{signal.removeprefix('signal.')}"


def measured_of(name: str) -> tuple[str, str] | None:
    """Return the stem (``""`` for the recording itself) and the signal of a measured descriptor.

    Examples
    --------
    >>> measured_of("stem.vocals.rms_db"), measured_of("signal.rms_db"), measured_of("tag.voice")
    (('vocals', 'rms_db'), ('', 'rms_db'), None)
    """
    kind, _, rest = name.partition(".")
    if kind == "signal":
        return "", rest
    stem, dot, signal = rest.partition(".")
    return (stem, signal) if kind == "stem" and dot else None


def short_name(name: str) -> str:
    """Return a name without its model; names of heads and signals have none.

    Examples
    --------
    >>> short_name("tag.musicnn-mtt.vocal"), short_name("head.mood.happy")
    ('tag.vocal', 'head.mood.happy')
    """
    return f"tag.{name.rpartition('.')[2]}" if kind_of(name) == "tag" else name


def owner_of(name: str) -> str:
    """Return the model or head that a name has; ``""`` for a short name.

    Names of models may have dots, slugs of labels have none.

    Examples
    --------
    >>> owner_of("tag.net-1.5.wren"), owner_of("tag.wren"), owner_of("head.mood.happy")
    ('net-1.5', '', 'mood')
    """
    return name.partition(".")[2].rpartition(".")[0]


def accepted_names(names: Iterable[str]) -> dict[str, str]:
    """Return what each accepted spelling stands for, short names first.

    Parameters
    ----------
    names
        Full names, in the order of their models.

    Returns
    -------
    dict
        Full name by accepted name. A short name is that of the first model that has the label.

    Examples
    --------
    >>> accepted_names(["tag.a.vocal", "tag.b.vocal"])["tag.vocal"]
    'tag.a.vocal'
    """
    full = list(names)
    accepted: dict[str, str] = {}
    for name in full:
        accepted.setdefault(short_name(name), name)
    accepted.update({name: name for name in full})
    return accepted


def unknown(name: str, names: Iterable[str], signals: Iterable[str]) -> str:
    """Return the sentence on a name that is not among ``names`` and ``signals``, full names.

    It names what the model or the head has, and the nearest of it.
    """
    full = list(names)
    kind = kind_of(name)
    models = list(dict.fromkeys(owner_of(each) for each in full if kind_of(each) == "tag"))
    if kind == "stem":
        found = measured_of(name)
        known = [each.removeprefix("signal.") for each in signals]
        if found is None or not found[0]:
            return f"{name!r} names no stem and signal; stem.vocals.rms_db does."
        return f"There is no signal {found[1]!r} of a stem; {nearest(found[1], known)}"
    if kind == "signal":
        return f"There is no signal {name!r}; {nearest(name, signals)}"
    if kind == "head":
        heads = [each for each in full if kind_of(each) == "head"]
        if not heads:
            return f"There is no head {name!r} without a model and its heads; name one."
        return f"There is no head {name!r}; {nearest(name, heads)}"
    if not full:
        return f"There is no descriptor {name!r} without a model; {nearest(name, signals)}"
    if kind == "tag" and name.count(".") > 1:
        return f"There is no descriptor {name!r}; {nearest(name, full)}"
    short = dict.fromkeys(short_name(each) for each in full)
    return f"{' and '.join(models)} has no descriptor {name!r}; {nearest(name, short)}"
