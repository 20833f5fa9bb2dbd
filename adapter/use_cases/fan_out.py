"""Which created Subscriptions an event of a handoff is for: read from the ledger, behind the writers.

A write costs nothing more for them, and sees none of another organisation's. Every event is looked at once, in the
order in which it happened to its handoff, against the rights of now and the Task as the event left it
(https://hl7.org/fhir/uv/subscriptions-backport/components.html#subscription-filters).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from adapter.domain.subscription import Subscription
from adapter.use_cases.delivery_ports import HandoffEvent, News, Subscriptions
from mappings.json_codec import decode
from mappings.topic_filter import Happened, all_match

_AT_ONCE: Final = 200
"""Tasks that are held at a time, however much happened while no worker was there."""


def fan_out(subscriptions: Subscriptions) -> int:
    """Queue what happened since the last look for whom it concerns; how many notifications that were."""
    news = subscriptions.news()
    if news is None:
        return 0
    told = list(_matching(subscriptions, news))
    return len(told) if subscriptions.queue(news, told) else 0


def _matching(subscriptions: Subscriptions, news: News) -> Iterator[tuple[str, HandoffEvent]]:
    events = iter(news.events)
    while some := list(islice(events, _AT_ONCE)):
        meant = [_meant(event, news) for event in some]
        filtered = [n for n, those in enumerate(meant) if any(each.filters for each in those)]
        bodies = subscriptions.tasks_at([(some[n].handoff, some[n].recorded_time) for n in filtered])
        tasks = dict(zip(filtered, bodies, strict=True))
        for n, (event, those) in enumerate(zip(some, meant, strict=True)):
            happened = _happened(event, tasks.get(n))
            yield from ((each.id, event) for each in those if all_match(each.filters, happened))


def _happened(event: HandoffEvent, task: bytes | None) -> Happened:
    return Happened(event.kind, event.requester, event.owner, event.pathway, decode(task) if task else {})


def _meant(event: HandoffEvent, news: News) -> Sequence[Subscription]:
    """Those that count it and whose owner may know of it."""
    return [
        each.subscription
        for each in news.counting
        if event.txid > each.since and _may_know(each.subscription.owner, event)
    ]


def _may_know(owner: str, event: HandoffEvent) -> bool:
    """A recipient must learn that what it worked on should never have been, though it reads it no more."""
    return owner in event.readers or (event.status == "entered-in-error" and owner == event.owner)
