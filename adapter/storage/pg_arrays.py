"""Arrays for PostgreSQL, packed by hand: the driver's own conversion of lists took longer than the whole insert.

A whole write set travels as one array per column. The binary format is `array_send` of PostgreSQL's arrayfuncs.c:
dimensions, has-nulls flag, element type, length, lower bound, then each element with its length before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from struct import Struct
from typing import ClassVar

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEADER = Struct(">iiiii")
_LENGTH = Struct(">i")
_INT4 = Struct(">ii")
_INT8 = Struct(">iq")
_NULL = _LENGTH.pack(-1)
_BOOLEANS = {True: _LENGTH.pack(1) + b"\1", False: _LENGTH.pack(1) + b"\0"}
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECONDS_OF_A_DAY = 86_400_000_000


class PgArray:
    """A packed one-dimensional array; the subclass says of what."""

    __slots__ = ("packed",)
    array_oid: ClassVar[int]
    element_oid: ClassVar[int]

    def __init__(self, count: int, elements: Iterable[bytes]):
        # The flag only promises that there may be nulls; PostgreSQL looks for itself.
        header = (
            _HEADER.pack(1, 1, self.element_oid, count, 1) if count else _HEADER.pack(0, 0, self.element_oid, 0, 0)[:12]
        )
        self.packed = header + b"".join(elements)


class TextArray(PgArray):
    array_oid, element_oid = 1009, 25

    @classmethod
    def of(cls, values: Sequence[str | None]) -> TextArray:
        return cls(len(values), [_NULL if v is None else _sized(v.encode()) for v in values])


class ByteaArray(PgArray):
    array_oid, element_oid = 1001, 17

    @classmethod
    def of(cls, values: Sequence[bytes | None]) -> ByteaArray:
        return cls(len(values), [_NULL if v is None else _sized(v) for v in values])


class IntArray(PgArray):
    array_oid, element_oid = 1007, 23

    @classmethod
    def of(cls, values: Sequence[int]) -> IntArray:
        return cls(len(values), [_INT4.pack(4, v) for v in values])


class BigintArray(PgArray):
    array_oid, element_oid = 1016, 20

    @classmethod
    def of(cls, values: Sequence[int | None]) -> BigintArray:
        return cls(len(values), [_NULL if v is None else _INT8.pack(8, v) for v in values])


class BooleanArray(PgArray):
    array_oid, element_oid = 1000, 16

    @classmethod
    def of(cls, values: Sequence[bool]) -> BooleanArray:
        return cls(len(values), [_BOOLEANS[v] for v in values])


class TimeArray(PgArray):
    array_oid, element_oid = 1185, 1184

    @classmethod
    def of(cls, values: Sequence[datetime | None]) -> TimeArray:
        return cls(len(values), [_NULL if v is None else _INT8.pack(8, _microseconds(v)) for v in values])


def _sized(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value


def _microseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return since.days * _MICROSECONDS_OF_A_DAY + since.seconds * 1_000_000 + since.microseconds


def number_literal(values: Iterable[int]) -> str:
    """`{1,2}`: an array as one text of a text array, for PostgreSQL to parse (arrays of arrays must be rectangular)."""
    return "{" + ",".join(map(str, values)) + "}"


def time_literal(values: Iterable[datetime]) -> str:
    return "{" + ",".join([v.isoformat() for v in values]) + "}"


def text_literal(values: Iterable[str]) -> str:
    return "{" + ",".join(['"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values]) + "}"


def _dumper(array: type[PgArray]) -> type[Dumper]:
    class Packed(Dumper):
        format = Format.BINARY
        oid = array.array_oid

        def dump(self, obj: PgArray) -> Buffer:
            return obj.packed

    return Packed


for _array in (TextArray, ByteaArray, IntArray, BigintArray, BooleanArray, TimeArray):
    psycopg.adapters.register_dumper(_array, _dumper(_array))
