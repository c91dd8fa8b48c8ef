"""``tagnode plugins``: Install the LV2, CLAP and VST3 plugin."""

import click

from pyplugin.cli.ui.terminal import echo

_FORMATS = ("lv2", "clap", "vst3")


@click.group("plugins")
def command() -> None:
    """Install and check the plugins for digital audio workstations.

    \b
    Examples:
      make plugins
      tagnode plugins install
      tagnode plugins check
    """


def _scope(function: click.decorators.FC) -> click.decorators.FC:
    formats = click.option(
        "--format",
        "formats",
        multiple=True,
        type=click.Choice(_FORMATS),
        help="Only this format; may be repeated.  [default: all]",
    )
    place = click.option(
        "--user/--system",
        "user",
        default=True,
        help="Folders of this user, or of all users (as root).  [default: --user]",
    )
    return place(formats(function))


@command.command("install")
@_scope
def install(formats: tuple[str, ...], user: bool) -> None:
    """Copy the plugins to the folders that hosts scan, replacing older versions.

    \b
    Examples:
      tagnode plugins install
      tagnode plugins install --format vst3
    """
    from pyplugin.daw import installation

    for path in installation.install(formats, system=not user):
        echo(path)
    echo("Rescan the plugins in your host; it will list Tagnode.", err=True)


@command.command("uninstall")
@_scope
def uninstall(formats: tuple[str, ...], user: bool) -> None:
    """Remove the plugins from the folders that hosts scan.

    \b
    Example:
      tagnode plugins uninstall --format lv2
    """
    from pyplugin.daw import installation

    removed = installation.uninstall(formats, system=not user)
    for path in removed:
        echo(f"removed {path}")
    if not removed:
        echo("No plugin is installed there.")


@command.command("model")
@click.argument("name")
@click.option(
    "--head",
    "heads",
    multiple=True,
    help="Name or .head file of a head of this model; may be repeated.",
)
@click.option(
    "--as",
    "choice",
    help="Entry of the plugin's Model parameter, custom-1 for example.  "
    "[default: the one with the name of the model]",
)
def model(name: str, heads: tuple[str, ...], choice: str | None) -> None:
    """Install a model for the plugin, optionally with heads.

    'tagnode models get' installs models without heads. The plugin accepts int8 models only. Prints
    the numbers of sources that hosts with fixed menus (LV2) do not name.

    \b
    Examples:
      tagnode plugins model musicnn-mtt --head voice
      tagnode plugins model ./mine.tflite --as custom-1
    """
    from pyplugin.daw import container, parameters
    from pyplugin.errors import ModelError
    from pyplugin.models import registry
    from pyplugin.models.heads import load as load_head

    chosen = registry.load(name)
    own = chosen.card.name
    custom = [each.name for each in parameters.MODELS.values() if each.custom]
    if choice is not None and choice not in custom:
        raise ModelError(f"The plugin has no choice {choice!r}; choose one of {', '.join(custom)}.")
    if choice is None and own not in parameters.MODELS:
        raise ModelError(
            f"The plugin has no Model entry named {own}; choose an entry for it: --as {custom[0]}."
        )
    loaded = [load_head(head) for head in heads]
    path = container.install(chosen, loaded, choice=choice)
    echo(f"{path}: in the plugin, Model is {choice or own}")
    for number, descriptor in container.other_sources(chosen.card, loaded).items():
        echo(f"{descriptor}: source {number}")


@command.command("where")
def where() -> None:
    """Print the folders that hosts scan, what is installed, and where the plugins were built.

    \b
    Example:
      tagnode plugins where
    """
    from pyplugin.daw import installation
    from pyplugin.errors import PypluginError

    for form, about in installation.FORMATS.items():
        for system in (False, True):
            place = installation.folder(form, system=system)
            state = "installed" if (place / about.bundle).exists() else "-"
            echo(f"{about.name:<5} {'system' if system else 'user':<7} {state:<10} {place}")
    try:
        echo(f"built in {installation.built_folder()}")
    except PypluginError as error:
        echo(error)


@command.command("check")
@_scope
def check(formats: tuple[str, ...], user: bool) -> None:
    """Load the installed plugins, each in a separate process.

    The exit status is 1 if one is missing or cannot be loaded.

    \b
    Example:
      tagnode plugins check
    """
    from pyplugin.daw import installation

    good = True
    for form in formats or _FORMATS:
        about = installation.FORMATS[form]
        path = installation.folder(form, system=not user) / about.bundle
        if not path.exists():
            echo(f"BAD  {path}: not installed; run: tagnode plugins install")
            good = False
            continue
        found = installation.check(path, form)
        good = good and not found.problem
        note = ", older than the built version; run: tagnode plugins install" * found.outdated
        state, note = ("BAD ", f": {found.problem}") if found.problem else ("ok  ", note)
        echo(f"{state} {path}{note}")
    if not good:
        raise SystemExit(1)
