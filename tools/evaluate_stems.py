"""Evaluate a model of stems on a folder with known stems, laid out as MUSDB18-HQ is.

    python tools/evaluate_stems.py FOLDER [--model spleeter-2stems] [--wiener 1] [--json FILE]

FOLDER holds a folder for each track, itself or in `test`, with mixture.wav (or none: the sum of the
stems) and a .wav for each stem: vocals, drums, bass, other. What a model does not name apart, such
as an accompaniment, is the sum of all stems that it does not name. For each stem it prints SDR,
ISR, SIR and SAR by museval (BSS Eval v4: medians over windows of 1 s, then over tracks), and SI-SDR
with its improvement over the mixture (Le Roux et al., 2019). Needs `pip install
'tagnode[evaluate]'`.

museval solves for filters of 512 samples between all channels. Where two channels are nearly the
same, or have nothing above some frequency, the equations are singular and what it returns is no
solution: SIR, SAR and ISR are wrong by many dB, without a warning. So each reference gets noise 80
dB below it; docs/stems.md has the figures.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

import pyplugin
from pyplugin.errors import PypluginError
from pyplugin.inputs.files import load
from pyplugin.stems.network import StemNetwork
from pyplugin.support.optional import need

Audio = npt.NDArray[np.float32]
MEASURES = ("SDR", "ISR", "SIR", "SAR")
REST = ("accompaniment", "other")
"""Stems that may stand for all that a model does not name."""


def si_sdr(estimate: Audio, reference: Audio) -> float:
    """Return the scale-invariant signal-to-distortion ratio in dB, of all channels together."""
    want, got = (x.astype(np.float64).ravel() for x in (reference, estimate))
    power = float(want @ want)
    if power == 0:
        return float("nan")
    target = want * (got @ want) / power
    rest = got - target
    return float(10 * np.log10((target @ target) / max(float(rest @ rest), 1e-20)))


def with_noise(stems: Audio, level_db: float = -80.0) -> npt.NDArray[np.float64]:
    """Return stems, each with noise relative to its own level, independent in all channels."""
    noise = np.random.default_rng(1).normal(size=stems.shape)
    levels = np.sqrt(np.mean(np.square(stems, dtype=np.float64), axis=(1, 2), keepdims=True))
    return np.asarray(stems + 10 ** (level_db / 20) * levels * noise)


def references(stems: Mapping[str, Audio], names: tuple[str, ...]) -> dict[str, Audio]:
    """Return the known stems under a model's names.

    Raises
    ------
    PypluginError
        The folder lacks one of them.
    """
    found: dict[str, Audio] = {}
    for name in names:
        others = [audio for stem, audio in stems.items() if stem not in names]
        if name in stems:
            found[name] = stems[name] + (sum(others) if name == "other" and others else 0)
        elif name in REST and others:
            found[name] = np.sum(others, axis=0)
        else:
            raise PypluginError(f"The track has no stem {name}: it has {', '.join(stems)}.")
    return found


def tracks(folder: Path) -> Iterator[Path]:
    """Yield the folders of the tracks.

    Raises
    ------
    PypluginError
        There are none.
    """
    place = folder / "test" if (folder / "test").is_dir() else folder
    found = sorted(path.parent for path in place.glob("*/vocals.wav"))
    if not found:
        raise PypluginError(f"{place} has no folder with vocals.wav; MUSDB18-HQ has one a track.")
    yield from found


def evaluate(track: Path, network: StemNetwork, wiener: int) -> dict[str, dict[str, float]]:
    """Return the measures of each stem of a track."""
    museval = need("museval", package="museval", extra="evaluate", purpose="Evaluating stems")
    read = {path.stem: load(path) for path in sorted(track.glob("*.wav"))}
    rate = next(iter(read.values()))[1]
    stems = {name: audio for name, (audio, _) in read.items() if name != "mixture"}
    mix = read["mixture"][0] if "mixture" in read else np.sum(list(stems.values()), axis=0)
    want = references(stems, network.stems)
    got = pyplugin.separate(mix, rate, model=network, wiener=wiener).stems
    ordered = [np.stack([each[name].T for name in network.stems]) for each in (want, got)]
    scores = museval.evaluate(with_noise(ordered[0]), ordered[1], win=rate, hop=rate)
    return {
        name: {
            **{each: float(np.nanmedian(scores[k][index])) for k, each in enumerate(MEASURES)},
            "SI-SDR": si_sdr(got[name], want[name]),
            "SI-SDR improvement": si_sdr(got[name], want[name]) - si_sdr(mix, want[name]),
        }
        for index, name in enumerate(network.stems)
    }


def main() -> int:
    """Print a table; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="spleeter-2stems")
    parser.add_argument("--wiener", type=int, default=0, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    try:
        network = StemNetwork(given.model)
        found = {}
        for track in tracks(given.folder):
            found[track.name] = evaluate(track, network, given.wiener)
            print(f"{track.name} ...", file=sys.stderr)
    except PypluginError as error:
        print(f"evaluate_stems: {error}", file=sys.stderr)
        return error.exit_code
    names = [*MEASURES, "SI-SDR", "SI-SDR improvement"]
    print(f"{'stem':<16}" + "".join(f"{name:>20}" for name in names))
    for stem in network.stems:
        medians = [np.nanmedian([each[stem][name] for each in found.values()]) for name in names]
        print(f"{stem:<16}" + "".join(f"{value:>17.2f} dB" for value in medians))
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
