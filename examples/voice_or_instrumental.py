"""Voice or instrumental: train a head on a corpus that says when somebody sings."""

import argparse
import csv
from pathlib import Path

import numpy as np

from pyplugin.outputs.audio_files import AudioWriter
from pyplugin.training.corpus import LABELS, Clip, read_clips, read_samples, window_targets
from pyplugin.training.heads.train import train_head

SECONDS = 6
SINGING, MUSIC = LABELS.index("singing"), LABELS.index("music")


def cut(recordings: list[Clip], truth: Path) -> Path:
    """Cut clips of recordings that are sung, or music without voice; write which is which."""
    rows = [("path", "label", "artist")]
    for clip in recordings:
        starts = np.arange(0, clip.seconds - SECONDS, SECONDS)
        wanted = window_targets(clip, starts, SECONDS)
        sung = wanted[:, SINGING] == 1
        played = (wanted[:, SINGING] == 0) & (wanted[:, MUSIC] == 1)
        most = None if clip.category == "song" else 1  # there are few songs
        samples, rate = read_samples(clip.path)
        for label, found in (("voice", starts[sung]), ("instrumental", starts[played][:most])):
            for start in found:
                path = truth.with_name(f"{clip.path.stem}-{start:.0f}s.wav")
                first = round(start * rate)
                with AudioWriter(path, rate, 1) as writer:
                    writer.write(samples[None, first : first + SECONDS * rate])
                rows.append((path.name, label, clip.group))
    with truth.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return truth


def main() -> None:
    """Train on one split of the corpus, and try the head on the artists of the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path, help="folder for clips, head and report")
    parser.add_argument("--model", default="musicnn-mtt")
    options = parser.parse_args()

    options.out.mkdir(exist_ok=True)
    truths = {}
    for split in ("train", "test"):
        music = [c for c in read_clips(options.corpus, split) if c.category in ("song", "music")]
        truths[split] = cut(music, options.out / f"{split}.csv")
    done = train_head(
        truths["train"],
        model=options.model,
        out=str(options.out / f"voice-{options.model}.head"),
        classifier="logistic",
        external=truths["test"],
    )
    print(f"{100 * done.balanced_accuracy:.1f} % in folds, other artists each time")
    print(f"{100 * (done.external or 0):.1f} % on the artists of {truths['test']}")
    print(done.head, done.page, sep="\n")


if __name__ == "__main__":
    main()
