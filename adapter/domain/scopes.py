"""What a client may do: https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html (system scopes).

`system/Task.cru` grants create, read and update of Task; `system/*.rs` reading and searching of everything. The words
of version 1 are understood (`read` = rs, `write` = cud, `*` = cruds). A scope limits what a client may do with what its
organisation may see; it never widens what that organisation may see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from adapter.domain.errors import NotAllowed

EVERY_TYPE: Final = "*"
LETTERS: Final = "cruds"
"""Create, read, update, delete, search: in this order only, says the specification."""

_SCOPE = re.compile(r"system/(?P<type>\*|[A-Z][A-Za-z]{1,63})\.(?P<may>read|write|\*|(?=.)c?r?u?d?s?)")
_VERSION_1: Final = {"read": "rs", "write": "cud", "*": LETTERS}

INTERACTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "create": "c",
        "read": "r",
        "vread": "r",
        "history-instance": "r",
        "update": "u",
        "patch": "u",
        "delete": "d",
        "search-type": "s",
        "history-type": "s",
    }
)
"""RESTful interaction code (https://hl7.org/fhir/R4/codesystem-restful-interaction.html) → letter."""


@dataclass(frozen=True, slots=True)
class Scopes:
    """Resource type (or `*`) → letters of `cruds`."""

    granted: Mapping[str, frozenset[str]]

    @classmethod
    def parse(cls, scopes: str | Iterable[str]) -> Scopes:
        """From a space-separated string or its parts. Raises ValueError at the first part that is none."""
        granted: dict[str, frozenset[str]] = {}
        for scope in scopes.split() if isinstance(scopes, str) else scopes:
            matched = _SCOPE.fullmatch(scope)
            if matched is None:
                raise ValueError(f"expected a scope like `system/Task.cruds` or `system/*.rs`, got `{scope[:80]}`")
            letters = frozenset(_VERSION_1.get(matched["may"], matched["may"]))
            granted[matched["type"]] = granted.get(matched["type"], frozenset()) | letters
        return cls(MappingProxyType(granted))

    @classmethod
    def requested(cls, scope: str) -> Scopes:
        """What a token request asks for; parts that are not system scopes ask for nothing here and are left out."""
        return cls.parse(part for part in scope.split() if _SCOPE.fullmatch(part))

    def __and__(self, other: Scopes) -> Scopes:
        """What both grant; `system/*.rs` and `system/Task.cruds` share `system/Task.rs`."""
        both: dict[str, frozenset[str]] = {}
        for left, left_letters in self.granted.items():
            for right, right_letters in other.granted.items():
                if left == right or EVERY_TYPE in (left, right):
                    narrower = right if left == EVERY_TYPE else left
                    letters = both.get(narrower, frozenset()) | (left_letters & right_letters)
                    if letters:
                        both[narrower] = letters
        return Scopes(MappingProxyType(both))

    def __bool__(self) -> bool:
        return bool(self.granted)

    def __str__(self) -> str:
        return " ".join(
            f"system/{type}.{''.join(letter for letter in LETTERS if letter in self.granted[type])}"
            for type in sorted(self.granted)
        )

    def allow(self, type: str, interaction: str) -> bool:
        """`interaction` is a restful-interaction code that names a type (`read`, `update`, `search-type`, …)."""
        letter = INTERACTIONS[interaction]
        return letter in self.granted.get(type, ()) or letter in self.granted.get(EVERY_TYPE, ())

    def require(self, type: str, interaction: str) -> None:
        """Raises NotAllowed (403 `forbidden`) naming the scope that is missing."""
        if not self.allow(type, interaction):
            needed = f"system/{type}.{INTERACTIONS[interaction]}"
            raise NotAllowed(f"expected a token with scope `{needed}`, got one with `{self}`")
