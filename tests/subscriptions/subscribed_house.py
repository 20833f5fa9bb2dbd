"""The whole house with a worker, and receivers that stand for the endpoints of partners."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

from small_house import Received, Receiver, Reply, until
from whole_house import RECEIVER, Got, Tree, WholeHouse, whole_house

from adapter.storage.connections import driver_of
from adapter.storage.lanes import LaneStore
from adapter.storage.subscriptions import SubscriptionStore
from adapter.use_cases.deliver import RetryPolicy
from adapter.worker import make_worker, run_worker

TOPIC = "https://handoff.example/fhir/SubscriptionTopic/handoff"
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-"


def subscription(endpoint: str, *filters: str, content: str | None = None, **more: Any) -> Tree:
    """A Subscription on our topic; `more` are elements, those of `channel` beside the usual ones."""
    channel: Tree = {"type": "rest-hook", "endpoint": endpoint, "payload": "application/fhir+json"}
    if content:
        channel["_payload"] = {"extension": [{"url": f"{BACKPORT}payload-content", "valueCode": content}]}
    tree: Tree = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "to know at once",
        "criteria": TOPIC,
        "channel": {**channel, **more.pop("channel", {})},
        **more,
    }
    if filters:
        tree["_criteria"] = {"extension": [{"url": f"{BACKPORT}filter-criteria", "valueString": f} for f in filters]}
    return tree


def extension(name: str, **value: Any) -> Tree:
    return {"url": f"{BACKPORT}{name}", **value}


def parameters(bundle: Tree) -> Tree:
    """The status of a notification: its parameters by name."""
    return {p["name"]: p for p in bundle["entry"][0]["resource"]["parameter"]}


def kind(request: Received) -> str:
    return str(parameters(request.tree)["type"]["valueCode"])


def number(request: Received) -> int:
    return int(parameters(request.tree)["events-since-subscription-start"]["valueString"])


def focus(request: Received) -> str:
    parts = {p["name"]: p for p in parameters(request.tree)["notification-event"]["part"]}
    return str(parts["focus"]["valueReference"]["reference"].rpartition("/fhir/")[2]) if "focus" in parts else ""


class Endpoint(Receiver):
    """A receiver that tells handshakes, heartbeats and events apart."""

    @property
    def events(self) -> list[Received]:
        """What was told and accepted, each once, in the order of arrival."""
        told = [r for r in self.processed if kind(r) == "event-notification"]
        return list({r.request_id: r for r in told}.values())

    def about(self, task: str) -> list[Received]:
        return [r for r in self.events if focus(r) == task]

    @property
    def kinds(self) -> list[str]:
        return [kind(r) for r in self.received]


@dataclass(frozen=True)
class SubscribedHouse(WholeHouse):
    """A house whose worker runs; `endpoint()` opens a receiver, `subscribe` creates and waits until it is active."""

    stack: ExitStack

    def endpoint(self, answer: Callable[[Received], Reply] | None = None) -> Endpoint:
        made = Endpoint(answer)
        self.stack.callback(made.close)
        return made

    def subscribe(self, tree: Tree, partner: str = RECEIVER, status: str = "active") -> str:
        got = self.caller(partner).post("Subscription", tree)
        assert got.status == 201, got.tree
        id_ = str(got.tree["id"])
        self.wait_for(id_, status, partner)
        return id_

    def status_of(self, id_: str, partner: str = RECEIVER) -> str:
        return str(self.caller(partner).get(f"Subscription/{id_}").tree["status"])

    def wait_for(self, id_: str, status: str, partner: str = RECEIVER) -> None:
        until(lambda: self.status_of(id_, partner) == status, 15)

    def ask(self, id_: str, partner: str = RECEIVER, **elements: Any) -> Got:
        """PUT it with other elements, as it is now."""
        caller = self.caller(partner)
        return caller.put(f"Subscription/{id_}", {**caller.get(f"Subscription/{id_}").tree, **elements})

    @property
    def lanes(self) -> LaneStore:
        return LaneStore(self.house.store.engine)

    def lanes_of(self, id_: str) -> int:
        """How many notifications wait for a Subscription."""
        return sum(each.waiting for each in self.lanes.listing(subscriber=id_))

    def last(self, id_: str) -> int:
        """The number of its last event."""
        return SubscriptionStore(self.house.store.engine, self.house.world.base_url).last_event(id_)

    def told(self, id_: str) -> list[str]:
        """The kinds of event that a Subscription counts, in their order."""
        sql = "SELECT event FROM notification WHERE subscriber = $1 ORDER BY event_number"
        return [event for (event,) in self.run(sql, id_)]

    def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with driver_of(self.house.store.engine) as driver:
            return list(driver.rows(sql, *values))


QUICK = RetryPolicy((0.05, 0.1), give_up_after=timedelta(minutes=5), refused_attempts=3, error_after=4)


@contextmanager
def working(house: WholeHouse, database_url: str) -> Iterator[None]:
    """A worker until the end of the block, with retries that come at once."""
    made = make_worker(house.house.world, house.house.store, database_url, production=False, concurrency=4)
    made = replace(made, courier=replace(made.courier, policy=QUICK))
    stop = Event()
    thread = Thread(target=run_worker, args=(made, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=40)
        assert not thread.is_alive(), "the worker did not stop"


@contextmanager
def a_house(postgres: Any, folder: Path) -> Iterator[SubscribedHouse]:
    with ExitStack() as stack:
        database_url = stack.enter_context(postgres.fresh_database())
        made = stack.enter_context(whole_house(database_url, folder))
        yield SubscribedHouse(made.house, made.app, stack)
