"""What the audio thread calls, counted in this very Python: no memory, lock, wait or system call.

native/tests/interpose.c stands in for the C library's functions by LD_PRELOAD and counts what one
thread calls of them; on x86-64 the kernel also reports every system call to it. A C loop in it
does what a host does in its callback: Python's own allocations and its lock would count too.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NATIVE = Path(__file__).parents[2] / "native"
KINDS = ("allocations", "locks", "waits", "files", "system calls")

pytestmark = [
    pytest.mark.skipif(
        sys.platform != "linux" or platform.libc_ver()[0] != "glibc",
        reason="the interposer stands in for functions of glibc",
    ),
    pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler"),
    pytest.mark.skipif(not NATIVE.is_dir(), reason="no sources here"),
]

COMMON = """
import ctypes, json, sys
interpose = ctypes.CDLL(None)
interpose.interpose_play.restype = ctypes.c_int64
def counts():
    into = (ctypes.c_int64 * 5)()
    interpose.interpose_counts(into)
    return list(into)
"""

OFFENCES = """
seen = []
for which in range(-1, 5):
    interpose.interpose_offend(which)
    seen.append(counts())
print(json.dumps(seen))
"""

PLAY = """
import numpy as np
from pyplugin import Node
from pyplugin._native import ffi, lib
from pyplugin.models.heads import Affine, Dense, Head, Kernel, Quantile, Sigmoids

random = np.random.default_rng(2)
HEAD = Head("all", ("a", "b"), "musicnn-mtt", "penultimate", 200, False, (
    Affine(random.random(200), random.random(200)),
    Quantile(np.sort(random.random((9, 200)), axis=0)),
    Dense(random.normal(0, 0.1, (30, 200)), random.random(30), "tanh"),
    Kernel("rbf", 0.1, 0, 0, random.random((20, 30)), random.random((2, 20)), [0, 1]),
    Sigmoids([-1, 1], [0, 0], True),
))

class Play(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_void_p) for name in
          ("process", "read", "reset", "latency", "counters", "node", "signal")),
        ("length", ctypes.c_uint32), ("block", ctypes.c_uint32),
        ("values", ctypes.c_void_p), ("reset_at", ctypes.c_uint32),
    ]

def address(pointer):
    return int(ffi.cast("uintptr_t", pointer))

seen = []
for rate, block, hop in json.loads(sys.argv[2]):
    x = np.random.default_rng(1).normal(0, 0.2, 8 * rate).astype(np.float32)
    x[rate : 2 * rate] = 0
    x[2 * rate : 2 * rate + 50] = np.nan
    x[3 * rate : 3 * rate + 500] = 1e-41
    options = {"model": "musicnn-mtt", "hop": hop, "runtime": sys.argv[1], "signals": 0.016}
    options["heads"] = [HEAD]
    with Node(rate, 1, block, **options) as node:
        values = np.empty(len(node.descriptors), np.float32)
        calls = [
            address(ffi.addressof(lib, "tagnode_" + name))
            for name in ("process", "read", "reset", "get_latency", "get_counters")
        ]
        play = Play(*calls, address(node._node), x.ctypes.data, len(x), block,
                    values.ctypes.data, rate * 4 // 5)
        fresh = interpose.interpose_play(ctypes.byref(play))
        seen.append({"counts": counts(), "fresh": fresh, "analysed": node.counters["position"],
                     "late": node.counters["late"], "runtime": node.runtime})
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def interposer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("interpose") / "interpose.so"
    source = NATIVE / "tests" / "interpose.c"
    flags = ["-std=c11", "-O2", "-shared", "-fPIC", "-D_GNU_SOURCE", f"-I{NATIVE / 'include'}"]
    subprocess.run(["cc", *flags, source, "-o", library, "-ldl"], check=True)
    return library


def run(interposer: Path, program: str, *arguments: str):
    environment = {**os.environ, "LD_PRELOAD": str(interposer)}
    done = subprocess.run(
        [sys.executable, "-c", COMMON + program, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_counter_sees_what_must_not_be_done(interposer):
    nothing, *offences = run(interposer, OFFENCES)
    assert nothing[:4] == [0] * 4
    assert nothing[4] in (0, -1)
    knows_system_calls = nothing[4] == 0
    for kind, seen in zip(KINDS, offences, strict=True):
        index = KINDS.index(kind)
        if index < 4:
            assert seen[index] > 0, kind
            assert sum(seen[:4]) == seen[index], kind
        elif knows_system_calls:
            assert seen == [0, 0, 0, 0, 1]
    if knows_system_calls:  # a sleep and a read are system calls, a free mutex is none
        assert [seen[4] for seen in offences] == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("runtime", ["inline", "litert"])
def test_callbacks_allocate_lock_wait_and_call_the_system_never(musicnn, interposer, runtime):
    setups = [(48000, 64, 0.1), (44100, 512, 1.0), (16000, 4096, 0.5), (192000, 441, 2.992)]
    if runtime == "litert":
        pytest.importorskip("ai_edge_litert")
        setups = setups[:3]
    for setup, seen in zip(setups, run(interposer, PLAY, runtime, json.dumps(setups)), strict=True):
        assert seen["runtime"] == runtime
        assert seen["counts"] in ([0, 0, 0, 0, 0], [0, 0, 0, 0, -1]), (setup, seen)
        assert seen["analysed"] > 7 * setup[0]
        if runtime == "inline":
            assert seen["fresh"] >= 1
            assert seen["late"] == 0
