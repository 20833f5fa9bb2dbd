"""Reads the pathway files (profiles/pathways/*.yaml, a file each) and refuses what a handoff could not be held to.

The words of the format are explained in docs/pathways.md; the shapes they become are in domain/pathway.py. A file that
names an unknown fact, side, rung or key does not load, and the error says where.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import time, timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast

import yaml

from adapter.domain import events
from adapter.domain.deadlines import AtLocalTime, Before, BusinessDays, Rule, Within
from adapter.domain.facts import CATALOGUE, RISK_TIERS, SUPPLIERS, Supplier
from adapter.domain.pathway import (
    BASE_PATHWAY,
    CLOCK_STARTS,
    LADDER_STEPS,
    VERDICT_MOMENTS,
    ClockRule,
    Condition,
    EvidenceRule,
    Gate,
    LadderStep,
    Pathway,
    Requirement,
)
from adapter.domain.task_status import STAGES, Stage

T = TypeVar("T")


class PathwayFileError(ValueError):
    """A pathway file that cannot be used; the text names file, line, what was expected and what was got."""


def load_pathways(directory: Path | None = None) -> Mapping[str, Pathway]:
    """Every pathway by name (its file's name), in order of name; from the package's own files when no directory is
    given. Raises PathwayFileError for a file that is wrong, or when `referral`, the base of all, is missing."""
    folder: Traversable = files("profiles") / "pathways" if directory is None else directory
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    pathways = {
        file.name.removesuffix(".yaml"): read_pathway(file.name, file.read_text(encoding="utf-8")) for file in found
    }
    if BASE_PATHWAY not in pathways:
        raise PathwayFileError(f"{folder}: expected a file {BASE_PATHWAY}.yaml, got {', '.join(pathways) or 'none'}")
    return MappingProxyType(pathways)


def read_pathway(file_name: str, text: str) -> Pathway:
    """One pathway from the text of its file, whose name it bears. Raises PathwayFileError."""
    name = file_name.removesuffix(".yaml")
    if not _NAME.fullmatch(name):
        raise PathwayFileError(f"{file_name}: expected a file name of small letters, digits and hyphens")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PathwayFileError(f"{file_name}:{line}: expected YAML: {error.problem}") from None
    if root is None:
        raise PathwayFileError(f"{file_name}:1: expected a pathway, got an empty file")
    section = _Section(file_name, root, "the pathway")
    facts = {stage: section.read(stage, _requirements, _NO_FACTS) for stage in STAGES}
    pathway = Pathway(
        name=name,
        title=section.need("title", _text),
        source=section.need("source", _text),
        purpose=section.need("purpose", _text),
        facts=MappingProxyType({stage: needed for stage, needed in facts.items() if needed}),
        gates=section.read("gates", _each(_gate), ()),
        tiers=MappingProxyType(section.read("tiers", _tiers, {})),
        optional=section.read("optional", _requirements, _NO_FACTS),
        acceptance=section.read("acceptance", _rule, None),
        clocks=section.read("clocks", _each(_clock), ()),
        ladder=section.read("ladder", _ladder, ()),
        evidence=section.read("evidence", _each(_evidence), ()),
    )
    section.finish()
    return pathway


_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_DURATION: Final = re.compile(r"(\d{1,4}) (minute|hour|day)s?")
_MISSING: Final[Any] = object()
_NO_NAMES: Final[tuple[str, ...]] = ()
_NO_FACTS: Final[tuple[Requirement, ...]] = ()


class _Node:
    """A place in a file: what stands there and where, so that every error can say so."""

    def __init__(self, file: str, node: yaml.Node):
        self.file = file
        self.node = node

    def error(self, text: str) -> PathwayFileError:
        return PathwayFileError(f"{self.file}:{self.node.start_mark.line + 1}: {text}")

    def at(self, node: yaml.Node) -> _Node:
        return _Node(self.file, node)

    def items(self, what: str) -> list[tuple[str, _Node, _Node]]:
        """(key, the key's place, the value's place) of a mapping; each key once."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.error(f"expected {what} as `key: value` lines")
        found: dict[str, tuple[str, _Node, _Node]] = {}
        for key_node, value_node in self.node.value:
            key = _text(self.at(key_node))
            if key in found:
                raise self.at(key_node).error(f"expected `{key}` once, got it twice")
            found[key] = (key, self.at(key_node), self.at(value_node))
        return list(found.values())

    def entries(self) -> list[_Node]:
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.error("expected a list (`- …` or `[…]`)")
        return [self.at(entry) for entry in self.node.value]


class _Section:
    """A mapping read key by key; `finish` refuses the keys that nobody asked for."""

    def __init__(self, file: str, node: yaml.Node, what: str):
        self.place = _Node(file, node)
        self._items = {key: (at_key, at_value) for key, at_key, at_value in self.place.items(what)}
        self._asked: list[str] = []

    def has(self, key: str) -> bool:
        return key in self._items

    def read(self, key: str, reader: Callable[[_Node], T], default: T = _MISSING) -> T:
        self._asked.append(key)
        if key in self._items:
            return reader(self._items[key][1])
        if default is _MISSING:
            raise self.place.error(f"expected a line `{key}: …`, got none")
        return default

    def need(self, key: str, reader: Callable[[_Node], T]) -> T:
        return self.read(key, reader)

    def finish(self) -> None:
        for key, (at_key, _) in self._items.items():
            if key not in self._asked:
                raise at_key.error(f"expected one of {', '.join(self._asked)}; got `{key}`")


def _each(reader: Callable[[_Node], T]) -> Callable[[_Node], tuple[T, ...]]:
    def read(node: _Node) -> tuple[T, ...]:
        return tuple(reader(entry) for entry in node.entries())

    return read


def _text(node: _Node) -> str:
    if not isinstance(node.node, yaml.ScalarNode) or not node.node.value.strip():
        raise node.error("expected a text")
    return str(node.node.value).strip()


def _name(node: _Node) -> str:
    text = _text(node)
    if not _NAME.fullmatch(text):
        raise node.error(f"expected a name of small letters, digits and hyphens; got `{text}`")
    return text


def _one_of(what: str, known: Iterable[str]) -> Callable[[_Node], str]:
    def read(node: _Node) -> str:
        text = _text(node)
        if text not in known:
            raise node.error(f"expected {what} of: {', '.join(known)}; got `{text}`")
        return text

    return read


_fact = _one_of("a fact of the catalogue", CATALOGUE)
_event = _one_of("an event of the ledger", events.KINDS)
_stage = _one_of("a stage", STAGES)
_tier = _one_of("a risk tier", RISK_TIERS)
_supplier = _one_of("a side", SUPPLIERS)


def _timed_fact(node: _Node) -> str:
    fact = _fact(node)
    if not CATALOGUE[fact].timed:
        timed = ", ".join(code for code, kind in CATALOGUE.items() if kind.timed)
        raise node.error(f"expected a fact that carries a time, of: {timed}; got `{fact}`")
    return fact


def _values_of(fact: str) -> Callable[[_Node], frozenset[str]]:
    """Reads a list of codes that evidence of `fact` can carry."""

    def read(node: _Node) -> frozenset[str]:
        known = sorted(CATALOGUE[fact].values)
        if not known:
            raise node.error(f"expected a fact that carries a code; `{fact}` carries none")
        return frozenset(_each(_one_of(f"a code of `{fact}`", known))(node))

    return read


def _requirements(node: _Node) -> tuple[Requirement, ...]:
    read = []
    for _, at_fact, at_supplier in node.items("facts and who supplies them"):
        fact, supplier = _fact(at_fact), cast(Supplier, _supplier(at_supplier))
        usual = CATALOGUE[fact].supplier
        if usual != "either" and supplier != usual:
            raise at_supplier.error(f"expected `{fact}` from the {usual}, as the catalogue says; got `{supplier}`")
        read.append(Requirement(fact, supplier))
    return tuple(read)


def _tiers(node: _Node) -> dict[str, Mapping[Stage, tuple[Requirement, ...]]]:
    tiers: dict[str, Mapping[Stage, tuple[Requirement, ...]]] = {}
    for _, at_tier, at_stages in node.items("risk tiers"):
        stages = at_stages.items("stages")
        tiers[_tier(at_tier)] = MappingProxyType(
            {cast(Stage, _stage(at_stage)): _requirements(at_facts) for _, at_stage, at_facts in stages}
        )
    return tiers


def _gate(node: _Node) -> Gate:
    section = _Section(node.file, node.node, "a gate")
    name = section.need("gate", _name)
    stage = cast(Stage, section.need("stage", _stage))
    facts = section.need("facts", _each(_fact))
    gate = Gate(
        name=name,
        stage=stage,
        says=section.need("says", _text),
        facts=facts,
        condition=_condition(section, facts),
        tiers=frozenset(section.read("tiers", _each(_tier), _NO_NAMES)),
        when=section.read("when", _when, None),
    )
    section.finish()
    return gate


def _condition(section: _Section, facts: tuple[str, ...]) -> Condition | None:
    """`one of`, `before` and `by` speak of the first fact that the gate or rule lists."""
    if not any(section.has(key) for key in ("one of", "before", "by")):
        return None
    if not facts:
        raise section.place.error("expected `facts` beside `one of`, `before` or `by`, got none")
    by = section.read("by", _one_of("`by`", ("end of day",)), "")
    before = section.read("before", _timed_fact, None)
    if (by or before) and not CATALOGUE[facts[0]].timed:
        raise section.place.error(f"expected a fact that carries a time first in `facts`, got `{facts[0]}`")
    return Condition(facts[0], section.read("one of", _values_of(facts[0]), frozenset()), before, by == "end of day")


def _when(node: _Node) -> tuple[str, frozenset[str]]:
    items = node.items("a fact and its codes")
    if len(items) != 1:
        raise node.error(f"expected one fact with its codes, got {len(items)}")
    _, at_fact, at_codes = items[0]
    fact = _fact(at_fact)
    return fact, _values_of(fact)(at_codes)


def _duration(node: _Node) -> timedelta:
    match = _DURATION.fullmatch(_text(node))
    if match is None:
        raise node.error(f"expected a duration as `30 minutes`, `4 hours` or `7 days`; got `{_text(node)}`")
    return timedelta(**{f"{match[2]}s": int(match[1])})


def _count(node: _Node) -> int:
    text = _text(node)
    if not re.fullmatch(r"\d{1,3}", text):
        raise node.error(f"expected a whole number of days, got `{text}`")
    return int(text)


def _local_time(node: _Node) -> time:
    text = _text(node)
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise node.error(f"expected a time of day as `12:00`, got `{text}`")
    return time.fromisoformat(text)


def _rule(node: _Node) -> Rule:
    section = _Section(node.file, node.node, "a clock's rule")
    rule: Rule
    if section.has("before"):
        rule = Before(section.need("before", _timed_fact), section.need("otherwise", _plain_rule))
        section.finish()
        return rule
    return _plain_rule(node)


def _plain_rule(node: _Node) -> Within | AtLocalTime | BusinessDays:
    section = _Section(node.file, node.node, "a clock's rule")
    rule: Within | AtLocalTime | BusinessDays
    if section.has("at"):
        rule = AtLocalTime(section.need("at", _local_time), section.need("days later", _count))
    elif section.has("business days"):
        rule = BusinessDays(section.need("business days", _count))
    elif section.has("within"):
        rule = Within(section.need("within", _duration))
    else:
        raise node.error("expected one of `within`, `at` with `days later`, `business days`, `before` with `otherwise`")
    section.finish()
    return rule


def _clock(node: _Node) -> ClockRule:
    section = _Section(node.file, node.node, "a clock")
    clock = ClockRule(
        name=section.need("clock", _name),
        starts=section.need("starts", _one_of("a start", CLOCK_STARTS)),  # type: ignore[arg-type]  # checked here
        due=section.need("due", _rule),
        until=section.read("until", _fact, None),
        opens=section.read("opens", _rule, None),
        task=section.read("task", _text, None),
    )
    if (clock.opens is None) != (clock.task is None):
        raise node.error("expected `opens` and `task` together: when the follow-up opens, and what it asks")
    section.finish()
    return clock


def _ladder(node: _Node) -> tuple[LadderStep, ...]:
    rungs = []
    for _, at_name, at_after in node.items("rungs and when they follow"):
        name = _one_of("a rung", LADDER_STEPS)(at_name)
        rungs.append(LadderStep(name, _duration(at_after)))  # type: ignore[arg-type]  # one of LADDER_STEPS
    order = [LADDER_STEPS.index(rung.name) for rung in rungs]
    if order != sorted(order) or any(low.after > high.after for low, high in pairwise(rungs)):
        raise node.error(
            f"expected the rungs in the order {', '.join(LADDER_STEPS)}, each no earlier than the one before"
        )
    return tuple(rungs)


def _evidence(node: _Node) -> EvidenceRule:
    section = _Section(node.file, node.node, "an evidence rule")
    name = section.need("rule", _name)
    facts = section.read("facts", _each(_fact), _NO_NAMES)
    rule = EvidenceRule(
        name=name,
        says=section.need("says", _text),
        facts=facts,
        condition=_condition(section, facts),
        events=section.read("events", _each(_event), _NO_NAMES),
        event_before=section.read("event before", _event_before, None),
        each=section.read("each", _event, None),
        followed_by=section.read("followed by", _each(_event), _NO_NAMES),
        same_day_as=section.read("same day as", _event, None),
        tiers=frozenset(section.read("tiers", _each(_tier), _NO_NAMES)),
        when=section.read("when", _when, None),
        verdict_at=section.read("verdict at", _one_of("a moment", VERDICT_MOMENTS), "closed"),  # type: ignore[arg-type]
    )
    if not (rule.facts or rule.events or rule.event_before or rule.each):
        raise node.error(f"expected the rule `{name}` to ask for facts, events, `event before` or `each`; got none")
    if (rule.each is None) != (not rule.followed_by):
        raise node.error("expected `each` and `followed by` together")
    if rule.same_day_as and (not facts or not CATALOGUE[facts[0]].timed):
        raise node.error("expected a fact that carries a time first in `facts`, beside `same day as`")
    section.finish()
    return rule


def _event_before(node: _Node) -> tuple[str, str]:
    items = node.items("an event and a fact")
    if len(items) != 1:
        raise node.error(f"expected one event with one fact, got {len(items)}")
    _, at_event, at_fact = items[0]
    return _event(at_event), _timed_fact(at_fact)
