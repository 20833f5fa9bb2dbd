"""The address of the database as libpq reads it: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING

Read once, by libpq itself, and handed on in one spelling: its readers would else differ in what they take a password
for. Refusals never quote it, for what was not understood may be the password.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

SCHEME: Final = "postgresql+psycopg"
_SCHEMES: Final = ("postgres", "postgresql", SCHEME)
_SHAPE: Final = "postgresql://user:password@host:5432/database?sslmode=verify-full"
_ESCAPES: Final = "with what is special in a password percent-encoded (`@` as %40, `/` as %2F, `%` as %25)"


def parameters(address: str) -> dict[str, str]:
    """The connection parameters that the address names. Raises ValueError, which does not quote it."""
    scheme, separator, rest = address.partition("://")
    if not separator or scheme not in _SCHEMES:
        raise ValueError(f"expected an address as `{_SHAPE}`, got another scheme")
    authority, _, path = rest.partition("?")[0].partition("/")
    if authority.count("@") > 1 or "@" in path:
        raise ValueError(f"expected an address as `{_SHAPE}`, {_ESCAPES}, got an `@` too many")
    try:
        return {name: str(value) for name, value in conninfo_to_dict(f"postgresql://{rest}").items()}
    except psycopg.Error:
        raise ValueError(f"expected an address as `{_SHAPE}`, {_ESCAPES}, got what cannot be read") from None


def in_effect(address: str) -> dict[str, str]:
    """The same with what the environment (`PGHOST`, `PGSSLMODE`, …) and libpq add. Raises ValueError."""
    known = {option.keyword.decode(): option.val.decode() for option in Conninfo.get_defaults() if option.val}
    return {**known, **parameters(address)}


def one_spelling(address: str) -> str:
    """As SQLAlchemy and, with another scheme, libpq read alike. Raises ValueError."""
    named = parameters(address)
    who = quote(named.pop("user", ""), safe="")
    if (password := named.pop("password", None)) is not None:
        who += f":{quote(password, safe='')}"
    database = quote(named.pop("dbname", ""), safe="")
    host = named.get("host", "")
    where = ""
    if host and not set(host) & set("/,:%@"):  # a socket's folder, several hosts and IPv6 stand in the query
        where = named.pop("host")
        where += f":{named.pop('port')}" if "port" in named else ""
    query = urlencode(named, quote_via=quote)
    return f"{SCHEME}://{f'{who}@' if who else ''}{where}/{database}{f'?{query}' if query else ''}"
