"""Fills `{{…}}` in sample files and scripts: captured references, fresh ids, and times relative to the scenario.

{{task}}            what an earlier step captured: `Task/0197…`      {{task.id}}   its id alone
{{now}} {{now-PT2H}} {{today+P1D}}   the scenario's time; it stands still until a step advances the clock
{{uuid first}}      a new UUID, the same wherever the scenario says `first`
{{run}}             a short text that no other run has; {{base}} the server's FHIR base address
{{endpoint hie-router}}   where the simulated system of a partner listens
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from adapter.testkit.scenario import Expectation

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_TIME = re.compile(r"(now|today|start)(?:([+-])(P\S+))?")
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


class Unknown(KeyError):
    """A placeholder that no earlier step filled."""


def duration(text: str) -> timedelta:
    """ISO 8601 days, hours, minutes and seconds: `P2D`, `PT48H`, `PT1H30M`. Raises ValueError otherwise."""
    match = _DURATION.fullmatch(text)
    if match is None or text == "P":
        raise ValueError(f"expected a duration such as `PT48H`, got `{text}`")
    days, hours, minutes, seconds = (int(group or 0) for group in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def placeholders(value: Any) -> Iterator[str]:
    """Every placeholder in a text, or in the texts of a value at any depth."""
    if isinstance(value, str):
        yield from (match[1] for match in _PLACEHOLDER.finditer(value))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from placeholders(key)
            yield from placeholders(item)
    elif isinstance(value, list):
        for item in value:
            yield from placeholders(item)


def is_made(placeholder: str) -> bool:
    """Whether it is filled without a step that captures it: a time, an id, the run, an address."""
    time = _TIME.fullmatch(placeholder)
    if time is not None:
        return time[3] is None or _DURATION.fullmatch(time[3]) is not None
    word = placeholder.partition(" ")[0]
    return word in {"uuid", "endpoint"} or placeholder in {"run", "base"}


class Values:
    """Everything a scenario's placeholders can stand for, for one run of that scenario."""

    def __init__(
        self,
        started: datetime,
        base_url: str = "",
        run: str | None = None,
        endpoints: Mapping[str, str] | None = None,
    ):
        self.start = started.astimezone(UTC).replace(microsecond=0)
        self.now = self.start
        self.captured: dict[str, str] = {"run": run or uuid4().hex[:10], "base": base_url}
        self._uuids: dict[str, str] = {}
        self._endpoints = endpoints or {}

    def of(self, placeholder: str) -> str:
        time = _TIME.fullmatch(placeholder)
        if time is not None:
            return self._time(time[1], time[2], time[3])
        if placeholder == "uuid" or placeholder.startswith("uuid "):
            return self._uuids.setdefault(placeholder, str(uuid4()))
        word, _, partner = placeholder.partition(" ")
        if word == "endpoint" and partner in self._endpoints:
            return self._endpoints[partner]
        name, dot, part = placeholder.partition(".")
        if name not in self.captured or part not in ("", "id", "type"):
            raise Unknown(placeholder)
        value = self.captured[name]
        if not dot:
            return value
        return value.partition("/")[2] if part == "id" else value.partition("/")[0]

    def _time(self, word: str, sign: str | None, length: str | None) -> str:
        at = self.start if word == "start" else self.now
        if length:
            at = at + duration(length) if sign == "+" else at - duration(length)
        return at.date().isoformat() if word == "today" else at.isoformat()

    def fill_text(self, text: str) -> str:
        return _PLACEHOLDER.sub(lambda match: self.of(match[1]), text)

    def fill_json(self, text: str) -> bytes:
        """The sample file's own bytes with placeholders filled, each escaped for the JSON string it stands in."""
        return _PLACEHOLDER.sub(lambda match: json.dumps(self.of(match[1]))[1:-1], text).encode()

    def fill(self, value: Any) -> Any:
        """A value of the script, at any depth."""
        if isinstance(value, str):
            return self.fill_text(value)
        if isinstance(value, Mapping):
            return {key: self.fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        return value

    def fill_expectation(self, expect: Expectation) -> Expectation:
        return replace(
            expect,
            headers=self.fill(expect.headers),
            body={self.fill_text(path): self.fill(wanted) for path, wanted in expect.body.items()},
            issues=None if expect.issues is None else tuple(self.fill(list(expect.issues))),
        )
