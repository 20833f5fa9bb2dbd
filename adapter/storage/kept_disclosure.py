"""The column `disclosure` of handoffs and resources ⇄ the domain. It is null on nearly every row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from adapter.domain.disclosure import Basis, Disclosure, Permit, Restriction
from mappings.times import format_time

Kept = Mapping[str, Any]
WITHHELD: Final = "SELECT FROM handoff WHERE disclosure @> $1::jsonb LIMIT 1"
"""Whether there is a handoff that is withheld from one of its parties, with what `withheld_from` says of that party."""


def disclosure_from(kept: Kept | None) -> Disclosure | None:
    """Of a handoff."""
    if kept is None:
        return None
    permits = {
        (Restriction(kind, patient, author), organisation): Permit(consent, _moment(until))
        for kind, patient, author, organisation, consent, until in kept["permits"]
    }
    return Disclosure(frozenset(restrictions_from(kept)), permits)


def restrictions_from(kept: Kept | None) -> tuple[Restriction, ...]:
    return tuple(Restriction(*each) for each in kept.get("restrictions", ())) if kept else ()


def basis_from(kept: Kept | None, tenant: str | None) -> Basis | None:
    """By which Consents `tenant` reads the row; None where it needs none."""
    found = kept.get("by_consent", {}).get(tenant) if kept else None
    return Basis(tuple(found["consents"]), _moment(found.get("until"))) if found else None


def rows_of(restrictions: Iterable[Restriction]) -> list[list[str]]:
    return [list(restriction) for restriction in sorted(restrictions)]


def of_handoff(disclosure: Disclosure, parties: Iterable[str], readers: Mapping[str, Basis]) -> Kept:
    permits = [[*key, org, permit.consent, permit.until] for (key, org), permit in disclosure.permits.items()]
    kept = {"restrictions": rows_of(disclosure.restrictions), "permits": sorted(permits, key=str)}
    withheld = sorted(set(parties) - readers.keys())
    return {**kept, **({"withheld": withheld} if withheld else {}), **_by_consent(readers)}


def withheld_from(party: str) -> str:
    return orjson.dumps({"withheld": [party]}).decode()


def of_resource(restrictions: Any, readers: Mapping[str, Basis]) -> Kept | None:
    """`restrictions` as they are kept; None when there is nothing to keep."""
    return {**({"restrictions": restrictions} if restrictions else {}), **_by_consent(readers)} or None


def _by_consent(readers: Mapping[str, Basis]) -> Kept:
    found = {organisation: _basis(basis) for organisation, basis in sorted(readers.items()) if basis.consents}
    return {"by_consent": found} if found else {}


def _basis(basis: Basis) -> Kept:
    return {"consents": basis.consents, **({"until": format_time(basis.until)} if basis.until is not None else {})}


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None
