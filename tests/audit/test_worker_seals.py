"""A worker seals the trail while it works, and keeps the heads in a file and in its log."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import pytest
from small_house import keep_handoff, world_of

from adapter.storage import PostgresStore
from adapter.storage.audit_anchor import read_anchor
from adapter.storage.audit_chain import AuditChain
from adapter.worker import make_worker, run_worker


def test_a_worker_seals_and_anchors(
    store: PostgresStore, database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    anchor = tmp_path / "anchor.json"
    worker = make_worker(world_of(store), store, database_url, production=False, anchor_file=anchor)
    stop = threading.Event()
    working = threading.Thread(target=run_worker, args=(worker, stop))
    caplog.set_level(logging.INFO, "adapter.worker")
    keep_handoff(store, "h1")
    working.start()
    try:
        until = time.monotonic() + 20
        while ("audit", "sender") not in read_anchor(anchor) and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        stop.set()
        working.join()
    heads = read_anchor(anchor)
    assert heads[("audit", "sender")].hash.hex() in caplog.text
    verified = AuditChain(store.engine).verify(heads)
    assert (verified.flaws, verified.rows) == ([], 2)
