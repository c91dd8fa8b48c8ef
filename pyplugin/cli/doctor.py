"""``tagnode doctor``: Show what is installed, and what is missing."""

import platform
from importlib.metadata import PackageNotFoundError, version

import click

from pyplugin import __version__
from pyplugin.cli.ui.terminal import echo

_OPTIONAL = {
    "soundfile": ("audio", "reads and writes recordings"),
    "av": ("audio", "reads the formats that soundfile does not"),
    "sounddevice": ("audio", "live audio"),
    "pedalboard": ("effects", "effects of tagnode render"),
    "matplotlib": ("plot", "--plot"),
    "scikit-learn": ("train", "tagnode train head and tagnode teach"),
    "pyarrow": ("train", "tagnode embed to .parquet"),
    "python-osc": ("live", "OSC"),
    "mido": ("live", "MIDI files and messages"),
    "python-rtmidi": ("live", "MIDI ports"),
    "jams": ("jams", ".jams files"),
    "torch": ("network", "tagnode train network"),
    "h5py": ("import", "Keras files of tagnode models import"),
}


@click.command("doctor")
def command() -> None:
    """Show what is installed, and the commands that install what is missing.

    The exit status is 1 if a required part is missing.

    \b
    Example:
      tagnode doctor
    """
    from pyplugin._native import lib, text
    from pyplugin.errors import DeviceError
    from pyplugin.inputs.portaudio import portaudio
    from pyplugin.models import folders, registry
    from pyplugin.node import runtimes
    from pyplugin.support.optional import install

    def line(name: str, value: str) -> None:
        echo(f"{name:<17}{value}")

    line("pyplugin", f"{__version__}, libtagnode {text(lib.tagnode_version())}")
    line("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    frontend = text(lib.tagnode_frontend_instruction_set())
    kernels = text(lib.tagnode_model_instruction_set())
    line("instruction set", f"{frontend}, inline models {kernels} (TAGNODE_ISA forces another)")
    found = runtimes.installed()
    line("inline", "built in, for int8 models and, if asked, float ones")
    for name, number in found.items():
        outside = runtimes.OUTSIDE[name]
        line(name, number or f"not installed ({outside.suffix} models): {install(outside.extra)}")
    if found["litert"]:
        line("  library", str(runtimes.litert_library()))
    for package, (extra, purpose) in _OPTIONAL.items():
        try:
            line(package, version(package))
        except PackageNotFoundError:
            line(package, f"missing ({purpose}): {install(extra)}")
            continue
        if package == "sounddevice":
            try:
                line("  library", portaudio().get_portaudio_version()[1].split(",")[0])
            except DeviceError as error:
                line("  library", str(error))
    line("models", str(folders.data_folder()))
    statuses = registry.available()
    built = [status.name for status in statuses if status.built]
    line("  built", ", ".join(built))
    absent = [each.name for each in statuses if not each.built and not each.name.endswith("-float")]
    if absent:
        line("  not built", ", ".join(f"tagnode models get {name}" for name in absent))
    echo("No problems found.")
