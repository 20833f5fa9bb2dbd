"""Who may see a row: the one predicate that every read, search, include, history and criteria carries in SQL.

An organisation is a reader of a resource version when it wrote it, when it may read one of the handoffs that the
resource belongs to, or when the resource is public. `readers` is kept with the row, in the commit that changes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from adapter.storage.sql import Values
from adapter.use_cases.ports import EVERYONE


@dataclass(frozen=True, slots=True)
class Access:
    """What is visible: to one organisation (`Access.of`), or everything (`EVERYTHING`) for the adapter's own work.

    Where a Consent is what somebody reads by, its end stands on the row and is compared with the time of `now`, or of
    the database: nobody reads longer because a job is late."""

    tenant: str | None
    now: Callable[[], datetime] | None = None

    @classmethod
    def of(cls, tenant: str, now: Callable[[], datetime] | None = None) -> Access:
        """Raises ValueError for what is no organisation: None would be everything, "*" what is public."""
        if not tenant or tenant == EVERYONE:
            raise ValueError("expected the id of an organisation")
        return cls(tenant, now)

    def resources(self, values: Values) -> str:
        """The condition on a row of `resource_version`, called `r`."""
        if self.tenant is None:
            return "true"
        # coalesce: without readers nobody reads. It also keeps PostgreSQL, while it has no statistics, from taking a
        # page of what is visible to be rare, and so from sorting a whole type instead of walking it in order.
        return f"coalesce(r.readers && {values.texts([self.tenant, EVERYONE])} AND {self._in_time('r', values)}, false)"

    def current(self, values: Values) -> str:
        """The same, and the row is the current version of its resource (it may be a deletion)."""
        return f"r.is_current AND {self.resources(values)}"

    def handoffs(self, values: Values) -> str:
        """The condition on a row of `handoff`, called `h`."""
        if self.tenant is None:
            return "true"
        return f"(h.readers @> {values.texts([self.tenant])} AND {self._in_time('h', values)})"

    def _in_time(self, row: str, values: Values) -> str:
        """That no Consent by which the organisation reads this row is over."""
        until = f"({row}.disclosure #>> ARRAY['by_consent', {values.bind(self.tenant)}::text, 'until'])::timestamptz"
        now = f"{values.bind(self.now())}::timestamptz" if self.now is not None else "now()"
        return f"({row}.disclosure IS NULL OR coalesce({until} > {now}, true))"


EVERYTHING = Access(None)
