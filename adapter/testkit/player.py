"""Plays a scenario step by step against any FHIR server, over HTTP only, and says what was expected and what came."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from adapter.testkit.checks import Answer, Check, checks
from adapter.testkit.exchange import Exchange
from adapter.testkit.paths import assign, find
from adapter.testkit.scenario import HTTP_VERBS, Scenario, Step
from adapter.testkit.simulators import ANYTHING, SimulatedPartner
from adapter.testkit.templates import Unknown, Values, duration
from mappings.json_codec import decode, encode

OK, FAILED, SKIPPED = "OK", "FAILED", "SKIPPED"
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class StepResult:
    """`outcome` is OK, FAILED or SKIPPED; a skipped step has a `reason` and counts as nothing."""

    scenario: str
    number: int
    title: str
    actor: str
    outcome: str
    checks: tuple[Check, ...] = ()
    reason: str = ""
    seconds: float = 0.0

    @property
    def expected(self) -> str:
        return ", ".join(f"{_brief(check.what)} {check.expected}" for check in self._shown) or "-"

    @property
    def got(self) -> str:
        return self.reason or ", ".join(f"{_brief(check.what)} {check.got}" for check in self._shown) or "-"

    @property
    def _shown(self) -> tuple[Check, ...]:
        failed = tuple(check for check in self.checks if not check.ok)
        return failed or self.checks


def _brief(path: str) -> str:
    """A path as a line can hold it: of a canonical only the last part."""
    return re.sub(r"'https?://[^']*/([^'/]+)'", r"'…/\1'", path)


class Skip(Exception):
    """This server or this run cannot do the step; says why."""


@dataclass(slots=True)
class _Run:
    """What one run of one scenario knows so far."""

    scenario: Scenario
    values: Values
    changed_at: float = field(default_factory=time.monotonic)
    """When the last step that changes something began: only later notifications can be about it."""
    cut_short: str = ""
    """Why the rest cannot be played: a step that later ones stand on was skipped or failed."""


class Player:
    """`partners` are the simulators that the server notifies; without them, notification steps are skipped."""

    def __init__(
        self,
        exchange: Exchange,
        partners: Mapping[str, SimulatedPartner] | None = None,
        told: Callable[[StepResult], None] = lambda result: None,
        *,
        clock_can_be_advanced: bool = False,
    ):
        self._exchange = exchange
        self._partners = partners or {}
        self._told = told
        self._clock_can_be_advanced = clock_can_be_advanced

    def play(self, scenario: Scenario) -> list[StepResult]:
        """One result per step, and a last one on what the simulated partners received. Never raises for the server's
        sake; partners that a step took down are up again afterwards."""
        endpoints = {id_: partner.address for id_, partner in self._partners.items()}
        run = _Run(scenario, Values(self._exchange.now(), self._exchange.base_url, endpoints=endpoints))
        for partner in self._partners.values():
            partner.inbox.forget()
        try:
            results = [self._reported(self._play_step(run, step)) for step in scenario.steps]
        finally:
            for partner in self._partners.values():
                partner.become("up")
        if self._partners:
            results.append(self._reported(self._receivers_verdict(scenario)))
        return results

    def _reported(self, result: StepResult) -> StepResult:
        self._told(result)
        return result

    def _play_step(self, run: _Run, step: Step) -> StepResult:
        began = time.monotonic()
        outcome, found, reason = OK, list[Check](), ""
        try:
            if run.cut_short:
                raise Skip(run.cut_short)
            found = self._checks(run, step)
        except Skip as skip:
            outcome, reason = SKIPPED, str(skip)
            if step.capture or step.action == "advance-clock":
                run.cut_short = run.cut_short or f"stands on step {step.number}, which was skipped"
        except Unknown as unknown:
            outcome, reason = SKIPPED, f"needs {unknown}, which no earlier step gave"
        except requests.ConnectionError:
            outcome, reason = FAILED, f"nobody answers at {self._exchange.base_url}"
        except (requests.RequestException, ValueError, OSError, LookupError, TypeError) as error:
            outcome, reason = FAILED, f"{type(error).__name__}: {error}"
        if not all(check.ok for check in found):
            outcome = FAILED
        if outcome == FAILED and step.capture:
            run.cut_short = run.cut_short or f"stands on step {step.number}, which failed"
        return StepResult(
            run.scenario.name, step.number, step.title, step.who, outcome,
            tuple(found), reason, time.monotonic() - began,
        )  # fmt: skip

    def _checks(self, run: _Run, step: Step) -> list[Check]:
        if step.action == "partner":
            self._partner(step.target).become(step.becomes)
            return []
        if step.action == "advance-clock":
            return self._advance_clock(run, step)
        if step.action == "wait-for-notification":
            return self._wait_for_notification(run, step)
        return self._http(run, step)

    def _http(self, run: _Run, step: Step) -> list[Check]:
        expect = run.values.fill_expectation(step.expect)
        path, headers, raw = self._request(run, step)
        if step.action != "GET":
            run.changed_at = time.monotonic()
        until = time.monotonic() + step.within
        while True:
            answers = self._send(step, path, headers, raw)
            found = [check for answer in answers for check in checks(expect, answer)]
            if expect.equal_answers:
                found.append(_equal(answers))
            if expect.each_status:
                found.append(_each(expect.each_status, answers))
            if all(check.ok for check in found) or time.monotonic() >= until:
                break
            time.sleep(_POLL_SECONDS)
        if all(check.ok for check in found):
            _capture(run, step, answers[0])
        return _once(found)

    def _send(self, step: Step, path: str, headers: dict[str, str], raw: bytes | None) -> list[Answer]:
        if step.at_once == 1:
            return [self._exchange.send(step.action, path, step.actor, headers, raw)]
        self._exchange.token(step.actor)  # obtained before, so that the sends really meet
        with ThreadPoolExecutor(step.at_once) as threads:
            sent = [
                threads.submit(self._exchange.send, step.action, path, step.actor, headers, raw)
                for _ in range(step.at_once)
            ]
            return [future.result() for future in sent]

    def _request(self, run: _Run, step: Step) -> tuple[str, dict[str, str], bytes | None]:
        path = run.values.fill_text(step.target).strip("/")
        raw = _content(run.values, step)
        headers = {name: run.values.fill_text(value) for name, value in step.headers.items()}
        if step.request_id:
            headers["X-Request-ID"] = run.values.fill_text(step.request_id)
        if step.if_match == "current":
            headers["If-Match"] = self._exchange.send("GET", path, step.actor).headers.get("ETag", "")
        elif step.if_match:
            headers["If-Match"] = run.values.fill_text(step.if_match)
        return path, headers, raw

    def _advance_clock(self, run: _Run, step: Step) -> list[Check]:
        if not self._clock_can_be_advanced:
            raise Skip("this server's clock cannot be advanced (POST /demo/clock is there in demo mode only)")
        run.changed_at = time.monotonic()
        status = self._exchange.advance_clock(step.target)
        run.values.now += duration(step.target)
        return [Check("status", "200", str(status), status == 200)]

    def _wait_for_notification(self, run: _Run, step: Step) -> list[Check]:
        """The partner is told, then reads what it was told about, with its own token, as a real recipient does."""
        partner = self._partner(step.target)
        since = 0.0 if step.since_start else run.changed_at
        if step.about:
            wanted = run.values.fill_text(step.about)
            receipt = partner.inbox.wait_for(wanted, since, step.within)
            return self._read_as_told(run, step, partner, wanted, wanted if receipt else None)
        # Whatever comes: what waited from before this scenario is told as well, and is not meant.
        until, found = time.monotonic() + step.within, list[Check]()
        for about in partner.inbox.told_in(since, step.within):
            found = self._read_as_told(run, step, partner, ANYTHING, about)
            if all(check.ok for check in found) or time.monotonic() >= until:
                return found
        return found or self._read_as_told(run, step, partner, ANYTHING, None)

    def _read_as_told(
        self, run: _Run, step: Step, partner: SimulatedPartner, wanted: str, about: str | None
    ) -> list[Check]:
        """`about` is what the partner was told of, if it was."""
        found = [Check("notified about", wanted, about or f"nothing within {step.within:g} s", about is not None)]
        if step.expect.times is not None:
            times = len(partner.inbox.told_about(about or wanted))
            found.append(Check("times", str(step.expect.times), str(times), times == step.expect.times))
        if about is not None and (step.expect.status or step.expect.body):
            expect = run.values.fill_expectation(step.expect)
            answer = self._exchange.send("GET", about, partner.id)
            found += checks(expect, answer)
            if all(check.ok for check in found):
                _capture(run, step, answer)
        return found

    def _partner(self, name: str) -> SimulatedPartner:
        if name not in self._partners:
            raise Skip("the simulated partners are not reachable from this server (played without them)")
        return self._partners[name]

    def _receivers_verdict(self, scenario: Scenario) -> StepResult:
        faults = [f"{p.id}: {fault.text}" for p in self._partners.values() for fault in p.inbox.faults]
        told = sum(len(partner.inbox.receipts) for partner in self._partners.values())
        got = "; ".join(dict.fromkeys(faults)) or f"none in {told}"
        check = Check("faults in what was received", "none", got, not faults)
        return StepResult(
            scenario.name, len(scenario.steps) + 1, "Everything the partners were told was well-formed and in order",
            "all partners", FAILED if faults else OK, (check,),
        )  # fmt: skip


def _content(values: Values, step: Step) -> bytes | None:
    if step.send is None:
        return None
    if not isinstance(step.send, Path):
        return encode(values.fill(step.send))
    raw = values.fill_json(step.send.read_text(encoding="utf-8"))
    if not step.change:
        return raw
    tree = decode(raw)
    for path, value in step.change.items():
        assign(tree, path, values.fill(value))
    return encode(tree)


def _capture(run: _Run, step: Step, answer: Answer) -> None:
    """A location or a resource is captured as `Type/id`, anything else as its text."""
    for name, source in step.capture.items():
        word, _, header = source.partition(" ")
        found = [answer.headers.get(header)] if word == "header" else find(answer.body, source)
        if not found or found[0] is None:
            raise LookupError(f"expected `{source}` in the answer, to keep as `{name}`; got none")
        run.values.captured[name] = _reference(found[0])


def _reference(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['resourceType']}/{value['id']}"
    text = str(value)
    parts = text.split("/_history/")[0].rsplit("/", 2)[-2:]
    is_location = len(parts) == 2 and parts[0][:1].isupper() and parts[0].isalpha()
    return "/".join(parts) if is_location else text


def _equal(answers: list[Answer]) -> Check:
    different = len({(answer.status, answer.raw) for answer in answers})
    return Check("different answers", "1", str(different), different == 1)


def _each(wanted: tuple[int, ...], answers: list[Answer]) -> Check:
    expected, got = sorted(wanted), sorted(answer.status for answer in answers)
    return Check("statuses", str(expected), str(got), expected == got)


def _once(found: list[Check]) -> list[Check]:
    """Several equal answers need saying only once."""
    return list(dict.fromkeys(found))


__all__ = ["FAILED", "HTTP_VERBS", "OK", "SKIPPED", "Player", "Skip", "StepResult"]
