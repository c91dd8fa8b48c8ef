"""``tagnode presets``: List, show, check and write presets."""

import json
from pathlib import Path

import click

from pyplugin.cli.ui.paths import PATH, check_suffix
from pyplugin.cli.ui.terminal import echo
from pyplugin.support.optional import need
from pyplugin.support.printable import printable
from pyplugin.support.spelling import counted


@click.group("presets")
def command() -> None:
    """List, show, check, write and export presets, which map detected content to effects.

    \b
    Examples:
      tagnode presets list
      tagnode presets new mine.toml --from duck-under-voice
      tagnode presets check mine.toml
      tagnode presets export --install     (for the plugin in a DAW)
    """


@command.command("list")
def list_presets() -> None:
    """List the presets that come with pyplugin, and the use of each.

    \b
    Example:
      tagnode presets list
    """
    from pyplugin.automation.presets import read_preset, shipped_presets, stem_presets

    console = need("rich.console", package="rich", extra="live", purpose="A table")
    table = need("rich.table", package="rich", extra="live", purpose="A table").Table(
        box=None, padding=(0, 2, 0, 0), show_header=True, header_style="bold"
    )
    table.add_column("preset", no_wrap=True)
    table.add_column("model", no_wrap=True)
    table.add_column("use")
    for name in (*shipped_presets(), *stem_presets()):
        preset = read_preset(name)
        model = preset.model or "no model"
        if preset.uses_stems:
            model = preset.stems or "spleeter-2stems"
        table.add_row(name, model, " ".join(preset.description.split()))
    console.Console().print(table)


@command.command("show")
@click.argument("name", metavar="NAME|FILE")
def show(name: str) -> None:
    """Print a preset as TOML.

    \b
    Example:
      tagnode presets show duck-under-voice
    """
    from pyplugin.automation.presets import locate, read_preset

    read_preset(name)
    echo(locate(name).read_text(encoding="utf-8"), nl=False)


@command.command("check")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def check(files: tuple[str, ...]) -> None:
    """Check keys, effects, parameters and ranges of presets, and labels if the model is built.

    An error is reported with its line and the nearest valid name. The exit status is 2 if there is
    an error.

    \b
    Example:
      tagnode presets check mine.toml
    """
    from pyplugin.automation.chains import automated_preset
    from pyplugin.automation.presets import read_preset
    from pyplugin.errors import ModelError, NotBuiltError, PresetError

    wrong = False
    for given in files:
        try:
            preset = read_preset(given)
            auto = automated_preset(preset)
        except NotBuiltError as error:
            echo(f"{printable(given)}: valid, but labels are not checked: {error}")
        except (PresetError, ModelError) as error:
            where = "" if isinstance(error, PresetError) else f"{given}: "
            echo(f"tagnode: {printable(where)}{printable(error)}", err=True)
            wrong = True
        else:
            effects = counted(len(preset.effects), "effect")
            automated = counted(len({item.target for item in preset.maps}), "parameter")
            models = " and ".join(each.card.name for each in auto.plan.models) or "no model"
            echo(f"{printable(given)}: valid; {effects}, {automated} automated, {models}")
    if wrong:
        raise SystemExit(2)


@command.command("new")
@click.argument("file", type=PATH)
@click.option(
    "--from",
    "source",
    default="duck-under-voice",
    show_default=True,
    metavar="NAME|FILE",
    help="Preset to copy.",
)
def new(file: Path, source: str) -> None:
    """Write a preset to edit; an existing FILE is not overwritten.

    \b
    Example:
      tagnode presets new mine.toml --from duck-under-voice
    """
    from pyplugin.automation.presets import locate, read_preset
    from pyplugin.errors import PresetError
    from pyplugin.support.files import check_writable, replacing

    check_suffix("FILE", file, ".toml")
    if file.exists():
        raise PresetError(f"{file} already exists; choose another name.")
    check_writable(file)
    preset = read_preset(source)
    text = locate(source).read_text(encoding="utf-8")
    text = text.replace(f'name = "{preset.name}"', f'name = "{file.stem}"', 1)
    with replacing(file) as partial:
        partial.write_text(text, encoding="utf-8")
    echo(f"{file}: edit it, then run: tagnode presets check {file}")


@command.command("export")
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("tagnode-presets"),
    show_default=True,
    help="Folder to write to.",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(("lv2", "vst3", "clap")),
    help="This one only; may be repeated.",
)
@click.option(
    "--install", is_flag=True, help="Write to the folders in which hosts find presets instead."
)
def export(names: tuple[str, ...], out: Path, formats: tuple[str, ...], install: bool) -> None:
    """Write presets for the plugin: an LV2 bundle, .vstpreset, and states for CLAP hosts.

    Without a NAME, all presets that come with pyplugin are written. Differences between the plugin
    and pedalboard are reported on stderr.

    \b
    Examples:
      tagnode presets export --install
      tagnode presets export mine.toml --out exported --format lv2
    """
    from pyplugin.automation.presets import read_preset, shipped_presets
    from pyplugin.daw import installation
    from pyplugin.daw import presets as daw_presets

    chosen = [daw_presets.slots_of(read_preset(name)) for name in names or shipped_presets()]
    for slots in chosen:
        for note in slots.notes:
            echo(f"{printable(slots.name)}: {printable(note)}", err=True)
    for form in formats or daw_presets.FORMATS:
        folder = installation.preset_folder(form) if install else out
        for path in daw_presets.export(chosen, folder, [form]):
            echo(path)


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of presets, for editors that validate TOML.

    \b
    Example:
      tagnode presets schema > preset.schema.json
    """
    from pyplugin.automation.schema import preset_schema

    echo(json.dumps(preset_schema(), indent=2))
