"""The partner file: one JSON object per partner, guarded by a marshmallow schema, ⇄ `Partner`. See docs/partners.md.

A mistake here sends a person's data to the wrong organisation or nowhere, so nothing is guessed and nothing unknown is
skipped: every fault is reported at once, with the file, the field, what was expected and what was got.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import Any, Final

from marshmallow import ValidationError

from adapter.domain.errors import HandoffError, Invalid, Issue
from adapter.domain.partner import Channel, Identifier, Partner, Telecom
from adapter.partners.schema import DAYS, HIDDEN, PartnerSchema
from mappings import organization
from mappings.canonicals import PARTNER_SYSTEM
from mappings.json_codec import decode

Tree = dict[str, Any]

_SCHEMA: Final = PartnerSchema()
_DEFAULT: Final = Partner(id="", name="")


def read_partner_files(path: Path) -> list[Partner]:
    """The partners of a file: one object, a list of objects, or a FHIR Organization (alone or in a Bundle).

    Raises Invalid or Malformed, each issue naming the file and the field.
    """
    try:
        content = decode(path.read_bytes())
    except HandoffError as error:
        raise _located(error, path.name) from None
    if not isinstance(content, list):
        content = [content]
    if not content:
        raise Invalid(f"{path.name}: expected at least one partner, got none")
    partners: list[Partner] = []
    for number, item in enumerate(content):
        try:
            partners.append(from_file(item))
        except HandoffError as error:
            raise _located(error, path.name if len(content) == 1 else f"{path.name}[{number}]") from None
    return partners


def from_file(tree: object) -> Partner:
    """The partner that a decoded partner file (or FHIR Organization) describes. Raises Invalid with every fault."""
    if not isinstance(tree, dict):
        raise Invalid(f"expected a JSON object, got {type(tree).__name__}", expression="Partner")
    if "resourceType" in tree:
        tree = organization.from_fhir(tree)
    try:
        loaded: Tree = _SCHEMA.load(tree)
    except ValidationError as error:
        raise Invalid(list(_issues(error.messages_dict, "Partner"))) from None
    hours = loaded.get("business_hours")
    return Partner(
        id=loaded["id"],
        name=loaded["name"],
        identifiers=_identifiers(loaded["id"], loaded["identifiers"]),
        telecom=tuple(Telecom(t["system"], t["value"]) for t in loaded["telecom"]),
        endpoints=tuple(loaded["endpoints"]),
        dialect=loaded["dialect"],
        channels=tuple(Channel(**channel) for channel in loaded["channels"]),
        jwks=loaded.get("jwks"),
        jwks_url=loaded.get("jwks_url"),
        scopes=tuple(loaded.get("scopes", _DEFAULT.scopes)),
        time_zone=loaded["time_zone"],
        business_days=tuple(sorted({DAYS.index(day) for day in loaded["business_days"]})),
        business_hours=(_time(hours["from"]), _time(hours["to"])) if hours else _DEFAULT.business_hours,
        holidays=loaded.get("holidays"),
        alternate_contacts=tuple(loaded["alternate_contacts"]),
        escalation_owner=loaded.get("escalation_owner"),
        services=tuple(loaded["services"]),
        active=loaded["active"],
    )


def to_file(partner: Partner) -> Tree:
    """The whole definition, secrets included: what the register keeps. `from_file` gives the same partner back."""
    tree: Tree = {
        "id": partner.id,
        "name": partner.name,
        "active": partner.active,
        "identifiers": [{"system": i.system, "value": i.value} for i in partner.identifiers],
        "telecom": [{"system": t.system, "value": t.value} for t in partner.telecom],
        "endpoints": list(partner.endpoints),
        "dialect": partner.dialect,
        "channels": [_channel(channel) for channel in partner.channels],
        "jwks": dict(partner.jwks) if partner.jwks is not None else None,
        "jwks_url": partner.jwks_url,
        "scopes": list(partner.scopes),
        "time_zone": partner.time_zone,
        "business_days": [DAYS[day] for day in partner.business_days],
        "business_hours": {"from": f"{partner.business_hours[0]:%H:%M}", "to": f"{partner.business_hours[1]:%H:%M}"},
        "holidays": partner.holidays,
        "alternate_contacts": list(partner.alternate_contacts),
        "escalation_owner": partner.escalation_owner,
        "services": [dict(service) for service in partner.services],
    }
    return {name: value for name, value in tree.items() if value is not None}


def shown(partner: Partner) -> Tree:
    """The definition for people: as `to_file`, the values of the channels' headers hidden."""
    tree = to_file(partner)
    for channel in tree["channels"]:
        if "headers" in channel:
            channel["headers"] = dict.fromkeys(channel["headers"], HIDDEN)
    return tree


def refuse_ambiguous(partners: Iterable[Partner]) -> None:
    """Raises Invalid when two partners could be taken for one another, or when one names an unknown one.

    `partners` is the whole register as it would be. An identifier or address that two share would send a handoff to
    whichever was loaded last; an alternate contact that does not exist would break the ladder when it is needed.
    """
    partners = list(partners)
    ids = {partner.id for partner in partners}
    issues: list[Issue] = []
    owners: dict[str, str] = {}
    for partner in partners:
        names = [("identifiers", i, f"{system}|{value}") for i, (system, value) in enumerate(partner.identifiers)]
        names += [("endpoints", i, address) for i, address in enumerate(partner.endpoints)]
        for field, index, name in names:
            owner = owners.setdefault(name, partner.id)
            if owner != partner.id:
                text = f"partner {partner.id}: expected `{name}` to name one partner, got also {owner}"
                issues.append(Issue("duplicate", text, f"Partner.{field}[{index}]"))
        others = [(f"alternate_contacts[{index}]", other) for index, other in enumerate(partner.alternate_contacts)]
        if partner.escalation_owner is not None:
            others.append(("escalation_owner", partner.escalation_owner))
        for field, other in others:
            if other not in ids:
                text = f"partner {partner.id}: expected the id of a registered partner, got `{other}`"
                issues.append(Issue("not-found", text, f"Partner.{field}"))
    if issues:
        raise Invalid(issues)


def _identifiers(partner_id: str, given: Iterable[Tree]) -> tuple[Identifier, ...]:
    """The given ones and, in any case, the id itself under our own system: under that we publish it."""
    own = Identifier(PARTNER_SYSTEM, partner_id)
    identifiers = tuple(Identifier(i.get("system", ""), i["value"]) for i in given)
    if any(identifier.system == PARTNER_SYSTEM and identifier != own for identifier in identifiers):
        raise Invalid(
            f"expected `{partner_id}` under {PARTNER_SYSTEM}, got another value", expression="Partner.identifiers"
        )
    return identifiers if own in identifiers else (*identifiers, own)


def _located(error: HandoffError, file: str) -> HandoffError:
    return type(error)([replace(issue, text=f"{file}: {issue.text}") for issue in error.issues])


def _channel(channel: Channel) -> Tree:
    tree: Tree = {"type": channel.type, "endpoint": channel.endpoint, "payload": channel.payload}
    if channel.headers:
        tree["headers"] = dict(channel.headers)
    return tree


def _time(text: str) -> time:
    return time.fromisoformat(text)


def _issues(messages: Mapping[Any, Any], at: str) -> Iterable[Issue]:
    """marshmallow's nested messages as issues with an expression."""
    for name, value in messages.items():
        if name == "_schema":
            where = at
        elif isinstance(name, int):
            where = f"{at}[{name}]"
        else:
            where = f"{at}.{name}"
        if isinstance(value, Mapping):
            yield from _issues(value, where)
        else:
            for text in value:
                yield Issue("required" if text.endswith("got none") else "invalid", f"{where}: {text}", where)
