"""A dump restored into another server, whose transactions count from lower, is as good as what it was made of."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fast_postgres import FAST
from kept import TASK, event, referral

from adapter.config import InvalidSettings
from adapter.storage import EmbeddedPostgres, PostgresStore, open_store, upgrade
from adapter.storage.audit_chain import AuditChain
from adapter.storage.embedded_postgres import OWNER, SUPERUSER, _binaries
from adapter.storage.roles import READER, WRITER
from adapter.storage.transactions import count_on
from adapter.use_cases.ports import WriteSet

LATER = WriteSet("a", events=[event(kind="contact:made")])


def plain(url: str) -> str:
    return url.replace("+psycopg", "")


@pytest.fixture(scope="module")
def younger() -> Iterator[EmbeddedPostgres]:
    """A server that has hardly done anything yet."""
    directory = Path(tempfile.mkdtemp(prefix="handoff-test-"))
    directory.chmod(0o711)
    try:
        with EmbeddedPostgres(directory, FAST) as server:
            yield server
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def restored(postgres: Any, store: PostgresStore, database_url: str, younger: EmbeddedPostgres, tmp_path: Path) -> str:
    """The address of what a dump was restored into, as docs/operations.md says; its transactions are behind."""
    loop = "DO $$ BEGIN FOR i IN 1..5000 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$"
    with psycopg.connect(plain(database_url), autocommit=True) as connection:
        connection.execute(loop)
    store.commit(referral())
    chain = AuditChain(store.engine)
    chain.seal()
    with psycopg.connect(plain(database_url)) as connection:
        connection.execute("UPDATE subscription_cursor SET position = handoff_horizon()")
    binaries = _binaries()
    dump = tmp_path / "dump"
    for command in (
        ["pg_dump", "--format=custom", "--enable-row-security", f"--file={dump}", plain(database_url)],
        ["pg_restore", "--exit-on-error", f"--dbname={plain(younger.url())}", str(dump)],
    ):
        done = subprocess.run([binaries / command[0], *command[1:]], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return younger.url()


def test_what_happens_after_a_restore_is_sealed_and_counts_as_new(restored: str, younger: EmbeddedPostgres) -> None:
    login = plain(younger.url("handoff", SUPERUSER))
    with psycopg.connect(login, autocommit=True) as superuser:
        superuser.execute(f"CREATE ROLE app LOGIN; GRANT {READER}, {WRITER} TO app")
    with pytest.raises(InvalidSettings, match="got a restored dump; run `handoff db upgrade` as the owner"):
        upgrade(restored.replace(f"//{OWNER}@", "//app@"))
    upgrade(restored)
    store = open_store(restored)
    chain = AuditChain(store.engine)
    assert store.reader("b").read(TASK) is not None and store.reader("c").read(TASK) is None
    before = chain.verify({})
    store.commit(LATER)
    moved = chain.seal()
    after = chain.verify(moved)
    assert (before.flaws, after.flaws, after.waiting) == ([], [], 0)
    assert after.rows == before.rows + 1
    with psycopg.connect(plain(restored)) as connection:
        fresh = connection.execute("SELECT handoff_transaction() > position FROM subscription_cursor").fetchone()
        assert fresh == (True,)
        # The numbers were moved once; they are where they should be now.
        count_on(connection)
        assert connection.execute("SELECT current_user").fetchone() == (OWNER,)
    store.close()
