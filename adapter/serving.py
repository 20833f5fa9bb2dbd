"""`handoff serve`: the database, the web server and a worker as one, each a process that ends with this one."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from granian import Granian
from granian.constants import Interfaces

from adapter.app import open_house
from adapter.config import PREFIX, InvalidSettings, Settings, refuse_insecure
from adapter.demo_partners import ensure_demo_partners
from adapter.domain.errors import Unavailable
from adapter.published import TYPES, definitions
from adapter.storage import EmbeddedPostgres, database_url, upgrade
from adapter.storage.database_facts import database_facts
from adapter.use_cases.publish_pathways import publish_pathways

_WORKER_PAUSE = 1.0
"""Seconds before a worker that died is started again: one that cannot start, for want of a database, costs little."""

_DATABASE_PAUSE = 1.0
"""Seconds between two looks at whether the embedded database still runs."""

_STOP_SECONDS = 5
"""For the server's processes to end their requests. One that is told to stop while it starts does not hear it and is
killed then, by which nothing is lost."""

_PORT_SECONDS = 3.0
"""For the processes of a server that was killed at this port to be gone as well."""

_log = logging.getLogger(__name__)


def serve(settings: Settings, *, with_worker: bool, demo_ports: Mapping[str, int] | None, demo: bool) -> None:
    """Blocks until SIGTERM or SIGINT. Raises InvalidSettings or Unavailable before anything listens."""
    refuse_insecure(settings)
    refuse_taken_port(settings.host, settings.port)
    embedded = None if settings.database_url else EmbeddedPostgres(settings.data_dir)
    url = embedded.url() if embedded else database_url(_configured(settings), settings.data_dir)
    upgrade(url)
    with open_house(settings, url, connections=2) as house:
        refuse_insecure(settings, house.register.directory(), database_facts(house.store.engine))
        publish_pathways(house.store, house.world.pathways, house.clock.now(), definitions(*TYPES))
        if demo:
            ensure_demo_partners(house.store, house.register, settings.demo_keys, house.clock.now(), demo_ports)
    environment = {**_as_environment(settings), f"{PREFIX}DATABASE_URL": url}
    os.environ.update(environment)
    if embedded:
        threading.Thread(target=_keep_up, args=(embedded,), name="keeps-database-running", daemon=True).start()
    with ExitStack() as stack:
        if with_worker:
            stack.enter_context(_Worker())
        server = Granian(
            "adapter.buffering:served",
            address=settings.host,
            port=settings.port,
            interface=Interfaces.RSGI,
            workers=settings.server_processes,
            factory=True,
            respawn_failed_workers=True,
            workers_kill_timeout=_STOP_SECONDS,
            log_enabled=True,
            log_access=False,  # an access log holds addresses, and an address may hold a name
        )
        server.serve()


def refuse_taken_port(host: str, port: int, patience: float = _PORT_SECONDS) -> None:
    """Raises InvalidSettings when we cannot listen there.

    The web server shares its port among its processes (SO_REUSEPORT), and so with anybody else's of the same account:
    two adapters with two databases would then answer in turn, and a handoff that one has taken be unknown to the other.
    """
    give_up = time.monotonic() + patience
    while (problem := _cannot_listen(host, port)) is not None:
        if problem != errno.EADDRINUSE:
            raise InvalidSettings([f"{PREFIX}HOST: expected to listen on {host}:{port}, got: {os.strerror(problem)}"])
        if time.monotonic() > give_up:
            raise InvalidSettings([f"{PREFIX}PORT: expected a free port of {host}, got {port}: somebody listens there"])
        time.sleep(0.1)


def _cannot_listen(host: str, port: int) -> int | None:
    """The errno for which not, if any."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror:
        return errno.EADDRNOTAVAIL
    except OSError as error:
        return error.errno
    return None


def _configured(settings: Settings) -> str | None:
    return settings.database_url.get_secret_value() if settings.database_url else None


def _keep_up(database: EmbeddedPostgres) -> None:
    """Nobody else watches over the embedded database; a server of its own is its operator's to watch."""
    while True:
        time.sleep(_DATABASE_PAUSE)
        try:
            if database.start_again_if_dead():
                _log.warning("the embedded database had died; it is running again")
        except Unavailable as error:
            _log.error("the embedded database does not start: %s", error)


class _Worker:
    """`handoff worker` beside the web server; started again when it dies, stopped with it."""

    def __enter__(self) -> _Worker:
        self._stopping = threading.Event()
        self._changing = threading.Lock()
        self._process = _start_worker()
        # Lives as long as this process: what it starts is tied by the kernel to the thread that started it.
        threading.Thread(target=self._keep_running, name="keeps-worker-running", daemon=True).start()
        return self

    def _keep_running(self) -> None:
        while True:
            code = self._process.wait()
            if self._stopping.wait(_WORKER_PAUSE):
                return
            _log.warning("the worker ended with exit code %s; starting it again", code)
            with self._changing:
                if self._stopping.is_set():
                    return
                self._process = _start_worker()

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        with self._changing:
            process = self._process
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start_worker() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "adapter.cli", "worker", "--started-by-serve"])


def _as_environment(settings: Settings) -> dict[str, str]:
    """What a child process needs to read the same settings."""
    given = settings.model_dump(mode="json", exclude={"secret", "database_url"}, exclude_defaults=True)
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    if settings.outbound_networks:
        texts["outbound_networks"] = ",".join(str(network) for network in settings.outbound_networks)
    if settings.cors_origins:
        texts["cors_origins"] = ",".join(settings.cors_origins)
    texts["data_dir"] = str(Path(settings.data_dir).resolve())
    return {f"{PREFIX}{name.upper()}": text for name, text in texts.items()}
