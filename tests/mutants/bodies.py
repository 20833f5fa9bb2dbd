"""Mutations of the bytes: what is no JSON any more, or JSON that says a thing twice (RFC 8259, FHIR's json.html)."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from adapter.domain.errors import Malformed
from mappings.json_codec import decode
from tests.mutants.bundles import referring_to
from tests.mutants.mutation import CANARY, Change, Offset, Touched
from tests.mutants.places import Path

ByteMutation = Callable[[random.Random, bytes], "tuple[bytes, Change] | None"]


def truncated(chance: random.Random, raw: bytes) -> tuple[bytes, Change] | None:
    place = chance.randrange(len(raw))
    return raw[:place], Change((Offset(place),))


def flipped(chance: random.Random, raw: bytes) -> tuple[bytes, Change] | None:
    """One byte is another one. What still is JSON is compared, to know what has changed."""
    place = chance.randrange(len(raw))
    other = chance.choice([b for b in range(256) if b != raw[place]])
    made = raw[:place] + bytes([other]) + raw[place + 1 :]
    return made, _difference(raw, made, place)


def swapped(chance: random.Random, raw: bytes) -> tuple[bytes, Change] | None:
    """Two neighbours have changed places."""
    place = chance.randrange(len(raw) - 1)
    made = raw[:place] + raw[place + 1 : place + 2] + raw[place : place + 1] + raw[place + 2 :]
    return (made, _difference(raw, made, place)) if made != raw else None


def appended(chance: random.Random, raw: bytes) -> tuple[bytes, Change] | None:
    more = chance.choice([b"}", b"]", b",", b"x", b"\x00", b"{}", CANARY.encode()])
    return raw + more, Change((Offset(len(raw)),))


def bad_utf8(chance: random.Random, raw: bytes) -> tuple[bytes, Change] | None:
    place = _in_a_string(chance, raw)
    broken = chance.choice([b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\x80", b"\xf5\x80\x80\x80"])
    return raw[:place] + broken + raw[place:], Change((Offset(place),))


def bad_escape(chance: random.Random, raw: bytes) -> tuple[bytes, Change] | None:
    r"""`\ud83d` without its other half, `\x`, a bare control character."""
    place = _in_a_string(chance, raw)
    broken = chance.choice([b"\\ud83d", b"\\udc00", b"\\x", b"\\u12", b"\n", b"\x01"])
    made = raw[:place] + broken + raw[place:]
    return made, _difference(raw, made, place)  # `\\u12` and two digits after it are a letter


def nul(chance: random.Random, raw: bytes) -> tuple[bytes, Change] | None:
    r"""`\u0000`, which is legal JSON and no text."""
    place = _in_a_string(chance, raw)
    made = raw[:place] + b"\\u0000" + raw[place:]
    return made, _difference(raw, made, place)


def key_repeated(chance: random.Random, raw: bytes) -> tuple[bytes, Change] | None:
    places = [i for i in range(len(raw) - 1) if raw[i : i + 2] == b'{"']
    place = chance.choice(places)
    end = raw.index(b'"', place + 2)
    name = raw[place + 1 : end + 1]
    return raw[: place + 1] + name + b":1," + raw[place + 1 :], Change((Offset(place),))


def other_encoding(chance: random.Random, raw: bytes) -> tuple[bytes, Change] | None:
    # A byte order mark is taken, as many write one; JSON itself has none.
    encoding = chance.choice(["utf-16", "utf-16-be", "utf-32-le", "utf-8-sig"])
    return raw.decode().encode(encoding), Change((Offset(0),), forbidden=encoding != "utf-8-sig")


def not_an_object(chance: random.Random, raw: bytes) -> tuple[bytes, Change] | None:
    made = chance.choice([b"", b" ", b"null", b"[]", b"7", b'"x"', b"{}", b"[" + raw + b"]", b"[" * 100_000,
                          b'{"a":' * 5000, b"NaN", b"{'resourceType':'Bundle'}", b"\x1f\x8b", b"true"])  # fmt: skip
    return made, Change((Offset(0), ()), forbidden=made != b"[]")  # which is a JSON Patch that changes nothing


def number_written_oddly(chance: random.Random, raw: bytes) -> tuple[bytes, Change] | None:
    """NaN, 01, +1, .5, 1. and the like in the place of a string."""
    place = _in_a_string(chance, raw)
    start, end = raw.rindex(b'"', 0, place), raw.index(b'"', place)
    odd = chance.choice([b"NaN", b"Infinity", b"-Infinity", b"01", b"+1", b".5", b"1.", b"0x10", b"1e", b"tru"])
    return raw[:start] + odd + raw[end + 1 :], Change((Offset(start),))


BYTES: Final[dict[str, ByteMutation]] = {
    "bytes: truncated": truncated,
    "bytes: one flipped": flipped,
    "bytes: neighbours swapped": swapped,
    "bytes: more after the end": appended,
    "bytes: no UTF-8": bad_utf8,
    "bytes: a broken escape": bad_escape,
    "bytes: U+0000": nul,
    "bytes: a key twice": key_repeated,
    "bytes: another encoding": other_encoding,
    "bytes: no object": not_an_object,
    "bytes: no number": number_written_oddly,
}


def _in_a_string(chance: random.Random, raw: bytes) -> int:
    """A place within a string that is a value."""
    found: list[int] = []
    at_ = raw.find(b':"')
    while at_ >= 0:
        if raw[at_ + 2 : at_ + 3] != b'"':
            found.append(at_ + 3)
        at_ = raw.find(b':"', at_ + 2)
    return chance.choice(found)


def _difference(raw: bytes, made: bytes, place: int) -> Change:
    try:
        before, after = decode(raw), decode(made)
    except Malformed:
        return Change((Offset(place),))
    changed: list[Touched] = []
    for path in _differing(before, after, ()):
        changed.append(path)
        if path[-1:] == ("fullUrl",) and len(path) == 3:
            changed += referring_to(after, str(before["entry"][path[1]]["fullUrl"]))
    return Change(tuple(changed), forbidden=False)


def _differing(before: Any, after: Any, path: Path) -> list[Path]:
    if isinstance(before, dict) and isinstance(after, dict):
        found: list[Path] = []
        for key in [*before, *(k for k in after if k not in before)]:
            if key not in before or key not in after:
                found.append((*path, key))
            else:
                found += _differing(before[key], after[key], (*path, key))
        return found
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [d for i, (b, a) in enumerate(zip(before, after, strict=True)) for d in _differing(b, a, (*path, i))]
    return [path] if before != after or type(before) is not type(after) else []
