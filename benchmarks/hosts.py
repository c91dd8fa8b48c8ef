"""The run times of the LV2 in real hosts, on the dummy drivers of JACK and Ardour."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.native import ROOT
from benchmarks.report import Figure, Row
from pyplugin.daw import installation

URI = "urn:pyplugin:tagnode"
BLOCKS = (64, 512)
SECONDS = 10
WARM_UP = 2.0  # s that are not counted: start of the host, first window of the model
TIMED = ROOT / "build" / "bench" / "timed_lv2.so"
TITLE = "a run of the LV2 in a host, share of the time that there is for it"


def inside(models: Mapping[str, int]) -> Figure:
    rows, notes = [], []
    for host, program in (("jalv", "jalv"), ("ardour", "ardour7-lua")):
        if shutil.which(program) is None:
            notes.append(f"left out: {host} is not here (apt-get install {host})")
            continue
        for name, model in models.items():
            for block in BLOCKS:
                with tempfile.TemporaryDirectory() as folder:
                    shares = played(host, Path(folder), block, model)
                p50, most = np.percentile(shares, (50, 99.9)) * 100
                rows.append(Row(f"{host}, {name}, {block} samples", p50, beside={"99.9 %": most}))
    return Figure("plugin", TITLE, "% (median)", rows, notes)


def played(host: str, folder: Path, block: int, model: int) -> np.ndarray:
    """Return the shares of the runs of this many samples."""
    bundle = folder / "lv2" / "tagnode.lv2"
    shutil.copytree(installation.built_folder() / "tagnode.lv2", bundle)
    real = bundle / "tagnode.so"
    renamed = real.rename(folder / "real.so")
    shutil.copy(TIMED, real)
    environment = os.environ | {
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_DATA_HOME": os.environ.get("XDG_DATA_HOME", str(Path.home() / ".local" / "share")),
        "LV2_PATH": str(folder / "lv2"),
        "TIMED_PLUGIN": str(renamed),
        "TIMED_OUTPUT": str(folder / "runs"),
    }
    if host == "jalv":
        play_in_jalv(environment, block, model)
    else:
        script = Path(__file__).with_name("ardour.lua")
        command = ["ardour7-lua", script, folder / "session", URI, block, SECONDS, model]
        subprocess.run(
            [str(part) for part in command], env=environment, check=True, capture_output=True
        )
    frames, shares = np.loadtxt(folder / "runs", ndmin=2).T
    whole = shares[frames == block]
    return whole[int(WARM_UP * 48000 / block) :]


def play_in_jalv(environment: dict[str, str], block: int, model: int) -> None:
    server = f"bench-{os.getpid()}"
    own = environment | {"JACK_DEFAULT_SERVER": server, "JACK_NO_AUDIO_RESERVATION": "1"}
    options = f"-n {server} -S -r -d dummy -r 48000 -p {block} -C 2 -P 2"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": own}
    jack = subprocess.Popen(["jackd", *options.split()], **quiet)
    try:
        time.sleep(1.5)
        jalv = subprocess.Popen(
            ["jalv", "-c", f"model={model}", URI], stdin=subprocess.PIPE, **quiet
        )
        time.sleep(SECONDS)
        jalv.terminate()
        jalv.wait(30)
    finally:
        jack.terminate()
        jack.wait(30)
