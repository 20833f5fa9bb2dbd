"""`handoff audit verify`: says how much was compared, names the first bad place, and exits 1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from small_house import keep_handoff
from sqlalchemy import text

from adapter.cli import main
from adapter.storage import PostgresStore
from adapter.storage.audit_anchor import write_anchor
from adapter.storage.audit_chain import AuditChain


@pytest.fixture
def verify(database_url: str, tmp_path: Path) -> Any:
    def run(*options: str) -> Result:
        settings = {"HANDOFF_DATABASE_URL": database_url, "HANDOFF_AUDIT_ANCHOR_FILE": str(tmp_path / "anchor.json")}
        return CliRunner().invoke(main, ["audit", "verify", *options], env=settings)

    return run


def test_a_whole_trail_is_verified_and_a_changed_one_named(store: PostgresStore, verify: Any, tmp_path: Path) -> None:
    for number in range(3):
        keep_handoff(store, f"h{number}")
    heads = AuditChain(store.engine).seal()
    missing = verify()
    assert missing.exit_code == 1
    assert "expected anchored hashes" in missing.output
    write_anchor(tmp_path / "anchor.json", heads)
    whole = verify()
    assert (whole.exit_code, whole.output) == (0, "6 rows are as they were sealed, 0 wait for their seal\n")
    with store.engine.begin() as connection:
        connection.execute(text("SET LOCAL ROLE NONE"))  # as the owner: the adapter's role may alter no table
        connection.execute(text("ALTER TABLE audit_event DISABLE TRIGGER audit_event_append_only"))
        connection.execute(text("UPDATE audit_event SET interaction = 'read' WHERE id = 2"))
    changed = verify()
    assert changed.exit_code == 1
    assert "audit of sender, position 2: row 2" in changed.output
    other = verify("--tenant", "receiver")
    assert (other.exit_code, "audit of sender" in other.output) == (1, False)  # who did nothing has nothing to verify
    (tmp_path / "anchor.json").write_text("x")
    assert verify().exit_code == 1
