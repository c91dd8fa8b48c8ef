"""The checks of a release, and the files that hosts and tools of developers read."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from documents import ROOT

from pyplugin import __version__


@pytest.fixture
def release(tmp_path, monkeypatch):
    """The script over a repository of its own, with a header and a changelog."""
    spec = importlib.util.spec_from_file_location(
        "release", ROOT / "tools" / "release" / "check.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    header = tmp_path / "native" / "include" / "tagnode.h"
    header.parent.mkdir(parents=True)
    header.write_text((ROOT / "native" / "include" / "tagnode.h").read_text(encoding="utf-8"))
    write(tmp_path, f"## Unreleased\n\n## {__version__} - 2026-01-31\n\n- New.\n")
    for command in (
        ["git", "init", "--quiet"],
        ["git", "add", "."],
        [
            *[
                "git",
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@example.org",
                "commit",
                "--quiet",
                "-m",
                "x",
            ]
        ],
    ):
        subprocess.run(command, cwd=tmp_path, check=True)
    return module


def write(folder: Path, changelog: str) -> None:
    (folder / "CHANGELOG.md").write_text(f"# Changelog\n\n{changelog}", encoding="utf-8")


def test_a_release_that_is_ready_passes(release):
    assert release.check_version() == __version__
    assert release.check_changes() == "nothing is unreleased"
    assert re.fullmatch("[0-9a-f]{7,}", release.check_tree())


@pytest.mark.parametrize(
    ("changelog", "check", "message"),
    [
        ("## Unreleased\n\n## 0.0.1 - 2026-01-31\n", "version", "has no heading"),
        (f"## {__version__}\n\n- New.\n", "version", "has no date"),
        (f"## Unreleased\n\n- New.\n\n## {__version__} - 2026-01-31\n", "changes", "move them"),
        ("## Unreleased\n", "tree", "not committed"),
    ],
)
def test_what_is_missing_is_named(release, tmp_path, changelog, check, message):
    write(tmp_path, changelog)
    with pytest.raises(release.CheckError, match=message):
        release.CHECKS[check]()


def test_a_version_is_published_once(release, tmp_path):
    subprocess.run(["git", "tag", f"v{__version__}"], cwd=tmp_path, check=True)
    with pytest.raises(release.CheckError, match="is published already"):
        release.check_version()


def test_the_header_names_the_version(release):
    assert release.version() == __version__
    with pytest.raises(release.CheckError, match="has no version"):
        release.version_of("#define TAGNODE_VERSION_MAJOR 1\n")


def test_the_checklist_has_every_check_and_no_other(release):
    text = (ROOT / "RELEASE.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == list(release.CHECKS)
    command = [sys.executable, ROOT / "tools" / "release" / "check.py", "--list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in listed.splitlines()] == list(release.CHECKS)


def test_the_script_publishes_nothing():
    text = (ROOT / "tools" / "release" / "check.py").read_text(encoding="utf-8")
    assert re.findall(r"twine|git\", \"push|upload", text) == []


# ---- files that others read


def test_hosted_ci_calls_ours():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert ".ci/run" in [step.get("run") for step in job["steps"]]


def test_hooks_are_the_tools_of_make_lint():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lint = makefile.partition("\nlint:")[2].partition("\n\n")[0].replace("$(BIN)", ".venv/bin")
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (local,) = config["repos"]
    entries = [hook["entry"] for hook in local["hooks"] if hook["id"] != "environment"]
    assert local["repo"] == "local"
    assert len(entries) > 4
    assert [entry for entry in entries if entry not in lint] == []


def test_the_citation_is_valid():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["license"] == "MIT"
    assert "version" not in citation  # which stands in tagnode.h
