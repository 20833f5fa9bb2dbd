"""Holds HL7's validator and ours against the same files, and prints where they differ; run by `make validate-hl7`.

    python -m profiles.hl7.compare [--all] [FILE_OR_FOLDER…]

Always looked at: the package of profiles with its examples, every sample that is not meant to be refused, and faulty
copies of the examples, one for each rule of our profiles. Prints one JSON object; exit 1 when HL7's validator finds an
error in the package or in a sample, or when the two differ on a faulty copy. On other files a difference is printed and
proves nothing yet: docs/validation.md says which there are and why.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adapter.domain.errors import HandoffError
from adapter.validation import check, decode_resource
from mappings.json_codec import decode
from profiles.build_package import PACKAGE
from profiles.examples import filled_samples
from profiles.faults import BY_REFERENCE, FAULTS

HERE = Path(__file__).parent
Json = dict[str, Any]

ARTEFACTS = {
    "Extension_EXT_Version_Invalid": "HAPI does not carry the package of R5 extensions that R4's form of a "
    "SubscriptionTopic is written in (https://hl7.org/fhir/uv/subscriptions-backport/)",
    "ERROR_GENERATING_SNAPSHOT": "HAPI has no package cache, from which the snapshot of an extension is made again",
    "NotJudged": "HAPI lacks an optional library, for signatures",
    "languages": "HAPI takes a language outside of R4's short list of common ones for an error, although R4 merely "
    "prefers that list",
}
"""What HL7's validator reports because of how it is embedded, by message id or topic, with the reason."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("paths", nargs="*", type=Path)
    arguments.add_argument("--all", action="store_true", help="print every issue of every file, warnings too")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        own = [*sorted(PACKAGE.glob("*-*.json")), *sorted(PACKAGE.glob("example/*.json")), *_samples(Path(folder))]
        faulty = list(_faulty(Path(folder)))
        others = [f for path in asked.paths for f in (sorted(path.rglob("*.json")) if path.is_dir() else [path])]
        found = _by_hl7([*own, *faulty, *others])
        report, failed = _report(own, faulty, others, found, Path(folder), everything=asked.all)
    print(json.dumps(report, indent=1, ensure_ascii=False))  # noqa: T201 - a tool for a terminal
    sys.exit(1 if failed else 0)


def _samples(folder: Path) -> Iterator[Path]:
    for name, content in filled_samples():
        file = folder / "samples" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        yield file


def _faulty(folder: Path) -> Iterator[Path]:
    (folder / "faulty").mkdir()
    for name, (example, spoil) in FAULTS.items():
        (source,) = PACKAGE.glob(f"example/*-example-{example}.json")
        tree = decode(source.read_bytes())
        spoil(tree)
        file = folder / "faulty" / f"{name}.json"
        file.write_text(json.dumps(tree), encoding="utf-8")
        yield file


def _by_hl7(files: list[Path]) -> dict[Path, list[Json]]:
    classes = f"{HERE / 'target' / '*'}:{HERE / 'target' / 'lib' / '*'}"
    done = subprocess.run(
        ["java", "-cp", classes, "example.handoff.Validate", str(PACKAGE)],
        input="\n".join(map(str, files)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    lines = (json.loads(line) for line in done.stdout.splitlines())
    return {Path(line["file"]): line["issues"] for line in lines}


def _by_ours(file: Path) -> list[str]:
    """Without what a server may refuse although it is valid: a modifierExtension that it does not understand."""
    try:
        issues = check(decode_resource(file.read_bytes(), max_bytes=1 << 30))
    except HandoffError as refusal:
        issues = list(refusal.issues)
    return [f"{i.code} at {i.expression}: {i.text}" for i in issues if i.severity in ("error", "fatal")
            and not (i.expression or "").endswith(".modifierExtension")]  # fmt: skip


def _artefact(issue: Json) -> str | None:
    if (
        issue["id"] == "Terminology_PassThrough_TX_Message"
        and "http://hl7.org/fhir/ValueSet/languages" in issue["text"]
    ):
        return "languages"
    return issue["id"] if issue["id"] in ARTEFACTS else None


def _report(
    own: list[Path], faulty: list[Path], others: list[Path], found: dict[Path, list[Json]], folder: Path, *,
    everything: bool,
) -> tuple[Json, bool]:  # fmt: skip
    differences: list[Json] = []
    errors: list[Json] = []
    artefacts: dict[str, int] = {}
    both = {"sound": 0, "refused": 0}
    failed, unresolved = False, 0
    for file in [*own, *faulty, *others]:
        name = str(file.relative_to(folder) if file.is_relative_to(folder) else file)
        theirs = [i for i in found[file] if i["severity"] in ("error", "fatal")]
        for issue in theirs:
            if artefact := _artefact(issue):
                artefacts[artefact] = artefacts.get(artefact, 0) + 1
        texts = [f"{i['location']}: {i['text']}" for i in theirs if not _artefact(i)]
        ours = _by_ours(file)
        if file in own and (texts or ours):
            errors.append({"file": name, "hl7": texts, "ours": ours})
            failed = True
        elif file in faulty and ours and not texts and file.stem in BY_REFERENCE:
            unresolved += 1
        elif bool(texts) != bool(ours):
            differences.append({"file": name, "hl7": texts[:5], "ours": ours[:5]})
            failed = failed or file in faulty
        else:
            both["refused" if ours else "sound"] += 1
    report: Json = {
        "files": {"own": len(own), "faulty": len(faulty), "others": len(others)},
        "agreed": both,
        "errors in package or samples": errors,
        "differences": differences,
        "references that HL7's validator does not resolve": unresolved,
        "left out": {key: {"times": n, "because": ARTEFACTS[key]} for key, n in artefacts.items()},
    }
    if everything:
        report["issues"] = {str(file): issues for file, issues in found.items() if issues}
    return report, failed


if __name__ == "__main__":
    main()
