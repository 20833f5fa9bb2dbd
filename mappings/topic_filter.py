"""Filters of a Subscription on the topic of handoffs: from search-like text, and held against what happened.

https://hl7.org/fhir/uv/subscriptions-backport/components.html#subscription-filters. Each value means what it means in
`GET /fhir/Task?…`; two parameters, `pathway` and `event`, are defined by the topic alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from adapter.domain.errors import Issue
from adapter.domain.subscription import FILTERS, Filter
from mappings.canonicals import EVENT_SYSTEM, PLAN_DEFINITION, event_code

Tree = dict[str, Any]

_REFERENCES: Final = frozenset({"owner", "requester", "patient"})
_STATUS_SYSTEM: Final = "http://hl7.org/fhir/task-status"


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a handoff: its ledger `kind`, and the Task as the event left it. Organisations are partner ids."""

    kind: str
    requester: str
    owner: str
    pathway: str
    task: Tree


def parse(text: str, base_url: str, at: str) -> tuple[list[Filter], list[Issue]]:
    """The conditions in `text` (`Task?owner=Organization/x&status=accepted,rejected`), and what is wrong with it."""
    type_, mark, query = text.partition("?")
    if not mark:
        query = text
    elif type_ != "Task":
        return [], [Issue("not-supported", "expected a filter on Task, got one on another resource type", at)]
    filters: list[Filter] = []
    issues: list[Issue] = []
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameter, _, modifier = name.removeprefix("Task.").partition(":")
        values = tuple(_local(each, base_url) for each in value.split(",") if each)
        if parameter not in FILTERS:
            issues.append(Issue("not-supported", f"expected filters by {', '.join(FILTERS)}, got another", at))
        elif modifier not in {"", "not"} or (modifier and parameter in _REFERENCES):
            text_ = f"expected `{parameter}` without this modifier; `:not` is known for all but references"
            issues.append(Issue("not-supported", text_, at))
        elif not values:
            issues.append(Issue("value", f"expected a value of `{parameter}`, got none", at))
        else:
            filters.append(Filter(parameter, values, negated=modifier == "not"))
    if not filters and not issues:
        issues.append(Issue("value", "expected a filter like `Task?status=accepted`, got none", at))
    return filters, issues


def all_match(filters: Sequence[Filter], happened: Happened) -> bool:
    return all(_matches(each, happened) for each in filters)


def _matches(filter: Filter, happened: Happened) -> bool:
    if filter.parameter in _REFERENCES:
        found = set(_references(filter.parameter, happened))
        return any(value in found for value in filter.values)
    tokens = list(_tokens(filter.parameter, happened))
    found_one = any(_is_token(value, *token) for value in filter.values for token in tokens)
    return found_one is not filter.negated


def _references(parameter: str, happened: Happened) -> Iterator[str]:
    """Every form in which a filter may name what the Task points at."""
    element = happened.task.get("for" if parameter == "patient" else parameter) or {}
    literal = str(element.get("reference", "")).partition("/_history/")[0]
    forms = {literal} if parameter != "patient" or literal.startswith("Patient/") else set()
    if parameter != "patient":
        forms.add(f"Organization/{happened.owner if parameter == 'owner' else happened.requester}")
    for form in forms - {""}:
        yield form
        yield form.rpartition("/")[2]


def _tokens(parameter: str, happened: Happened) -> Iterator[tuple[str, str]]:
    """System and code of each value."""
    match parameter:
        case "status":
            yield _STATUS_SYSTEM, str(happened.task.get("status", ""))
        case "event":
            yield EVENT_SYSTEM, event_code(happened.kind)
        case "pathway":
            yield "", happened.pathway
            yield "", PLAN_DEFINITION + happened.pathway
        case _:
            element = happened.task.get("businessStatus" if parameter == "business-status" else "code") or {}
            for coding in element.get("coding") or ():
                yield str(coding.get("system", "")), str(coding.get("code", ""))


def _is_token(asked: str, system: str, code: str) -> bool:
    """https://hl7.org/fhir/R4/search.html#token: `code`, `system|code`, `|code` (no system), `system|`."""
    wanted, bar, rest = asked.partition("|")
    if not bar:
        return asked == code
    return wanted == system and rest in {"", code} if wanted else not system and rest == code


def _local(value: str, base_url: str) -> str:
    return value.removeprefix(base_url + "/")
