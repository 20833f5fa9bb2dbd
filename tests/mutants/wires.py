"""Mutations beside the body: headers, and the parameters of a search.

https://hl7.org/fhir/R4/http.html, https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from tests.mutants.mutation import CANARY, Change, Mutant, Named, Offset, Sent

_LONG: Final = "x" * 300
_HEADERS: Final[dict[str, tuple[str, ...]]] = {
    "If-Match": (CANARY, '"1', 'W/"²"', 'W/"99999999999999999999"', "*", 'W/"1", W/"2"', "", 'W/"-1"', 'W/"0"', '1"'),
    "If-None-Match": (CANARY, "*", "", '"', 'W/"1"'),
    "If-Modified-Since": (CANARY, "2026-01-01", "Mon, 99 Foo 2026 99:99:99 GMT", ""),
    "If-None-Exist": (CANARY, "?", "identifier=", f"nonsense={CANARY}", f"identifier=%00{CANARY}", "_id=x,y", "%"),
    "Content-Type": (
        "text/plain", CANARY, "application/xml", "application/fhir+xml", "application/fhir+json; charset=utf-16",
        "application/json-patch+json", "multipart/form-data", "application/x-www-form-urlencoded", "", ";",
        "application/merge-patch+json", f'application/fhir+json; charset="{CANARY}"',
    ),
    "Content-Encoding": ("gzip", "br", CANARY, "identity", "gzip, gzip", "deflate"),
    "Accept": ("text/turtle", CANARY, "application/fhir+xml", "application/json;q=0", ";;;", "*/*;q=x", "", "/"),
    "X-Request-ID": ("", " ", _LONG, "ü", f"{CANARY} with blanks", "\t"),
    "Prefer": (CANARY, "return=nonsense", "handling=", ";;;", "return=representation", "return=", "respond-async"),
    "Authorization": ("Bearer", f"Bearer {CANARY}", "Basic eDp5", "", "Bearer a.b.c", "Bearer ²"),
    "NHSD-Target-Identifier": (CANARY, "e30=", "AAAA", "W10="),
    "Content-Length": ("-1", "x"),
}  # fmt: skip
_VALUES: Final = (
    "", CANARY, "%00", "\x00", "|", "||", f"{CANARY}|", "²", "ü", "x" * 3000, ",", "\\", "\\,", "$", "*", "true",
    "2026-13-01", "2026-02-30", "gt", "ge2026", "zz2026-01-01", "gt2026-01-01T99:00", "ap2026", "0000", "9999-12-31",
    "99999", "1e400", "gt1e-99999", "NaN", "5.4|http://unitsofmeasure.org|mg", "-1", "urn:x|y", "Patient/",
    "Patient/a/b",
    "../x", "'; drop table x; --", f"eq{CANARY}", "2026-01-01T10:00:00+99:00", "10000-01-01", "ne", "sa", "\ud7ff",
    "Type/" + "x" * 65, "_history", "Task:owner", "Task:nonsense", "Task:owner:Nonsense", "nonsense:owner", "-status",
    "status,-owner", "none", "summary", "data",
)  # fmt: skip
_MODIFIERS: Final = (
    ":not", ":missing", ":exact", ":contains", ":text", ":above", ":below", ":in", ":of-type", ":identifier",
    ":Patient", ":nonsense", ":", "::", ":iterate", ":type", ":not-in",
)  # fmt: skip
_NAMES: Final = (
    "_id", "_lastUpdated", "_tag", "_profile", "_security", "_source", "_has", "_include", "_revinclude", "_sort",
    "_count", "_total", "_summary", "_elements", "_cursor", "_text", "_content", "_filter", "_list", "_query", "_since",
    "_format", "_pretty", "nonsense", "", "owner.name", "patient.organization.name", "subject:Patient.identifier",
    "a.b.c.d.e.f.g", ".", "owner.", ".owner", "_has:Task:patient:status", "_has:Task", "_has:", "_has:Slot:x:y",
    "_include:iterate", "near", "status", "identifier", "authored-on", "birthdate", "\x00", "²", "owner\u0000",
    "_has:Task:patient:_has:Provenance:target:agent",
)  # fmt: skip


def header(chance: random.Random, sent: Sent) -> Mutant:
    """One header is added or replaced. Which of them is a fault depends on what is asked."""
    name = chance.choice(list(_HEADERS))
    value = chance.choice(_HEADERS[name])
    return Mutant(f"header: {name}", replace(sent, headers={**sent.headers, name: value}), _named(name))


def search(chance: random.Random, sent: Sent) -> Mutant:
    """One parameter of a search has another name, modifier or value, or is added; or the address is written oddly."""
    address, _, query = sent.path.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    index = chance.randrange(len(pairs)) if pairs else 0
    kind = chance.choice(["name", "modifier", "value", "value", "added", "added", "percent"]) if pairs else "added"
    if kind == "percent":
        raw = chance.choice(["%", "%zz", "%u0041", "&&", "=", "&=", "a=b=c", ";", "%C0%AF", "%ff", "#x", "?", "%00=1"])
        path = f"{address}?{query}&{raw}"
        return Mutant("search: percent-encoding", replace(sent, path=path), _named(raw.strip("&?").partition("=")[0]))
    if kind == "added":
        pairs.append((chance.choice(_NAMES), chance.choice(_VALUES)))
        index = len(pairs) - 1
    name, value = pairs[index]
    if kind == "name":
        name = chance.choice([*_NAMES, name + "x", name.upper(), name + ".x", name + ":x.y"])
    elif kind == "modifier":
        name = name.partition(":")[0] + chance.choice(_MODIFIERS)
    elif kind == "value":
        value = chance.choice([*_VALUES, value + ",", "," + value, value * 100, value + "|", "x" + value])
    pairs[index] = (name, value)
    made = f"{address}?{urlencode(pairs, quote_via=quote, errors='surrogatepass')}"
    return Mutant(f"search: {kind}", replace(sent, path=made), _named(name))


def address(chance: random.Random, sent: Sent) -> Mutant:
    """Another address, as near to the right one as a slip of the hand."""
    path, question, query = sent.path.partition("?")
    parts = path.split("/")
    index = chance.randrange(len(parts))
    odd = [CANARY, "", "..", "%2e%2e", "x" * 65, "a b", "²", "%00", "_search", "_history", "$validate", "$nonsense",
           "Patient", "patient", parts[index].upper(), parts[index] + "x", "metadata", "0"]  # fmt: skip
    parts[index] = chance.choice(odd)
    if chance.random() < 0.2:
        parts.append(chance.choice(["_history", "x", "_history/1", "_history/²", "$evidence", ""]))
    made = "/".join(parts)
    # Two slashes at the start would name a host.
    made = "/" + made.lstrip("/") if sent.path.startswith("/") else made
    return Mutant("address", replace(sent, path=f"{made}{question}{query}"), _named("address"))


def method(chance: random.Random, sent: Sent) -> Mutant:
    others = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", CANARY.upper()]
    other = chance.choice([each for each in others if each != sent.method])
    # A method with a body, where there is none: then that is what is said.
    return Mutant("method", replace(sent, method=other), Change((Named("method"), Offset(0)), forbidden=False))


def _named(name: str) -> Change:
    return Change((Named(name),), forbidden=False)
