"""tools/mutate.py: what it changes, and which tests it runs."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def mutate():
    spec = importlib.util.spec_from_file_location("mutate", ROOT / "tools" / "mutate.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutate"] = module  # which dataclasses look up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["mutate"]


def changed(mutants, source: str) -> set[str]:
    return {mutant.apply(source) for mutant in mutants}


def test_c_is_changed_outside_comments_strings_and_pointers(mutate):
    source = "void f(int *x) {\n    /* 1 < 2 */\n    g(\"a + b\", '+');\n    *x = a + 0x10U;\n}\n"
    assert changed(mutate.mutants_of_c("f.c", source), source) == {
        source.replace("a + 0", "a - 0"),
        source.replace("0x10U", "17U"),
        source.replace("0x10U", "15U"),
        source.replace("g(\"a + b\", '+');", ";"),
        source.replace("*x = a + 0x10U;", ";"),
    }


def test_declarations_and_returns_stay(mutate):
    source = (
        "int f(void) {\n    const float x = y();\n    size_t *n = z(), m;\n    return w();\n}\n"
    )
    assert changed(mutate.mutants_of_c("f.c", source), source) == set()


def test_python_is_changed_outside_annotations_and_texts(mutate):
    source = '"""1 < 2."""\n\ndef f(a: int | None = 1) -> "x | y":\n    g(a and f"{1}")\n'
    source += "    return 2.0\n"
    assert changed(mutate.mutants_of_python("f.py", source), source) == {
        source.replace("= 1", "= 2"),
        source.replace("= 1", "= 0"),
        source.replace("and", "or"),
        source.replace("2.0", "2.5"),
        source.replace('g(a and f"{1}")', "pass"),
    }


def test_the_tests_of_a_file_begin_with_its_own(mutate):
    tests = mutate.tests_of("pyplugin/automation/movers.py")
    assert tests[0] == "tests/automation/test_movers.py"
    assert mutate.tests_of("native/src/worker/worker.c")[0] == "test_engine"
    assert mutate.tests_of("native/src/support/ring.c")[0] == "test_ring"
    assert mutate.tests_of("pyplugin/cli/tag.py") is None


def test_the_tests_named_exist(mutate):
    for tests in mutate.TESTS.values():
        for test in tests:
            if mutate.is_python(test):
                assert (ROOT / test).exists()


def test_known_equivalents_are_lines_of_their_files(mutate):
    for each in mutate.equivalents():
        lines = [line.strip() for line in (ROOT / each["path"]).read_text().splitlines()]
        assert each["old"] in lines
        assert len(each["reason"]) > 20
