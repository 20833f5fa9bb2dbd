"""Examples of the profiles: resources of `sample_bundles`, each claiming the profile that it shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

from adapter.testkit.templates import Values
from mappings.canonicals import BASE

Json = dict[str, Any]

_SAMPLE: Final = ("mobile-crisis-to-outpatient", "accepted-and-completed")
_PROFILES: Final = {
    "Task": "handoff-task",
    "ServiceRequest": "handoff-service-request",
    "CarePlan": "safety-plan",
    "RiskAssessment": "handoff-risk-assessment",
    "Communication": "handoff-communication",
    "Appointment": "handoff-appointment",
}
_NAMED: Final = {
    "task": "Task", "request": "ServiceRequest", "patient": "Patient", "call": "Communication",
    "appointment": "Appointment",
}  # fmt: skip
"""What a name that an earlier step captured stands for."""
_AT: Final = datetime(2026, 1, 31, 15, 0, tzinfo=UTC)
_NAMESPACE: Final = UUID("5f8f3f0e-6a54-4d1b-9a3c-0d9a5d6c7b21")


class _SameEveryTime(Values):
    """Ids that depend on their names alone; what an earlier step would have captured is the resource of that name."""

    def of(self, placeholder: str) -> str:
        name = placeholder.removeprefix("uuid ")
        if placeholder.startswith("uuid "):
            return str(uuid5(_NAMESPACE, name))
        if placeholder.isalpha() and placeholder not in {"now", "today", "start", "run", "base"}:
            return f"urn:uuid:{uuid5(_NAMESPACE, name)}"
        return super().of(placeholder)


def examples() -> Iterator[Json]:
    """The request Bundle as it is sent, and one resource for each of the other profiles as a server would hold it."""
    values = _SameEveryTime(_AT, run="example")
    request = _filled(values, "01-request.json")
    shown: dict[str, Json] = {}
    for entry in [*request["entry"], *_filled(values, "02-call-and-appointment.json")["entry"]]:
        resource = entry["resource"]
        profile = _PROFILES.get(resource["resourceType"])
        if profile is not None and profile not in shown:
            # Fresh copies: in the Bundle, claims and ids stay as they are sent.
            shown[profile] = {**_claiming(resource, profile), "id": f"example-{profile}"}
    places = {
        entry["fullUrl"]: f"{entry['resource']['resourceType']}/example-{profile}"
        for entry in request["entry"]
        if (profile := _PROFILES.get(entry["resource"]["resourceType"])) and shown[profile]["meta"]
    }
    yield {**_claiming(request, "handoff-bundle"), "id": "example-handoff-bundle"}
    for resource in shown.values():
        yield _ordered(_moved(resource, places))


def filled_samples() -> Iterator[tuple[str, bytes]]:
    """(name, JSON) of every sample resource that is not meant to be refused, as a server would get it."""
    root = Path(str(files("sample_bundles")))
    for file in sorted(root.rglob("*.json")):
        text = file.read_text(encoding="utf-8")
        folder = file.relative_to(root).parts[0]
        is_refused = folder == "refused" and file.name != "valid.json"
        if is_refused or folder == "partners" or text.lstrip().startswith("["):
            continue  # a partner file and a JSON Patch are no resources
        values = Values(_AT, run="example")
        for name in re.findall(r"\{\{\s*(\w+)(?:\.id)?\s*\}\}", text):
            values.captured.setdefault(name, f"{_NAMED.get(name, 'PractitionerRole')}/{name}")
        yield str(file.relative_to(root)).replace("/", "--"), values.fill_json(text)


def _filled(values: Values, name: str) -> Json:
    scenario, case = _SAMPLE
    text = (files("sample_bundles") / scenario / case / name).read_text(encoding="utf-8")
    content: Json = json.loads(values.fill_json(text))
    return content


def _claiming(resource: Json, profile: str) -> Json:
    meta = {**resource.get("meta", {}), "profile": [f"{BASE}/StructureDefinition/{profile}"]}
    return {"resourceType": resource["resourceType"], "meta": meta, **{k: v for k, v in resource.items() if k not in
            ("resourceType", "meta")}}  # fmt: skip


def _moved(value: Any, places: dict[str, str]) -> Any:
    """References to other examples by their place on a server; the rest stays a placeholder."""
    if isinstance(value, dict):
        return {k: places.get(v, v) if k == "reference" and isinstance(v, str) else _moved(v, places)
                for k, v in value.items()}  # fmt: skip
    return [_moved(item, places) for item in value] if isinstance(value, list) else value


def _ordered(resource: Json) -> Json:
    return {"resourceType": resource["resourceType"], "id": resource["id"], **resource}
