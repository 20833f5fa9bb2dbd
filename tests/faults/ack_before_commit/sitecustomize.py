"""A seeded bug, for the processes of one test only: the store says that it has committed, and commits a while later."""

import threading
import time

from adapter.storage.store import PostgresStore
from adapter.use_cases.ports import WriteSet

_commit = PostgresStore.commit


def _commit_later(store: PostgresStore, write_set: WriteSet) -> None:
    def later() -> None:
        time.sleep(0.3)
        _commit(store, write_set)

    if write_set.requests:  # an answer to a partner
        threading.Thread(target=later, daemon=True).start()
    else:
        _commit(store, write_set)


PostgresStore.commit = _commit_later  # type: ignore[method-assign]
