"""Carrying out attempts: each on the foreign resource and on one that nobody has; the two answers must be one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from attempts import Attempt, Request
from tenants import Owned
from whole_house import Caller, Got

UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)|\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?")
# Of any two answers moments and keys differ; a length follows from the body, which is compared.
_NOT_COMPARED: Final = frozenset({"Date", "Last-Modified", "Content-Length", "X-Request-ID"})

Answer = tuple[int, tuple[tuple[str, str], ...], str]


def ask(caller: Caller, request: Request) -> Got:
    return caller.send(request.method, request.path, headers=dict(request.headers), raw=request.body)


def answer(got: Got, foreign: Owned) -> Answer:
    """What of an answer can be compared: names and values of the foreign set are exchanged for those of nobody, then
    ids and moments, which differ between any two requests, are taken out."""
    compared = [(name, value) for name, value in sorted(got.headers.items()) if name not in _NOT_COMPARED]
    headers = tuple((name, _plain(value, foreign)) for name, value in compared)
    return got.status, headers, _plain(got.raw.decode(), foreign)


def _plain(text: str, foreign: Owned) -> str:
    return _MOMENT.sub("moment", UUID.sub("id", foreign.as_nobodys(text)))


def aimed(attempts: Iterable[Attempt], foreign: Owned) -> list[tuple[Attempt, Request]]:
    """Those that name something foreign, each with the same request about what nobody has."""
    pairs = [(attempt, attempt.request.as_nobodys(foreign)) for attempt in attempts]
    return [(attempt, nobodys) for attempt, nobodys in pairs if nobodys != attempt.request]


def told_apart(caller: Caller, attempts: Iterable[Attempt], foreign: Owned) -> list[str]:
    """The attempts whose answer shows that the foreign resource is there."""
    found = []
    for attempt, nobodys in aimed(attempts, foreign):
        got = ask(caller, attempt.request)
        if got.status >= 500 or answer(got, foreign) != answer(ask(caller, nobodys), foreign):
            found.append(f"{attempt.label}: {attempt.request.method} {attempt.request.path} → {got.status}")
    return found


def without_values(attempts: Iterable[Attempt], foreign: Owned) -> dict[Request, str]:
    """The requests that name nothing foreign, each once, with their labels: what they answer must not depend on whether
    there is anything foreign."""
    return {each.request: each.label for each in attempts if each.request.as_nobodys(foreign) == each.request}


def answers(caller: Caller, requests: Iterable[Request], foreign: Owned) -> dict[Request, Answer]:
    return {request: answer(ask(caller, request), foreign) for request in requests}
