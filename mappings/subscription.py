"""Subscription of the R4 Subscriptions backport ⇄ what was asked for.

https://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition-backport-subscription.html. What cannot be done is
refused with the element and what is supported: a subscription that nobody serves lets a partner wait for news in vain.
"""

from __future__ import annotations

import re
from typing import Any, Final

from adapter.domain.errors import BusinessRule, Issue
from adapter.domain.partner import Channel
from adapter.domain.subscription import CONTENTS, Filter, Subscription
from mappings.canonicals import TOPIC_HANDOFF
from mappings.times import parse_time
from mappings.topic_filter import parse

Tree = dict[str, Any]

_BACKPORT: Final = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
PROFILE: Final = f"{_BACKPORT}backport-subscription"
PAYLOAD_CONTENT: Final = f"{_BACKPORT}backport-payload-content"
_FILTER: Final = f"{_BACKPORT}backport-filter-criteria"
_CHANNEL_TYPE: Final = f"{_BACKPORT}backport-channel-type"
_HEARTBEAT: Final = f"{_BACKPORT}backport-heartbeat-period"
_TIMEOUT: Final = f"{_BACKPORT}backport-timeout"
_MAX_COUNT: Final = f"{_BACKPORT}backport-max-count"

SHORTEST_HEARTBEAT: Final = 30
MOST_HEADERS: Final = 20
_MIME: Final = re.compile(r"application/fhir\+json(; ?fhirVersion=4\.0)?")
_HEADER: Final = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([\x21-\x7e](?:[\x20-\x7e\t]{0,3998}[\x21-\x7e])?)"
)
# Names by which a header would speak for the connection, for the body or for us instead of for the subscriber.
_OURS: Final = frozenset({
    "host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect", "content-length",
    "content-type", "content-encoding", "accept-encoding", "handoff-signature", "x-request-id", "idempotency-key",
    "x-correlation-id",
})  # fmt: skip


def from_fhir(tree: Tree, owner: str, base_url: str) -> Subscription:
    """What a Subscription asks for; `status` as it stands there. Raises BusinessRule with every reason against it."""
    issues: list[Issue] = []
    channel = tree.get("channel") or {}
    if tree.get("criteria") != TOPIC_HANDOFF:
        text = f"expected a topic that is published here, which is {TOPIC_HANDOFF}, got another"
        issues.append(Issue("not-supported", text, "Subscription.criteria"))
    if channel.get("type") != "rest-hook" or _extensions(channel.get("_type"), _CHANNEL_TYPE):
        text = "expected channel type rest-hook without backport-channel-type, got another"
        issues.append(Issue("not-supported", text, "Subscription.channel.type"))
    if not channel.get("endpoint"):
        text = "expected the address that notifications go to, got none"
        issues.append(Issue("required", text, "Subscription.channel.endpoint"))
    seconds = _number(channel, _TIMEOUT, 1, "backport-timeout", issues)
    _number(channel, _MAX_COUNT, 1, "backport-max-count", issues)  # each notification holds one event
    asked = Subscription(
        id=tree.get("id", ""),
        owner=owner,
        status=tree.get("status", "requested"),
        channel=Channel(
            type="rest-hook",
            endpoint=channel.get("endpoint", ""),
            payload=_content(tree, issues),
            headers=_headers(channel, issues),
            seconds=seconds,
        ),
        filters=tuple(_filters(tree, base_url, issues)),
        heartbeat=_number(channel, _HEARTBEAT, SHORTEST_HEARTBEAT, "backport-heartbeat-period", issues),
        ends=parse_time(tree.get("end")),
        error=tree.get("error"),
    )
    if issues:
        raise BusinessRule(issues)
    return asked


def set_status(tree: Tree, status: str, error: str | None = None) -> None:
    """Write the status that the server gives, and why where that is `error`."""
    tree["status"] = status
    tree.pop("error", None)
    tree.pop("_error", None)
    if error is not None:
        tree["error"] = error


def _filters(tree: Tree, base_url: str, issues: list[Issue]) -> list[Filter]:
    found: list[Filter] = []
    for extension in _extensions(tree.get("_criteria"), _FILTER):
        at = "Subscription.criteria.extension"
        text = extension.get("valueString")
        filters, wrong = parse(text, base_url, at) if text else ([], [_no_value("backport-filter-criteria", at)])
        found += filters
        issues += wrong
    return found


def content_of(tree: Tree) -> str:
    """How much its notifications hold. Without a payload R4 wants to hear only that something happened; with one,
    `id-only` unless asked."""
    channel = tree.get("channel") or {}
    extensions = _extensions(channel.get("_payload"), PAYLOAD_CONTENT)
    if extensions:
        return str(extensions[0].get("valueCode"))
    return "id-only" if channel.get("payload") else "empty"


def _content(tree: Tree, issues: list[Issue]) -> str:
    at = "Subscription.channel.payload"
    channel = tree.get("channel") or {}
    payload, content = channel.get("payload"), content_of(tree)
    if payload is not None and not _MIME.fullmatch(payload):
        issues.append(Issue("not-supported", "expected payload application/fhir+json, got another media type", at))
    if content not in CONTENTS or len(_extensions(channel.get("_payload"), PAYLOAD_CONTENT)) > 1:
        text = f"expected one backport-payload-content of {', '.join(CONTENTS)}, got something else"
        issues.append(Issue("not-supported", text, f"{at}.extension"))
    return content


def _headers(channel: Tree, issues: list[Issue]) -> dict[str, str]:
    """Name → value. A header that would end another one, or the connection, is not the subscriber's to send."""
    given = channel.get("header") or []
    headers: dict[str, str] = {}
    taken: set[str] = set()
    for index, line in enumerate(given):
        at = f"Subscription.channel.header[{index}]"
        match = _HEADER.fullmatch(line) if isinstance(line, str) else None
        name = match[1].lower() if match else ""
        if match is None:
            issues.append(Issue("value", "expected a header as `Name: value` in one line of ASCII, got another", at))
        elif name in _OURS or name.startswith("proxy-"):
            issues.append(
                Issue("security", "expected a header of the subscriber's own, got one that is ours to set", at)
            )
        elif name in taken:
            issues.append(Issue("value", "expected each header once, got a name again", at))
        else:
            taken.add(name)
            headers[match[1]] = match[2]
    if len(given) > MOST_HEADERS:
        text = f"expected at most {MOST_HEADERS} headers, got more"
        issues.append(Issue("too-long", text, "Subscription.channel.header"))
    if channel.get("payload") is not None:
        # "The content-type of the POST SHALL match the MIME type on the Subscription."
        headers["Content-Type"] = channel["payload"]
    return headers


def _number(channel: Tree, url: str, least: int, name: str, issues: list[Issue]) -> int | None:
    extensions = _extensions(channel, url)
    if not extensions:
        return None
    value = extensions[0].get("valueUnsignedInt", extensions[0].get("valuePositiveInt"))
    if not isinstance(value, int) or not least <= value < 2**31 or len(extensions) > 1:
        text = f"expected one {name} of at least {least}, got something else"
        issues.append(Issue("value", text, "Subscription.channel.extension"))
        return None
    return value


def _no_value(name: str, at: str) -> Issue:
    return Issue("required", f"expected a valueString of {name}, got none", at)


def _extensions(element: Any, url: str) -> list[Tree]:
    extensions = element.get("extension") if isinstance(element, dict) else None
    return [each for each in extensions or () if each.get("url") == url]
