"""The newest hashes of the audit chains, kept outside the database: without them nobody would miss an end cut off.

A small JSON file, replaced whole: `{"audit": {"<tenant>": [<seal>, "<hash>"]}, "ledger": {…}}`. It is as safe as the
place where it lies; in production that is another host's (docs/audit.md).
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from adapter.storage.audit_chain import Head, Heads


def read_anchor(path: Path) -> Heads:
    """The anchored heads; none when there is no file. Raises ValueError for a file that is no anchor."""
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {
            (trail, tenant): Head(int(number), bytes.fromhex(hash))
            for trail, heads in content.items()
            for tenant, (number, hash) in heads.items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"expected {path.name} to hold anchored hashes, got something else") from error


def write_anchor(path: Path, moved: Heads) -> None:
    """Put the heads that moved beside those that did not. A reader sees the file before or after, never in between."""
    content: dict[str, dict[str, list[object]]] = {}
    for (trail, tenant), head in sorted((read_anchor(path) | moved).items()):
        content.setdefault(trail, {})[tenant] = [head.number, head.hash.hex()]
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
    fresh.replace(path)
