"""The list of what an archive has inside, in CycloneDX."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timezone
from importlib.metadata import version as version_of_package
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from release.archives import files_in, sha256
from release.compiling import ReleaseError, run
from release.targets import ROOT, Target

PACKAGES = {  # of Debian, by what they add to a binary
    "mingw-w64": ("mingw-w64-x86-64-dev", "ZPL-2.1 AND LicenseRef-public-domain"),
    "libgcc": ("gcc-mingw-w64-x86-64-win32-runtime", "GPL-3.0-or-later WITH GCC-exception-3.1"),
}


def _component(name: str, number: str | None, licence: str, kind: ComponentType) -> Component:
    expression = LicenseExpression(licence)
    return Component(
        name=name, version=number, licenses=[expression], type=kind, bom_ref=f"{name}@{number}"
    )


def _file(path: Path, name: str) -> Component:
    digest = HashType(alg=HashAlgorithm.SHA_256, content=sha256(path))
    return Component(name=name, type=ComponentType.FILE, hashes=[digest], bom_ref=name)


def linked(target: Target) -> list[Component]:
    """Return what the compilers add to each binary."""
    library = ComponentType.LIBRARY
    if target.system == "Windows":
        return [
            _component(
                name, run("dpkg-query", "-W", "-f=${Version}", package).strip(), licence, library
            )
            for name, (package, licence) in PACKAGES.items()
        ]
    if target.system == "Darwin":  # the system has what the compiler calls
        return []
    return [_component("zig compiler-rt", version_of_package("ziglang"), "MIT", library)]


def make(folder: Path, target: Target, version: str, seconds: int) -> str:
    """Return the list for an archive's folder, as JSON that the schema of CycloneDX allows.

    Raises
    ------
    ReleaseError
        It does not, which would be a fault of this file.
    """
    top = _component(f"tagnode-plugins-{target.name}", version, "MIT", ComponentType.APPLICATION)
    model = _component("scene", version, "MIT", ComponentType.MACHINE_LEARNING_MODEL)
    digest = HashType(alg=HashAlgorithm.SHA_256, content=sha256(ROOT / "models" / "scene.tflite"))
    model.hashes.add(digest)
    parts = [model, *linked(target)]
    files = [_file(path, path.relative_to(folder).as_posix()) for path in files_in(folder)]
    bom = Bom(components=[*parts, *files])
    bom.metadata.component = top
    bom.metadata.timestamp = datetime.fromtimestamp(seconds, timezone.utc)
    contents = "".join(sorted(f"{each.name} {each.version} {list(each.hashes)}" for each in files))
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, f"{target.name} {version} {contents}")
    bom.register_dependency(top, [*parts, *files])
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem is not None:
        raise ReleaseError(f"The list of parts of {target.name} is not valid CycloneDX: {problem}")
    return json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"
