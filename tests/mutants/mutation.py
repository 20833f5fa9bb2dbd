"""What a mutant is: a request that was good, with one thing in it changed, and where that was."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.mutants.places import Path, Tree

CANARY: Final = "Zanzibarella"
"""In every mutated value that can hold a word: no refusal may repeat it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request. `path` is below the FHIR base, or begins with a slash."""

    method: str
    path: str
    actor: str
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A header, or a parameter of a search."""

    name: str


@dataclass(frozen=True, slots=True)
class Offset:
    """A byte of a body that is no JSON any more."""

    at: int


Touched = Path | Named | Offset


@dataclass(frozen=True, slots=True)
class Change:
    """What a mutation did to a body. `forbidden`: R4 surely forbids it, so that an acceptance is a hole."""

    touched: tuple[Touched, ...]
    forbidden: bool = True


@dataclass(frozen=True, slots=True)
class Mutant:
    kind: str
    sent: Sent
    change: Change


TreeMutation = Callable[[random.Random, Tree], Change | None]
"""Changes the tree in place; None when it has nothing that could be changed so."""


def at(*paths: Path, forbidden: bool = True) -> Change:
    return Change(paths, forbidden)
