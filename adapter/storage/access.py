"""Who may see a row: the one predicate that every read, search, include, history and criteria carries in SQL.

An organisation is a reader of a resource version when it wrote it, when it may read one of the handoffs that the
resource belongs to, or when the resource is public. `readers` is kept with the row, in the commit that changes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, true
from sqlalchemy.sql import and_

from adapter.storage.tables import handoff, resource_version, texts
from adapter.use_cases.ports import EVERYONE


@dataclass(frozen=True, slots=True)
class Access:
    """What is visible: to one organisation, or everything (`tenant` None) for the adapter's own work."""

    tenant: str | None

    def __post_init__(self) -> None:
        # "*" as an organisation would read what is public only, but "" or a list would be a mistake of the caller.
        if self.tenant is not None and (not self.tenant or self.tenant == EVERYONE):
            raise ValueError("expected the id of an organisation")

    def resources(self) -> ColumnElement[bool]:
        if self.tenant is None:
            return true()
        may_read: ColumnElement[bool] = resource_version.c.readers.overlap(texts([self.tenant, EVERYONE]))
        return may_read

    def handoffs(self) -> ColumnElement[bool]:
        if self.tenant is None:
            return true()
        return handoff.c.readers.contains(texts([self.tenant]))

    def current(self) -> ColumnElement[bool]:
        """The current version of what is visible, deletions included."""
        return and_(resource_version.c.is_current, self.resources())


EVERYTHING = Access(None)
