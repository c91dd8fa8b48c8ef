"""The service of systemd that runs the monitor."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyplugin.errors import PypluginError

UNIT = Path("/etc/systemd/system/tagnode-monitor.service")
CONFIG = Path("/etc/tagnode/radio.toml")


@dataclass(frozen=True)
class InstallStep:
    """A command, or a file to be written.

    Attributes
    ----------
    command
        Words.
    path, content
        Of a file.
    """

    command: tuple[str, ...] = ()
    path: Path | None = None
    content: str = ""

    def __str__(self) -> str:
        return " ".join(self.command) if self.command else f"# {self.path}"


def unit_text(config: Path, data: str, user: str, program: Sequence[str]) -> str:
    """Return the unit.

    It starts again for ever, is watched, and may write its folder only.

    Parameters
    ----------
    program
        Words that run ``tagnode``.
    """
    return f"""\
[Unit]
Description=tagnode radio monitor
After=network-online.target time-sync.target sound.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={" ".join(program)} monitor run --quiet --config {config}
ExecReload=/bin/kill -HUP $MAINPID
User={user}
SupplementaryGroups=audio
WatchdogSec=60
Restart=always
RestartSec=5
MemoryMax=512M
UMask=0077
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={data}

[Install]
WantedBy=multi-user.target
"""


def program_words() -> list[str]:
    """Return how this program is run: its script, or the interpreter with the module."""
    script = shutil.which("tagnode", path=str(Path(sys.executable).parent)) or shutil.which(
        "tagnode"
    )
    return [script] if script else [sys.executable, "-m", "pyplugin"]


def steps(config: Path, data: str, user: str) -> list[InstallStep]:
    """Return what makes the service: user, folders, configuration, unit, start."""
    made = [
        InstallStep(
            ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", user)
        ),
        InstallStep(("install", "-d", "-o", user, "-m", "0750", data)),
        InstallStep(("install", "-d", "-m", "0755", str(CONFIG.parent))),
    ]
    if config.absolute() != CONFIG:
        made.append(InstallStep(("install", "-m", "0640", "-g", user, str(config), str(CONFIG))))
    made.append(InstallStep(path=UNIT, content=unit_text(CONFIG, data, user, program_words())))
    made.append(InstallStep(("systemctl", "daemon-reload")))
    made.append(InstallStep(("systemctl", "enable", "--now", UNIT.name)))
    return made


def install_service(planned: list[InstallStep]) -> Iterator[str]:
    """Do the steps; yield a line on each.

    Raises
    ------
    PypluginError
        It is not run by root, there is no systemd, or a step failed.
    """
    if os.name != "posix" or os.geteuid() != 0:
        raise PypluginError("Installing a service needs root: sudo tagnode monitor install …")
    if shutil.which("systemctl") is None:
        raise PypluginError(
            "There is no systemd here; run 'tagnode monitor run' under your own supervisor."
        )
    for step in planned:
        if step.path is not None:
            step.path.write_text(step.content, encoding="utf-8")
        elif _needed(step):
            done = subprocess.run(step.command, capture_output=True, text=True, check=False)
            if done.returncode:
                reason = (done.stderr or done.stdout).strip().splitlines()[-1:]
                raise PypluginError(f"'{step}' failed: {' '.join(reason) or done.returncode}.")
        yield str(step)


def _needed(step: InstallStep) -> bool:
    """Return whether a step is still to be done."""
    if step.command[0] == "useradd":
        found = subprocess.run(("id", step.command[-1]), capture_output=True, check=False)
        return found.returncode != 0
    copies = step.command[:2] == ("install", "-m")
    return not (copies and CONFIG.exists())
