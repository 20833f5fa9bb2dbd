"""Settings of a PostgreSQL that tests may lose in a power cut; those of durability start one with SETTINGS."""

from __future__ import annotations

from typing import Final

from adapter.storage.embedded_postgres import SETTINGS

FAST: Final = {
    **SETTINGS,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
}
