"""Mutation tests of the core: change one thing at a time and see whether a test fails.

Run as: make mutate ARGS="--count 200 --seed 1". A mutant is one changed operator, number, condition
or statement in the C core or the Python core. Everything happens in a copy of the working tree,
build/mutate/tree, with one incremental build in C at -O1. The tests that concern a file run first;
those of TESTS are all that run. What survives is in build/mutate/report.md with its diff; mutants
that no test could notice are listed with a reason in tools/mutants_equivalent.json.

universalmutator and mutmut were not taken: the first starts a full build and a full suite for each
mutant of C; the second knows Python alone and no extension module that must be linked anew.
"""

import argparse
import ast
import dataclasses
import difflib
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / os.environ.get("MUTATE_FOLDER", "build/mutate")  # one for each run at a time
TREE = WORK / "tree"
NATIVE = WORK / "native"
SITE = WORK / "site"

_PLUGIN = ("test_plugin_slots", "test_plugin", "test_plugin_state", "test_plugin_effects")
_INLINE = ("test_inline_files", "test_inline_work", "test_inline")
TESTS: dict[str, Sequence[str]] = {
    "native/src/automation": (
        *("test_automation", "test_knobs", *_PLUGIN[:2]),
        *("tests/automation/test_movers.py", "tests/automation/test_knobs.py"),
    ),
    "native/src/descriptors": (
        *("test_signals", "tests/node/test_signals.py", "tests/node/test_loudness.py"),
        *("tests/node/test_programme.py", "tests/monitor/test_faults.py"),
        *("test_node", "test_realtime"),
    ),
    "native/src/frontend": (
        *("test_resampler", "tests/node/test_frontend.py", "test_frontend", "test_node"),
        *("tests/node/test_signals.py", "test_realtime"),
    ),
    "native/src/heads": ("test_head", "fuzz_head", "tests/models/test_heads.py", "test_inline"),
    "native/src/kernels": ("test_kernels", *_INLINE, "tests/native/test_ops.py"),
    "native/src/node": (
        *("test_node", "test_live", "test_signals", "test_swap", *_INLINE, "test_realtime"),
        *("tests/node/test_node.py", "tests/node/test_inline.py", "tests/node/test_ensemble.py"),
        *("tests/node/test_windows.py", "tests/node/test_silence.py"),
    ),
    "native/src/parameters": (*_PLUGIN, "test_plugin_ids", "tests/daw/test_parameters.py"),
    "native/src/stream": ("test_stream", "tests/inputs/test_portaudio_stream.py"),
    "native/src/support": (
        *("test_ring", "test_resampler", "test_node", "test_live", "test_graph", "test_head"),
        *("tests/node/test_frontend.py", "test_signals", "test_inline_files", "test_stream"),
    ),
    "native/src/tagger": (
        *("test_graph", "fuzz_graph", "test_inline_files", "fuzz_network", "test_inline_work"),
        *("tests/native/test_ops.py", "test_inline", "tests/node/test_plan.py"),
        *("tests/node/test_inline.py", "tests/node/test_silence.py"),
    ),
    "native/src/worker": (
        *("test_engine", "test_node", "test_live", "test_realtime"),
        *("tests/node/test_runtimes.py", "tests/node/test_node.py"),
    ),
    "pyplugin/node": (
        *("tests/node/test_node.py", "tests/node/test_signals.py", "tests/node/test_inline.py"),
        *("tests/node/test_ensemble.py", "tests/node/test_plan.py", "tests/test_public.py"),
    ),
    "pyplugin/automation": (
        *("tests/automation/test_movers.py", "tests/test_rendering.py"),
        *("tests/automation/test_board.py", "tests/automation/test_presets.py"),
        *("tests/automation/test_playback.py", "tests/cli/test_presets.py"),
    ),
    "pyplugin/outputs": ("tests/outputs", "tests/cli/test_tag.py", "tests/cli/test_render.py"),
    "pyplugin/inputs": ("tests/inputs/test_files.py", "tests/inputs/test_joined.py"),
    "pyplugin/tagging.py": ("tests/test_tagging.py", "tests/cli/test_tag.py"),
    "pyplugin/session.py": (
        *("tests/test_session.py", "tests/cli/test_listen.py", "tests/cli/test_live.py"),
    ),
}
_SINGLE = ("timeline", "levels", "joined", "input", "parts", "sniffing")  # of pyplugin/inputs
_LEFT_OUT = ("neon", "litert", "choices.c", "__init__.py")  # other machines, outside libraries

_SWAPPED = {
    **{"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<")},
    **{"==": ("!=",), "!=": ("==",), "&&": ("||",), "||": ("&&",), "and": ("or",), "or": ("and",)},
    **{"+": ("-",), "-": ("+",), "*": ("/",), "/": ("*",), "%": ("*",), "//": ("*",)},
    **{"+=": ("-=",), "-=": ("+=",), "*=": ("/=",), "++": ("--",), "--": ("++",)},
    **{"<<": (">>",), ">>": ("<<",), "&": ("|",), "|": ("&",), "!": ("",), "not": ("",)},
    **{"true": ("false",), "false": ("true",), "True": ("False",), "False": ("True",)},
    **{"min": ("max",), "max": ("min",), "break": ("continue",), "continue": ("break",)},
    **{"is": ("is not",), "in": ("not in",)},
}
_BINARY = {"+", "-", "*", "&"}  # these are unary operators too


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A change of one piece of a file."""

    path: str
    start: int
    end: int
    text: str

    def apply(self, source: str) -> str:
        """Return the file with the change."""
        return source[: self.start] + self.text + source[self.end :]

    def lines(self, source: str) -> tuple[int, str, str]:
        """Return the number of the changed line, and that line before and after."""
        number = source.count("\n", 0, self.start)
        after = self.apply(source).splitlines()
        return number + 1, source.splitlines()[number].strip(), after[number].strip()


# ---- what can be changed

_C_TOKEN = re.compile(
    r"""(?P<skip>/\*.*?\*/ | //[^\n]* | ^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*
        | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])+')
    | (?P<number>(?:0[xX][0-9a-fA-F]+ | \d+\.?\d*(?:[eE][+-]?\d+)?)[uUlLfF]*)
    | (?P<name>[A-Za-z_]\w*)
    | ->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%<>=!&|^~?:;,.(){}\[\]]
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
_C_STATEMENT = re.compile(  # an assignment or a call, alone in its line
    r"^[ \t]+(?!(?:return|break|continue|for|while|if|switch|else|case|default|const|static)\b)"
    r"(\*?[A-Za-z_][\w.\[\]>*& +-]*(?:=[^=]|\+\+|--|\()[^;{}\n]*;)",
    re.MULTILINE,
)
_C_DECLARATION = re.compile(r"^\w+(?: \w+)* \*{0,2}\w+(?:\[[^\]]*\])*(?: =|;|,)")


def _numbers(text: str) -> Iterator[str]:
    """Yield other numbers: the neighbours of an integer, a quarter more of a fraction."""
    match = re.fullmatch(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)", text)
    if match:
        value = int(match[1], 0 if match[1][:2] in ("0x", "0X") else 10)
        yield f"{value + 1}{match[2]}"
        if value > 0:
            yield f"{value - 1}{match[2]}"
        return
    end = "F" if text[-1] in "fF" else ""
    yield f"{1.25 * float(text.rstrip('fFlL')) or 0.25!r}{end}"


def _swap(token: str, source: str, start: int) -> Sequence[str]:
    is_binary = source[start - 1] == " " == source[start + len(token)]  # as formatted
    return () if token in _BINARY and not is_binary else _SWAPPED.get(token, ())


def mutants_of_c(path: str, source: str) -> Iterator[Mutant]:
    """Yield the mutants of a C file."""
    for match in _C_TOKEN.finditer(source):
        if match["skip"]:
            continue
        token, (start, end) = match[0], match.span()
        if match["number"]:
            yield from (Mutant(path, start, end, text) for text in _numbers(token))
        else:
            yield from (Mutant(path, start, end, text) for text in _swap(token, source, start))
    for match in _C_STATEMENT.finditer(source):
        if not _C_DECLARATION.match(match[1]):
            yield Mutant(path, match.start(1), match.end(1), ";")


def mutants_of_python(path: str, source: str) -> Iterator[Mutant]:
    """Yield the mutants of a Python file, outside annotations, decorators and imports."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    lines = source.splitlines(keepends=True)

    def place(row: int, bytes_in: int) -> int:
        return starts[row - 1] + len(lines[row - 1].encode()[:bytes_in].decode())

    def span(node: ast.AST) -> tuple[int, int]:
        return place(node.lineno, node.col_offset), place(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    left_out: list[tuple[int, int]] = []
    statements: list[tuple[int, int]] = []
    for node in ast.walk(ast.parse(source)):
        parts: list[ast.AST | None] = []
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            parts = [node.returns, *node.decorator_list]
        elif isinstance(node, ast.ClassDef):
            parts = [*node.decorator_list, *node.bases, *node.keywords]
        elif isinstance(node, (ast.arg, ast.AnnAssign)):
            parts = [node.annotation]
        elif isinstance(node, (ast.Import, ast.ImportFrom, ast.JoinedStr)):
            parts = [node]
        left_out += [span(part) for part in parts if part is not None]
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_change = isinstance(node, (ast.Expr, ast.AugAssign)) or (
            isinstance(node, ast.Assign)
            and any(isinstance(target, (ast.Attribute, ast.Subscript)) for target in node.targets)
        )
        if is_change and not is_text:
            statements.append(span(node))

    def is_open(start: int) -> bool:
        return not any(begin <= start < end for begin, end in left_out)

    before = ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        start = starts[token.start[0] - 1] + token.start[1]
        end = starts[token.end[0] - 1] + token.end[1]
        texts: Sequence[str] = ()
        if token.type == tokenize.NUMBER:
            texts = list(_numbers(token.string)) if "j" not in token.string else ()
        elif token.type in (tokenize.OP, tokenize.NAME):
            texts = _swap(token.string, source, start)
            if before == "for" or (before == "is" and token.string == "not"):
                texts = ()
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            before = token.string
        if is_open(start):
            yield from (Mutant(path, start, end, text) for text in texts)
    yield from (Mutant(path, start, end, "pass") for start, end in statements)


def all_mutants(only: str) -> list[Mutant]:
    """Return the mutants of all files that are tested."""
    found: list[Mutant] = []
    for path in sorted(files_of_tree()):
        name = Path(path).name
        if tests_of(path) is None or not re.search(only, path):
            continue
        if any(part in name for part in _LEFT_OUT):
            continue
        source = (TREE / path).read_text()
        if path.endswith(".c"):
            found += mutants_of_c(path, source)
        elif path.endswith(".py"):
            if path.startswith("pyplugin/inputs") and Path(path).stem not in _SINGLE:
                continue
            for mutant in mutants_of_python(path, source):
                try:
                    changed = compile(mutant.apply(source), path, "exec")
                except SyntaxError:
                    continue
                del changed
                found.append(mutant)
    return found


# ---- the copy, and its build


def files_of_tree() -> list[str]:
    """Return the files of the working tree that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()]


def copy_tree() -> None:
    """Copy what has changed."""
    wanted = set(files_of_tree())
    for path in wanted:
        source, target = ROOT / path, TREE / path
        if target.is_file() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    for folder in ("native", "pyplugin", "tests"):
        for path in (TREE / folder).rglob("*.[chp]*"):
            name = str(path.relative_to(TREE))
            if path.is_file() and name not in wanted and path.suffix in (".c", ".h", ".py"):
                path.unlink()
    SITE.mkdir(parents=True, exist_ok=True)
    (SITE / "sitecustomize.py").write_text(
        "import sys\n\n"
        "sys.meta_path[:] = [f for f in sys.meta_path if 'Scikit' not in type(f).__name__]\n"
    )


def build(*targets: str) -> bool:
    """Build programs in C; false if the mutant does not compile."""
    done = subprocess.run(["ninja", "-C", NATIVE, *targets], capture_output=True, check=False)
    return done.returncode == 0


def link_extension() -> bool:
    """Link the Python module with the library of the build."""
    folder = TREE / "pyplugin" / "_native"
    made = WORK / "_tagnode.c"
    header = TREE / "native" / "include" / "tagnode.h"
    if not made.is_file() or made.stat().st_mtime < header.stat().st_mtime:
        subprocess.run([sys.executable, folder / "build.py", header, made], check=True)
    library, module = NATIVE / "libtagnode.a", folder / "_tagnode.abi3.so"
    if not build("tagnode"):
        return False
    if module.is_file() and module.stat().st_mtime > library.stat().st_mtime:
        return True
    includes = [f"-I{sysconfig.get_path('include')}", f"-I{header.parent}"]
    command = ["cc", "-shared", "-fPIC", "-O0", "-DPy_LIMITED_API=0x030a0000", *includes]
    command += [str(made), str(library), "-lpthread", "-ldl", "-lm", "-o", str(module)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def configure() -> None:
    """Make the build folder, and build the tests of what is unchanged."""
    options = ["-DTAGNODE_TESTS=ON", "-DCMAKE_BUILD_TYPE=Mutated", "-DCMAKE_C_FLAGS=-O1"]
    subprocess.run(
        ["cmake", "-G", "Ninja", "-S", TREE / "native", "-B", NATIVE, *options],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    programs = {test for tests in TESTS.values() for test in tests if not is_python(test)}
    if not build(*sorted(programs), "run_graph") or not link_extension():
        raise SystemExit("The unchanged tree does not build.")


# ---- tests


def is_python(test: str) -> bool:
    """Return whether a test is pytest's, not a program in C."""
    return test.startswith("tests/")


def tests_of(path: str) -> list[str] | None:
    """Return the tests that concern a file, the one of its name first; None: not a target."""
    rooms = [room for room in TESTS if path == room or path.startswith(f"{room}/")]
    if not rooms:
        return None
    own = Path("tests", *Path(path).parts[1:]).with_name(f"test_{Path(path).stem}.py")
    first = [str(own)] if path.startswith("pyplugin") and (ROOT / own).is_file() else []
    stem = f"test_{Path(path).stem}"
    first += [test for test in TESTS[rooms[0]] if test == stem]
    return first + [test for test in TESTS[rooms[0]] if test not in first]


class Runner:
    """Runs tests, each within a multiple of the time that it takes with nothing changed.

    That is measured once a test has failed, to know that it does so because of the mutant.
    """

    def __init__(self, *, programs: bool, others: bool) -> None:
        self.programs, self.others = programs, others
        self.file = WORK / "times.json"
        self.times: dict[str, float] = (
            json.loads(self.file.read_text()) if self.file.is_file() else {}
        )

    def limit(self, test: str) -> float:
        """Return the seconds allowed to a test."""
        return 30 + 5 * self.times.get(test, 60)

    def passes(self, test: str) -> bool:
        """Return whether a test passes with nothing changed, which the tree must be; once each."""
        if test not in self.times:
            begun = time.monotonic()
            outcome = self.run(test, 900)
            self.times[test] = -1 if outcome else time.monotonic() - begun
            if outcome:
                print(f"{test} {outcome} with nothing changed: it is left out", flush=True)
            self.file.write_text(json.dumps(self.times, indent=1))
        return self.times[test] >= 0

    def run(self, test: str, seconds: float) -> str:
        """Return "" if a test passes, else how it fails. What it needs is built."""
        if is_python(test):
            if not link_extension():
                return "does not build"
            command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:randomly"]
            command += ["-p", "no:cacheprovider", *([test])]
        else:
            if not build(test):
                return "does not build"
            folder = NATIVE / "tests"
            name = next(
                p
                for p in (folder / test, folder / "plugin" / test, folder / "fuzz" / test)
                if p.is_file()
            )
            command = [str(name), *_arguments(test)]
        environment = {
            **os.environ,
            "PYTHONPATH": f"{SITE}{os.pathsep}{TREE}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TAGNODE_RUN_GRAPH": str(NATIVE / "tests" / "run_graph"),
        }
        if test == "tests/native/test_ops.py" and not build("run_graph"):
            return "does not build"
        process = subprocess.Popen(
            command,
            cwd=TREE,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return "fails" if process.wait(seconds) else ""
        except subprocess.TimeoutExpired:
            return "hangs"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _arguments(test: str) -> list[str]:
    if test.startswith("fuzz_"):
        return [str(TREE / "native" / "tests" / "data" / "fuzz" / test.removeprefix("fuzz_"))]
    return (
        [str(TREE / "native" / "tests" / "plugin" / "ids.txt")] if test == "test_plugin_ids" else []
    )


# ---- a run


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What became of a mutant: "killed", "survived", "equivalent" or "invalid"."""

    kind: str
    by: str
    seconds: float


def equivalents() -> list[dict[str, str]]:
    """Return the mutants that are known to change nothing that a test could notice."""
    file = ROOT / "tools" / "mutants_equivalent.json"
    found: list[dict[str, str]] = json.loads(file.read_text()) if file.is_file() else []
    return found


def object_of(path: str) -> dict[Path, bytes]:
    """Return the objects that a C file compiles to."""
    return {each: each.read_bytes() for each in NATIVE.rglob(f"{Path(path).name}.o")}


def judge(mutant: Mutant, source: str, runner: Runner, known: Sequence[dict[str, str]]) -> Verdict:
    """Run the tests of a mutant until one fails."""
    begun = time.monotonic()
    _, old, new = mutant.lines(source)
    for each in known:
        if (each["path"], each["old"], each["new"]) == (mutant.path, old, new):
            return Verdict("equivalent", each["reason"], 0)
    target, is_c = TREE / mutant.path, mutant.path.endswith(".c")
    before = object_of(mutant.path) if is_c else {}

    def restore() -> None:
        target.write_text(source)
        if is_c:
            build("tagnode")

    def verdict() -> Verdict:
        target.write_text(mutant.apply(source))
        if is_c and not build("tagnode"):
            return Verdict("invalid", "does not compile", time.monotonic() - begun)
        if is_c and object_of(mutant.path) == before:
            return Verdict("equivalent", "compiles to the same", time.monotonic() - begun)
        for test in tests_of(mutant.path) or []:
            if runner.times.get(test, 0) < 0:
                continue
            if is_c and not (runner.others if is_python(test) else runner.programs):
                continue
            outcome = runner.run(test, runner.limit(test))
            seconds = time.monotonic() - begun
            if not outcome:
                continue
            restore()
            if runner.passes(test):
                return Verdict("killed", f"{test} {outcome}", seconds)
            target.write_text(mutant.apply(source))
        return Verdict("survived", "", time.monotonic() - begun)

    try:
        return verdict()
    finally:
        restore()


def difference(mutant: Mutant, source: str) -> str:
    """Return the change as a diff."""
    return "\n".join(
        difflib.unified_diff(
            source.splitlines(),
            mutant.apply(source).splitlines(),
            mutant.path,
            "mutant",
            n=2,
            lineterm="",
        )
    )


def write_report(
    done: Sequence[tuple[Mutant, Verdict]], sources: dict[str, str], asked: str
) -> str:
    """Write report.md and return its summary."""
    counts = {
        kind: sum(v.kind == kind for _, v in done)
        for kind in ("killed", "survived", "equivalent", "invalid")
    }
    judged = counts["killed"] + counts["survived"]
    score = 100 * counts["killed"] / judged if judged else 100.0
    summary = (
        f"{score:.1f} %: {counts['killed']} of {judged} mutants killed, "
        f"{counts['survived']} survived; "
        f"{counts['equivalent']} equivalent, {counts['invalid']} do not compile"
    )
    lines = [f"# Mutants: {asked}", "", summary, ""]
    rooms: dict[str, list[int]] = {}
    for mutant, verdict in done:
        if verdict.kind in ("killed", "survived"):
            room = rooms.setdefault(str(Path(mutant.path).parent), [0, 0])
            room[verdict.kind == "survived"] += 1
    lines += ["| folder | killed | survived |", "|---|---|---|"]
    lines += [
        f"| {room} | {killed} | {survived} |" for room, (killed, survived) in sorted(rooms.items())
    ]
    for mutant, verdict in done:
        if verdict.kind == "survived":
            lines += ["", "```diff", difference(mutant, sources[mutant.path]), "```"]
    (WORK / "report.md").write_text("\n".join(lines) + "\n")
    left = [dataclasses.asdict(mutant) for mutant, verdict in done if verdict.kind == "survived"]
    (WORK / "survivors.json").write_text(json.dumps(left, indent=1))
    return summary


def main() -> int:
    """Draw mutants, judge them and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=50, help="mutants to draw (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (%(default)s)")
    parser.add_argument("--only", default="", metavar="REGEX", help="files whose path matches")
    parser.add_argument(
        "--programs",
        action="store_true",
        help="mutants of C: run programs in C only, for a first look",
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="the survivors of a run with --programs, by pytest's tests",
    )
    parser.add_argument("--list", action="store_true", help="print the mutants, run nothing")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this time")
    given = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    copy_tree()
    every = all_mutants(given.only)
    if given.again:
        left = json.loads((WORK / "survivors.json").read_text())
        every = [mutant for mutant in every if dataclasses.asdict(mutant) in left]
    drawn = random.Random(given.seed).sample(every, min(given.count, len(every)))
    sources = {mutant.path: (TREE / mutant.path).read_text() for mutant in drawn}
    print(
        f"{len(drawn)} of {len(every)} mutants in {len({m.path for m in every})} files", flush=True
    )
    if given.list:
        for mutant in drawn:
            number, old, new = mutant.lines(sources[mutant.path])
            print(f"{mutant.path}:{number}: {old}  ->  {new}")
        return 0
    configure()
    runner = Runner(programs=not given.again, others=not given.programs)
    known, until = equivalents(), time.monotonic() + 60 * given.minutes
    done: list[tuple[Mutant, Verdict]] = []
    for mutant in drawn:
        if time.monotonic() > until:
            break
        verdict = judge(mutant, sources[mutant.path], runner, known)
        done.append((mutant, verdict))
        number, old, new = mutant.lines(sources[mutant.path])
        print(
            f"{verdict.kind:10} {verdict.seconds:5.0f} s  {mutant.path}:{number}  {verdict.by}",
            flush=True,
        )
        if verdict.kind == "survived":
            print(f"           {old}\n        -> {new}", flush=True)
        write_report(done, sources, " ".join(sys.argv[1:]))
    summary = write_report(done, sources, " ".join(sys.argv[1:]))
    print(summary)
    return 0


if __name__ == "__main__":
    sys.exit(main())
