"""What row-level security costs: transactions and reads with it and without, by turns, on one server.

.venv/bin/python -m tests.bench.row_security_cost [--requests 200] [--rounds 12]

Prints the processor time of the application and of PostgreSQL for a request, in milliseconds. Without it, organisations
read under the role of the adapter and no table has it; nothing else differs. Organisations take turns, so that nearly
every request has to tell its connection who reads: what is printed is the most it can cost. Plans are made anew after
each turn, so short turns say more of planning than of anything else.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import quantiles
from unittest.mock import patch

import psutil
import psycopg

from adapter.storage import EmbeddedPostgres, PostgresStore, upgrade
from adapter.storage.connections import driver_of
from adapter.storage.embedded_postgres import DATABASE, SUPERUSER
from adapter.testkit.generator import generate_mix
from mappings.json_codec import encode
from tests.bench.costs import postmaster
from tests.whole_house import WholeHouse, whole_house

WARM = 8
_SWITCH = """DO $$ DECLARE t regclass; BEGIN
 FOR t IN SELECT polrelid::regclass FROM pg_policy WHERE polname = 'adapter' LOOP
  EXECUTE format('ALTER TABLE %s {} ROW LEVEL SECURITY', t); END LOOP; END $$"""


@contextmanager
def row_security(database: psycopg.Connection[tuple[object, ...]], on: bool) -> Iterator[None]:
    if on:
        yield
        return
    database.execute(_SWITCH.format("DISABLE").encode())
    try:
        with patch.object(PostgresStore, "reading_as", lambda store, tenant: partial(driver_of, store._engine)):
            yield
    finally:
        database.execute(_SWITCH.format("ENABLE").encode())


Request = tuple[str, str, str, bytes | None]
"""Who sends, method, path, body."""


def transactions(count: int, seed: int) -> list[Request]:
    return [(each.requester, "POST", "", encode(each.bundle)) for each in generate_mix(seed, count)]


def reads(count: int, handoffs: Sequence[tuple[str, str]]) -> list[Request]:
    return [(sender, "GET", task, None) for sender, task in islice(cycle(handoffs), count)]


def spent(house: WholeHouse, server: psutil.Process, requests: Sequence[Request]) -> tuple[float, float]:
    """Milliseconds of the application and of PostgreSQL for one of `requests`, without the first few."""
    callers = {sender: house.caller(sender) for sender, *_ in requests}
    for number, (sender, method, path, body) in enumerate(requests):
        if number == WARM:  # plans are made anew after a switch
            ours, theirs = time.process_time(), _processor_time(server)
        assert callers[sender].send(method, path, raw=body).status == 200
    measured = (time.process_time() - ours, _processor_time(server) - theirs)
    return measured[0] / (len(requests) - WARM) * 1e3, measured[1] / (len(requests) - WARM) * 1e3


def _processor_time(server: psutil.Process) -> float:
    """Seconds, to the nanosecond; the times that psutil knows are rounded to a hundredth."""
    files = [Path(f"/proc/{process.pid}/schedstat") for process in server.children()]
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


def begun(house: WholeHouse) -> list[tuple[str, str]]:
    """Handoffs of three initiators: who sent it, and the path of its Task."""
    initiators = ("mobile-crisis", "crisis-stabilization", "case-management")
    return [(sender, house.begin(sender=sender).task) for sender in initiators]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=12)
    options = parser.parse_args()
    count = options.requests + WARM
    found: dict[tuple[str, bool], list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="handoff-bench-") as directory, ExitStack() as stack:
        folder = Path(directory)
        folder.chmod(0o711)
        postgres = stack.enter_context(EmbeddedPostgres(folder))
        upgrade(postgres.url())
        address = postgres.url(DATABASE, SUPERUSER).replace("+psycopg", "")
        database = stack.enter_context(psycopg.connect(address, autocommit=True))
        house = stack.enter_context(whole_house(postgres.url(), folder))
        server, handoffs = psutil.Process(postmaster(folder)), begun(house)
        spent(house, server, transactions(200, 0))
        for number in range(1, options.rounds + 1):
            for on in (number % 2 == 0, number % 2 == 1):
                with row_security(database, on):
                    cost = spent(house, server, transactions(count, 2 * number + on))
                    found.setdefault(("transaction", on), []).append(cost)
                    cost = spent(house, server, reads(count, handoffs))
                    found.setdefault(("read", on), []).append(cost)
    print(f"{'':>22}{'application':>14}{'PostgreSQL':>14}{'together':>14}  ms, lower quartile of {options.rounds}")
    for name in ("transaction", "read"):
        for on in (False, True):
            ours, theirs = (quantiles([each[side] for each in found[name, on]], n=4)[0] for side in (0, 1))
            print(f"{name:>14}{'with' if on else 'without':>8}{ours:14.3f}{theirs:14.3f}{ours + theirs:14.3f}")


if __name__ == "__main__":
    main()
