"""The worker: drains lanes, keeps the clock, and looks after what a dead worker left. Any number, on any hosts.

https://procrastinate.readthedocs.io: jobs are rows of our own database, claimed with SKIP LOCKED; a job's lock is its
lane. Everything a worker does may be cut off anywhere (kill -9): the notification is still pending, the deadline still
open, and the next worker goes on; at worst a partner gets a notification twice, under the same request id.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import procrastinate
from procrastinate.worker import Worker as JobWorker

from adapter.clock import SystemClock
from adapter.delivery import ChannelSender
from adapter.delivery.outbound import Network, Outbound, outbound_rule
from adapter.domain.errors import Unavailable
from adapter.storage import PostgresStore
from adapter.storage.audit_anchor import write_anchor
from adapter.storage.audit_chain import AuditChain
from adapter.storage.connections import queue_pool
from adapter.storage.lanes import DRAIN_TASK, QUEUE, LaneStore
from adapter.storage.subscriptions import STATUS_TASK, SubscriptionStore
from adapter.use_cases import deliver
from adapter.use_cases.check_deadlines import check_deadlines
from adapter.use_cases.deliver import Courier, Crowd, drain_lane
from adapter.use_cases.fan_out import fan_out
from adapter.use_cases.tell_status import end_what_has_ended, tell_status
from adapter.use_cases.world import World

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a worker looks, in seconds. Jobs are polled for, because a NOTIFY would serialise every commit."""

    jobs: float = 0.2
    deadlines: float = 5.0
    sweep: float = 1.0
    heartbeat: float = 5.0
    silent: float = 30.0
    """A worker without a heartbeat for so long is dead, and its jobs are taken over."""
    longest: float = 120.0
    """No job lasts so long: a turn takes 20 seconds and its last send 20 more."""
    seal: float = 1.0
    """The longest that a row of the audit trail waits for its seal; until then nobody would miss it."""
    grace: float = 5.0
    """A fresh notification has a job of its own; after so long without one it gets another."""
    shutdown: float = 25.0


PRODUCTION = Pace()
DEMO = Pace(jobs=0.05, deadlines=0.25, sweep=0.1, heartbeat=1.0, silent=5.0, grace=1.0)


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker is made of; `concurrency` jobs run at the same time. `database_url` as `storage.database_url` gives
    it, for the queue's own connections."""

    database_url: str
    world: World
    lanes: LaneStore
    subscriptions: SubscriptionStore
    courier: Courier
    chain: AuditChain
    concurrency: int = 4
    pace: Pace = PRODUCTION
    anchor_file: Path | None = None
    """Where the newest hashes of the audit trail are kept; None: nowhere but in the log."""


def make_worker(
    world: World,
    store: PostgresStore,
    database_url: str,
    *,
    production: bool,
    networks: Iterable[Network] = (),
    concurrency: int = 4,
    anchor_file: Path | None = None,
) -> Worker:
    """A worker on what the adapter stands on; `store` needs a connection for each of `concurrency` jobs and four more.

    Partners' outages, signatures and TLS pass in real time, whatever a demo's clock says."""
    outbound = Outbound(outbound_rule(production, networks))
    lanes = LaneStore(store.engine)
    subscriptions = SubscriptionStore(store.engine, world.base_url)
    courier = Courier(
        store=store,
        register=world.register,
        lanes=lanes,
        subscriptions=subscriptions,
        channels=ChannelSender(outbound, world.base_url, SystemClock()),
        clock=world.clock,
        policy=deliver.PRODUCTION if production else deliver.DEMO,
        crowd=Crowd(concurrency, time.monotonic),
        base_url=world.base_url,
    )
    pace = PRODUCTION if production else DEMO
    chain = AuditChain(store.engine)
    return Worker(database_url, world, lanes, subscriptions, courier, chain, concurrency, pace, anchor_file)


def run_worker(worker: Worker, stop: threading.Event | None = None) -> None:
    """Work until `stop` is set or, on the main thread, SIGTERM or SIGINT arrives; then finish the jobs under way.

    Outlives outages of the database."""
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    asyncio.run(_run(worker, stop or threading.Event()))


async def _run(worker: Worker, stop: threading.Event) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(worker.concurrency + 4, thread_name_prefix="worker"))
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
    pace = worker.pace
    chores = [
        asyncio.create_task(_every(pace.deadlines, lambda: check_deadlines(worker.world), stop)),
        asyncio.create_task(_every(pace.sweep, lambda: _sweep(worker), stop)),
        asyncio.create_task(_every(pace.sweep, lambda: _look_after_subscriptions(worker), stop)),
        asyncio.create_task(_every(pace.seal, lambda: _seal(worker), stop)),
    ]
    stopped = asyncio.create_task(_stopped(stop))
    try:
        while not stop.is_set():
            try:
                await _work_on_jobs(worker, stopped)
            except Exception as error:
                log.warning("the queue is not there (%s), trying again", type(error).__name__)
                await asyncio.wait({stopped}, timeout=1.0)
    finally:
        stop.set()
        await asyncio.gather(*chores, stopped, return_exceptions=True)


async def _work_on_jobs(worker: Worker, stopped: asyncio.Task[None]) -> None:
    """Ends with an error, or once `stopped` is done and the jobs under way have ended.

    The queue is told to stop and never cancelled: what is cancelled while it connects may swallow it, and work on."""
    pace = worker.pace
    app = procrastinate.App(connector=procrastinate.PsycopgConnector())

    def drain(lane: str) -> None:
        with suppress(Unavailable):  # the lane is still there when the database is
            drain_lane(worker.courier, lane)

    def tell(subscription: str) -> None:
        with suppress(Unavailable):  # it is claimed again when its lease is over
            tell_status(worker.courier, subscription)

    app.task(name=DRAIN_TASK, queue=QUEUE)(drain)
    app.task(name=STATUS_TASK, queue=QUEUE)(tell)
    async with queue_pool(worker.database_url) as pool, app.open_async(pool):
        jobs = JobWorker(
            app,
            queues=[QUEUE],
            concurrency=worker.concurrency,
            fetch_job_polling_interval=pace.jobs,
            update_heartbeat_interval=pace.heartbeat,
            stalled_worker_timeout=pace.silent,
            shutdown_graceful_timeout=pace.shutdown,
            listen_notify=False,
            install_signal_handlers=False,
            # The lane is what counts: a job's row says nothing once it has run.
            delete_jobs="always",
        )
        running = asyncio.create_task(jobs.run())
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        jobs.stop()
        await running


def _sweep(worker: Worker) -> int:
    pace = worker.pace
    worker.lanes.rescue(timedelta(seconds=pace.silent), timedelta(seconds=pace.longest))
    worker.lanes.sweep(timedelta(seconds=pace.grace))
    return 0


def _look_after_subscriptions(worker: Worker) -> int:
    """What partners subscribed to: handshakes and heartbeats that are due, ends that have passed, what happened."""
    if not worker.subscriptions.any_live():
        return 0
    worker.subscriptions.sweep()
    end_what_has_ended(worker.courier)
    return fan_out(worker.subscriptions)


def _seal(worker: Worker) -> int:
    """Seal the audit trail and anchor its heads, in a file and in the log: both are out of the database's reach."""
    moved = worker.chain.seal()
    if moved:
        heads = {f"{trail}/{tenant}": f"{head.number}:{head.hash.hex()}" for (trail, tenant), head in moved.items()}
        log.info("audit heads %s", json.dumps(heads))
        if worker.anchor_file is not None:
            write_anchor(worker.anchor_file, moved)
    return 0


async def _every(seconds: float, chore: Callable[[], int], stop: threading.Event) -> None:
    """Do a chore again and again, off the loop; at once when there was much to do, and else with a pause that is never
    shorter than nine times what it took, so that looking never becomes the load."""
    while not stop.is_set():
        start = time.monotonic()
        try:
            done = await asyncio.to_thread(chore)
        except Exception as error:
            log.warning("a chore of the worker failed, trying again: %s", type(error).__name__)
            done = 0
        took = time.monotonic() - start
        pause = time.monotonic() + (0.0 if done else max(seconds, 9 * took))
        while not stop.is_set() and (left := pause - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.1))


async def _stopped(stop: threading.Event) -> None:
    while not stop.is_set():
        await asyncio.sleep(0.05)
