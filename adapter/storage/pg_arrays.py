"""Arrays for PostgreSQL, packed by hand: the driver's own conversion of lists took longer than the whole insert.

Bodies travel in the binary format (`array_send` in PostgreSQL's arrayfuncs.c: dimensions, has-nulls flag, element type,
length, lower bound, then each element with its length before it), small arrays as literals that the server parses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_BYTEA, _BYTEA_ARRAY = 17, 1001
_HEADER = Struct(">iiiii")
_LENGTH = Struct(">i")
_NULL = _LENGTH.pack(-1)


class ByteaArray:
    """`bytea[]`, not empty."""

    __slots__ = ("packed",)

    def __init__(self, values: Sequence[bytes | None]):
        parts = [_HEADER.pack(1, 1, _BYTEA, len(values), 1)]  # has-nulls only promises that there may be some
        for value in values:
            parts.append(_NULL if value is None else _LENGTH.pack(len(value)))
            parts.append(value or b"")
        self.packed = b"".join(parts)


class _ByteaArrayDumper(Dumper):
    format = Format.BINARY
    oid = _BYTEA_ARRAY

    def dump(self, obj: ByteaArray) -> Buffer:
        return obj.packed


psycopg.adapters.register_dumper(ByteaArray, _ByteaArrayDumper)


def bigint_literal(values: Iterable[int]) -> str:
    """For `$1::bigint[]`."""
    return "{" + ",".join(map(str, values)) + "}"


def text_literal(values: Iterable[str]) -> str:
    """For `$1::text[]`."""
    return "{" + ",".join(['"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values]) + "}"
