"""YAMNet, Google's tagger of AudioSet's classes, in int8 as published for Coral's boards."""

from __future__ import annotations

from pathlib import Path

from pyplugin.models.download import PublishedFile
from pyplugin.models.importers.importer import BuildRequest, Built, Needs, Summary, register
from pyplugin.models.recognition import audioset_labels

_REVISION = "c9f665b0a8b973d35cb9d383b3e92e9f14b4dd72"
FILE = PublishedFile(
    "https://raw.githubusercontent.com/google-coral/coralmicro/"
    f"{_REVISION}/models/yamnet_spectra_in.tflite",
    "0a266465c46718f3fcc4137366be82882a8c93bfcc4f0278581a11d11dddcdf9",
    4_047_424,
)
_LICENCE = "Apache-2.0"


@register
class Yamnet:
    """Puts the published file into the form of a node's models."""

    def names(self) -> dict[str, Summary]:
        """Return the one model."""
        about = "521 classes of sounds, speech and music, after AudioSet: YAMNet (int8)."
        return {"yamnet": Summary(about, _LICENCE, audioset_labels())}

    def needs(self) -> Needs:
        """Return that the file is needed, which is fetched where it is not given."""
        return Needs(
            f"{FILE.name} of google-coral/coralmicro ({_LICENCE}), which is fetched once "
            f"({FILE.size / 1e6:.0f} MB) and checked against its hash",
            fetched=True,
        )

    def build(self, source: BuildRequest) -> Built:
        """Build the model.

        Raises
        ------
        ModelError
            The file cannot be had or is another one, or the package that holds the schema of
            ``.tflite`` files is missing.
        """
        from pyplugin.models.adapting import tflite_model
        from pyplugin.models.import_options import ImportOptions
        from pyplugin.models.tflite_file import TfliteFile

        file = TfliteFile(FILE.read(source.path, source.folder, source.report))
        card, data, _ = tflite_model(Path(FILE.name), file, None, ImportOptions(name="yamnet"))
        return Built(((data, card),))
