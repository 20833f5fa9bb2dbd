"""The floor: the same kind of server on the same database, which answers after JSON decode and one committed insert.

Granian, Flask, as many processes and threads behind the same door, the adapter's own connection pool, the same
PostgreSQL with the same settings: what is left of the difference is what the adapter does.
"""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import orjson
import requests
from flask import Flask, Response, request
from granian import Granian
from granian.constants import Interfaces

from adapter.buffering import BufferedRequests
from adapter.processes import die_with_parent
from adapter.storage.connections import driver_of, open_engine

TABLE = "bench_floor"
_DATABASE_URL, _THREADS = "FLOOR_DATABASE_URL", "FLOOR_THREADS"
_READY_SECONDS = 30.0
MOST_BYTES = 20 * 1024 * 1024


def application() -> BufferedRequests:
    die_with_parent()
    engine = open_engine(os.environ[_DATABASE_URL], int(os.environ[_THREADS]) + 1)
    app = Flask(__name__, static_folder=None)

    @app.post("/")
    def keep() -> Response:
        raw = request.get_data()
        orjson.loads(raw)
        with driver_of(engine) as driver:
            driver.run(f"INSERT INTO {TABLE} (body) VALUES ($1)", raw)
        return Response(b'{"resourceType":"Bundle"}', 200, content_type="application/fhir+json")

    @app.get("/")
    def ready() -> Response:
        return Response(b"", 204)

    # As the adapter does for itself.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    return BufferedRequests(app, int(os.environ[_THREADS]), MOST_BYTES)


class FloorProcess:
    """`with FloorProcess(database_url, workers, threads) as floor: …`; the table is made anew."""

    def __init__(self, database_url: str, workers: int, threads: int):
        self._database_url = database_url
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._command = [sys.executable, "-m", "tests.bench.floor", str(self.port), str(workers)]
        self._environment = {**os.environ, _DATABASE_URL: database_url, _THREADS: str(threads)}

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> FloorProcess:
        engine = open_engine(self._database_url, 1)
        with driver_of(engine) as driver:
            driver.run(f"DROP TABLE IF EXISTS {TABLE}")
            driver.run(
                f"CREATE TABLE {TABLE} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea NOT NULL)"
            )
        engine.dispose()
        root = Path(__file__).resolve().parents[2]
        self._process = subprocess.Popen(self._command, env=self._environment, cwd=root, stdin=subprocess.DEVNULL)
        until = time.monotonic() + _READY_SECONDS
        while time.monotonic() < until:
            try:
                if requests.get(f"http://127.0.0.1:{self.port}/", timeout=2).status_code == 204:
                    return self
            except requests.RequestException:
                time.sleep(0.1)
        self.__exit__()
        raise TimeoutError("expected the floor to listen, it does not")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


if __name__ == "__main__":
    die_with_parent()
    Granian(
        "tests.bench.floor:application",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.RSGI,
        workers=int(sys.argv[2]),
        factory=True,
        log_enabled=False,
        log_access=False,
    ).serve()
