"""SQL put together from fixed text and bound values. No value ever becomes text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from adapter.storage.pg_arrays import bigint_literal, text_literal


class Values:
    """The values of a statement, in the order of its `$1`, `$2`, …"""

    def __init__(self, *values: Any):
        self.bound: list[Any] = list(values)

    def bind(self, value: Any) -> str:
        """The placeholder of a value."""
        self.bound.append(value)
        return f"${len(self.bound)}"

    def texts(self, values: Iterable[str]) -> str:
        return f"{self.bind(text_literal(values))}::text[]"

    def bigints(self, values: Iterable[int]) -> str:
        return f"{self.bind(bigint_literal(values))}::bigint[]"


def all_of(conditions: Iterable[str]) -> str:
    return " AND ".join(conditions)


def any_of(conditions: Iterable[str]) -> str:
    return f"({' OR '.join(conditions)})"
