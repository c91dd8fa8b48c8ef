"""The CLAP in our own hosts and in others. test_vst3.py compares its ABI, with VST 3's."""

import os
from pathlib import Path

import pytest
from hosts import exported, needed, needs, run

SCANNER = Path("/usr/lib") / f"{os.uname().machine}-linux-gnu" / "qtractor/qtractor_plugin_scan"


@pytest.fixture(scope="module")
def library(built: Path) -> Path:
    return built / "tagnode.clap"


def test_one_symbol_is_exported_and_the_window_apart_libc_and_libm_are_all_it_needs(library: Path):
    assert exported(library) == {"clap_entry"}
    window = {"libX11", "libcairo", "ld-linux-x86-64"}
    assert needed(library) - window <= {"libc", "libm", "ld-linux-aarch64"}
    assert library.stat().st_size <= 3 << 19  # 1.5 MiB


def test_it_keeps_its_promises_to_hosts(built: Path, library: Path):
    assert run(built / "tests/plugin/host_clap", library).endswith(" 0 failed\n")


@pytest.mark.parametrize("seed", [2, 3])
def test_a_host_may_do_anything_in_any_order(built: Path, library: Path, seed: int):
    program = built / "tests/plugin/host_clap"
    assert run(program, library, seed, 10000).endswith(" 0 failed\n")


@needs(SCANNER, package="qtractor")
def test_qtractor_finds_it(library: Path):
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    printed = run(SCANNER, input=f"CLAP:{library}\n", env=env)
    kind, name, audio, midi, controls, *_ = printed.strip().split("|")
    assert (kind, name, audio, midi) == ("CLAP", "Tagnode", "2:2", "0:1")
    assert controls == f"{7 + 8 * 21}:12"  # inputs and outputs
