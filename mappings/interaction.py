"""One RESTful interaction, however it came: its own HTTP request, an entry of a Bundle, a part of a message.

https://hl7.org/fhir/R4/http.html. All writing goes through lists of these, so that a PUT, a transaction entry and a
message obey the same rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapter.domain.errors import Invalid

Tree = dict[str, Any]

INTERACTION_CODES: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
"""HTTP method of a write → http://hl7.org/fhir/restful-interaction."""
_HEADERS: Final = {"ifMatch": "If-Match", "ifNoneMatch": "If-None-Match", "ifNoneExist": "If-None-Exist"}
_WEAK_ETAG = re.compile(r'^(?:W/)?"?([0-9]{1,9})"?$')


@dataclass(slots=True)
class Interaction:
    """`method` on `type`[/`id`]. `at` is the expression of the resource in the request (`Bundle.entry[2].resource`,
    or the resource type), `request_at` that of its request line; both locate errors."""

    method: str
    type: str
    id: str | None = None
    at: str = ""
    request_at: str = ""
    resource: Tree | None = None
    full_url: str | None = None
    criteria: str | None = None
    """The query of a conditional update, patch or delete, or of a search (GET)."""
    if_none_exist: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    patch: Tree | list[Any] | None = None
    """JSON Patch operations (a list), a FHIRPath Patch (Parameters) or a JSON Merge Patch (another object)."""
    version: str | None = None
    fixed_id: str | None = None
    """The id that a POST shall get: a message entry keeps one id across updates of the same message."""
    is_content: bool = False
    """A Task of a message that asks nobody by itself: it comes along, and another one stands for the handoff."""
    withdrawn: bool = False
    """A Task by which a message takes back what was never seen here: its handoff begins and is cancelled at once."""

    def condition_at(self, element: str) -> str:
        """Where a condition (`ifMatch`) stands: beside the request of an entry, or in a header of its own request."""
        return f"{self.request_at}.{element}" if self.request_at else f"http.{_HEADERS[element]}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an interaction led to: the HTTP status it has or would have, and the resource as it now is."""

    status: int
    type: str
    id: str | None = None
    version: int | None = None
    last_modified: datetime | None = None
    body: bytes | None = None
    is_answer: bool = False
    """What was asked for by a GET, rather than what a write left."""

    @property
    def location(self) -> str | None:
        """`Type/id/_history/version`, relative to the base."""
        return f"{self.type}/{self.id}/_history/{self.version}" if self.id and self.version else None

    @property
    def etag(self) -> str | None:
        return f'W/"{self.version}"' if self.version else None


def criteria_of(condition: str | None, type_: str, at: str) -> str | None:
    """`identifier=a|b` of a condition on one type, which some clients write as a whole address,
    `https://…/Patient?identifier=a|b`. Raises Invalid when that names another type."""
    if condition is None:
        return None
    address, question, criteria = condition.partition("?")
    if not question or "=" in address:
        return condition
    if address and address.rpartition("/")[2] != type_:
        raise Invalid(f"expected a condition on {type_}, got one on another type", expression=at, code="value")
    return criteria


def version_in_etag(etag: str, expression: str) -> int:
    """3 of `W/"3"`. Raises Invalid when it is not a version of ours."""
    match = _WEAK_ETAG.match(etag.strip())
    if match is None:
        raise Invalid('expected a version like W/"3"', expression=expression, code="value")
    return int(match.group(1))
