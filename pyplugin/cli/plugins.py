"""``pyplugin plugins``: Install the LV2, CLAP and VST3 plugin."""

from __future__ import annotations

import click

__all__ = ["command"]

_FORMATS = ("lv2", "clap", "vst3")


@click.group("plugins")
def command() -> None:
    """Install the plugins for audio workstations.

    \b
    Examples:
      make plugins
      pyplugin plugins install
      pyplugin plugins check
    """


def _scope(function: click.decorators.FC) -> click.decorators.FC:
    for option in (
        click.option(
            "--format",
            "formats",
            multiple=True,
            type=click.Choice(_FORMATS),
            help="This format only; may be repeated.",
        ),
        click.option(
            "--user/--system",
            "user",
            default=True,
            help="For this user, or for all users (as root).  [default: --user]",
        ),
    ):
        function = option(function)
    return function


@command.command("install")
@_scope
def install(formats: tuple[str, ...], user: bool) -> None:
    """Copy the plugins to the folders that hosts scan, replacing older ones."""
    from pyplugin.daw import installation

    for path in installation.install(formats, system=not user):
        click.echo(path)
    click.echo("Rescan plugins in your host; it then lists Tagnode.", err=True)


@command.command("uninstall")
@_scope
def uninstall(formats: tuple[str, ...], user: bool) -> None:
    """Remove the plugins from the folders that hosts scan."""
    from pyplugin.daw import installation

    removed = installation.uninstall(formats, system=not user)
    for path in removed:
        click.echo(f"removed {path}")
    if not removed:
        click.echo("None is installed.")


@command.command("model")
@click.argument("name")
@click.option("--head", "heads", multiple=True, help="A head of this model; may be repeated.")
@click.option(
    "--as",
    "choice",
    help="The choice of the plugin's Model that it becomes: custom-1 and so on.  "
    "[default: the one of its name]",
)
def model(name: str, heads: tuple[str, ...], choice: str | None) -> None:
    """Write a model for the plugin, with heads if you like.

    'pyplugin models get' does so for models without heads. The plugin takes int8 models. Prints the
    numbers of sources that hosts with fixed menus (LV2) do not name.
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
            f"The plugin has no model named {own}; give it a choice: --as {custom[0]}."
        )
    loaded = [load_head(head) for head in heads]
    path = container.install(chosen, loaded, choice=choice)
    click.echo(f"{path}: in the plugin, Model is {choice or own}")
    for number, descriptor in container.other_sources(chosen.card, loaded).items():
        click.echo(f"{descriptor}: source {number}")


@command.command("where")
def where() -> None:
    """Print the folders that hosts scan, what is installed, and where the plugins were built."""
    from pyplugin.daw import installation
    from pyplugin.errors import PypluginError

    for form, about in installation.FORMATS.items():
        for system in (False, True):
            place = installation.folder(form, system=system)
            there = "installed" if (place / about.bundle).exists() else "-"
            click.echo(f"{about.name:<5} {'system' if system else 'user':<7} {there:<10} {place}")
    try:
        click.echo(f"built in {installation.built_folder()}")
    except PypluginError as error:
        click.echo(error)


@command.command("check")
@_scope
def check(formats: tuple[str, ...], user: bool) -> None:
    """Load the installed plugins, each in a process of its own.

    Exit status 1 if one is missing or does not load.
    """
    from pyplugin.daw import installation

    good = True
    for form in formats or _FORMATS:
        about = installation.FORMATS[form]
        path = installation.folder(form, system=not user) / about.bundle
        if not path.exists():
            click.echo(f"BAD  {path}: not installed; pyplugin plugins install")
            good = False
            continue
        found = installation.check(path, form)
        good = good and not found.problem
        note = ", older than the one that was built: pyplugin plugins install"
        click.echo(
            f"{'BAD ' if found.problem else 'ok  '} {path}"
            + (f": {found.problem}" if found.problem else note * found.outdated)
        )
    if not good:
        raise SystemExit(1)
