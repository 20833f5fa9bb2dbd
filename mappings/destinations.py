"""Destinations as a searchset: services, their organisations, and when each is open next (OperationDefinition
find-destination, https://hl7.org/fhir/R4/operationdefinition.html)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import orjson

from mappings.canonicals import EXT_OPENS
from mappings.json_codec import encode
from mappings.times import format_time

Tree = dict[str, Any]

NOBODY: Final = (
    "no registered service can take the person with this coverage in this time: ask for a longer time, and record what "
    "the person was given meanwhile as the fact `immediate-resource`: 988 (Suicide and Crisis Lifeline, call or text), "
    "or the PSI HelpLine 1-800-944-4773"
)


class _Stored(Protocol):
    @property
    def key(self) -> object: ...
    @property
    def body(self) -> bytes: ...


class _Destination(Protocol):
    @property
    def service(self) -> _Stored: ...
    @property
    def organization(self) -> _Stored: ...
    @property
    def opens(self) -> datetime: ...


def to_fhir(destinations: Sequence[_Destination], *, self_link: str, base_url: str) -> bytes:
    """The services in the order given, each organisation once after them; an OperationOutcome when there are none."""
    entries = [
        {
            "fullUrl": f"{base_url}/{found.service.key}",
            "resource": orjson.Fragment(found.service.body),
            "search": {
                "extension": [{"url": EXT_OPENS, "valueInstant": format_time(found.opens)}],
                "mode": "match",
            },
        }
        for found in destinations
    ]
    organizations = {str(found.organization.key): found.organization.body for found in destinations}
    entries += [
        {"fullUrl": f"{base_url}/{key}", "resource": orjson.Fragment(body), "search": {"mode": "include"}}
        for key, body in organizations.items()
    ]
    if not entries:
        outcome = {
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "information", "code": "not-found", "details": {"text": NOBODY}}],
        }
        entries.append({"resource": outcome, "search": {"mode": "outcome"}})
    return encode(
        {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(destinations),
            "link": [{"relation": "self", "url": self_link}],
            "entry": entries,
        }
    )
