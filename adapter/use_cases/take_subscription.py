"""A partner creates, changes or ends a Subscription of its own; what it leads to is committed with the resource.

https://hl7.org/fhir/uv/subscriptions-backport/workflow.html: a new one is `requested` until its endpoint has answered a
handshake (`tell_status.py`); an event reaches it by way of the worker (`fan_out.py`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from adapter.domain.errors import BusinessRule, HandoffError, Issue
from adapter.domain.partner import Channel
from adapter.domain.subscription import Subscription, next_status
from adapter.use_cases.decision import Decision
from adapter.use_cases.ports import SearchQuery
from adapter.use_cases.targets import Change
from mappings import subscription as subscription_mapping
from mappings.json_codec import decode

TYPE: Final = "Subscription"
MOST: Final = 100
"""Subscriptions that one partner may have at a time: each is a look at every event of its handoffs."""


def take_subscriptions(decision: Decision) -> None:
    """Give each Subscription of a change the status that it leads to. Raises BusinessRule with every reason against."""
    taken = [change for change in decision.changes if change.writes and change.key.type == TYPE]
    if not taken:
        return
    new = sum(1 for change in taken if change.tree is not None and _before(decision, change) is None)
    if new:
        live = SearchQuery(TYPE, (("status:not", "off"), ("_total", "accurate")), count=0)
        if (decision.reader.search(live).total or 0) + new > MOST:
            text = f"expected at most {MOST} Subscriptions of one organisation at a time, got more; end some first"
            raise BusinessRule(text, expression=taken[-1].at, code="too-costly")
    for change in taken:
        try:
            decision.write_set.subscriptions.append(_taken(decision, change))
        except BusinessRule as refusal:
            raise refusal.below(change.at) from None


def _taken(decision: Decision, change: Change) -> Subscription:
    id_, owner = change.key.id, decision.tenant
    if change.tree is None:
        return ended(id_, owner)
    before = _before(decision, change)
    if before is not None and change.tree.get("status") == "off":
        # Whatever is wrong with it by now: to end it must always be possible.
        subscription_mapping.set_status(change.tree, "off")
        return ended(id_, owner)
    asked = subscription_mapping.from_fhir(change.tree, owner, decision.world.base_url)
    changed = before is None or asked.channel != before.channel
    status = next_status(asked.status, before.status if before else None, changed)
    if status is None:
        text = "expected status requested, active or off; `error` is set by this server"
        raise BusinessRule(text, expression=f"{TYPE}.status", code="value")
    if status != "off" and asked.has_ended(decision.now):
        text = "expected an end in the future, got one that has passed"
        raise BusinessRule(text, expression=f"{TYPE}.end", code="value")
    if status == "requested":
        _check_endpoint(decision, asked.channel.endpoint)
    subscription_mapping.set_status(change.tree, status, before.error if before and status == "error" else None)
    return replace(asked, id=id_, status=status)


def ended(id_: str, owner: str) -> Subscription:
    """What is left of a Subscription that is off or deleted."""
    return Subscription(id_, owner, "off", Channel("rest-hook", ""))


def _before(decision: Decision, change: Change) -> Subscription | None:
    if change.before is None or change.before.deleted:
        return None
    tree = decode(change.before.body)
    try:
        return subscription_mapping.from_fhir(tree, decision.tenant, decision.world.base_url)
    except BusinessRule:  # one that was turned off with content that would not have been taken
        return ended(change.key.id, decision.tenant)


def _check_endpoint(decision: Decision, endpoint: str) -> None:
    try:
        decision.world.check_endpoint(endpoint)
    except HandoffError as refusal:
        at = f"{TYPE}.channel.endpoint"
        raise BusinessRule([Issue(issue.code, issue.text, at) for issue in refusal.issues]) from None
