"""Documents are bounded in depth and in what aliases expand to."""

import resource
import subprocess
import sys

import pytest

from pyplugin.support.documents import DocumentError, parse_json, parse_toml, parse_yaml


@pytest.mark.parametrize("depth", [65, 300, 100_000])
@pytest.mark.parametrize(
    "kind", ["json", "json objects", "toml", "toml keys", "yaml", "yaml block"]
)
def test_deep_nesting_is_a_sentence(kind, depth):
    if kind.startswith("yaml") and depth > 300:
        depth = 3000
    text = {
        "json": "[" * depth + "]" * depth,
        "json objects": '{"a":' * depth + "1" + "}" * depth,
        "toml": "a = " + "[" * depth + "]" * depth,
        "toml keys": ".".join("a" * min(depth, 3000)) + " = 1",
        "yaml": "[" * depth + "]" * depth,
        "yaml block": "- " * depth + "1",
    }[kind]
    parse = {"json": parse_json, "toml": parse_toml}.get(kind.split()[0])
    with pytest.raises(DocumentError, match="nested more than 64 levels"):
        parse(text) if parse else parse_yaml(text, "Reading")


def test_usual_documents_are_read():
    assert parse_json("[" * 60 + "]" * 60)
    assert parse_toml("[a.b.c]\nd = [1]") == {"a": {"b": {"c": {"d": [1]}}}}
    text = "a: &x {label: [rock, pop]}\nb: *x\nc: *x"
    assert parse_yaml(text, "Reading")["c"] == {"label": ["rock", "pop"]}


@pytest.mark.parametrize("text", ["&a [*a]", "&a {b: *a}"])
def test_a_document_that_contains_itself_is_a_sentence(text):
    with pytest.raises(DocumentError, match="nested"):
        parse_yaml(text, "Reading")


BOMB = "a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)


def test_aliases_do_not_fill_the_memory(tmp_path):
    path = tmp_path / "truth.yaml"
    path.write_text(BOMB)

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))

    program = "from pyplugin.training.dataset import read_dataset; import sys\n"
    program += f"try: read_dataset({str(path)!r})\n"
    program += "except Exception as e: print(type(e).__name__, e)\n"
    # not getrusage's maximum, which the process that starts this one hands on
    program += "import re; status = open('/proc/self/status').read()\n"
    program += "print(re.search(r'VmHWM:\\s+(\\d+)', status)[1])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=limit,
    )
    sentence, kilobytes = done.stdout.splitlines()
    assert sentence.startswith("PypluginError")
    assert "aliases" in sentence
    assert int(kilobytes) < 300_000


@pytest.mark.parametrize("text", ["{", "1" * 5000, "\x00"])
def test_what_is_no_document_is_one_error(text):
    for parse in (parse_json, parse_toml, lambda text: parse_yaml("[" + text, "Reading")):
        with pytest.raises(DocumentError):
            parse(text)
