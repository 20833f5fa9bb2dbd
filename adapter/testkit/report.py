"""How a run is told: one line per step, a summary, and a JUnit file for continuous integration."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree

from adapter.testkit.player import FAILED, OK, SKIPPED, StepResult

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Printer:
    """Prints each step as it ends: scenario, step, who, what was expected, what came, the verdict."""

    def __init__(self, out: TextIO | None = None):
        self._out = out or sys.stdout
        self._scenario = ""

    def __call__(self, result: StepResult) -> None:
        if result.scenario != self._scenario:
            self._scenario = result.scenario
            print(file=self._out)
        who = f"{result.actor}: " if result.actor else ""
        print(
            f"{result.outcome:7} {result.scenario} {result.number}. {who}{result.title}"
            f" | expected: {result.expected} | got: {result.got} | {result.seconds * 1000:.0f} ms",
            file=self._out,
            flush=True,
        )


def summary(results: Sequence[StepResult]) -> str:
    """`8 scenarios, 61 steps: 61 OK, 0 failed, 0 skipped`, and a line per failure and per reason to skip."""
    skipped: dict[tuple[str, str], list[str]] = {}
    by = {outcome: [r for r in results if r.outcome == outcome] for outcome in (OK, FAILED, SKIPPED)}
    scenarios = len({result.scenario for result in results})
    lines = [
        f"{scenarios} scenarios, {len(results)} steps: {len(by[OK])} OK, {len(by[FAILED])} failed, "
        f"{len(by[SKIPPED])} skipped"
    ]
    lines += [f"  FAILED  {r.scenario} {r.number}: expected {r.expected}; got {r.got}" for r in by[FAILED]]
    for r in by[SKIPPED]:
        skipped.setdefault((r.scenario, r.reason), []).append(str(r.number))
    lines += [f"  SKIPPED {scenario} {', '.join(steps)}: {why}" for (scenario, why), steps in skipped.items()]
    return "\n".join(lines)


def held(results: Iterable[StepResult]) -> bool:
    """Whether something was played and nothing failed. Skipped steps prove nothing and break nothing."""
    outcomes = {result.outcome for result in results}
    return OK in outcomes and FAILED not in outcomes


def write_junit(results: Sequence[StepResult], path: Path) -> None:
    """A test suite per scenario, a test case per step (https://github.com/testmoapp/junitxml)."""
    root = ElementTree.Element("testsuites", {"name": "handoff replay", **_counts(results)})
    for scenario in dict.fromkeys(result.scenario for result in results):
        steps = [result for result in results if result.scenario == scenario]
        suite = ElementTree.SubElement(root, "testsuite", {"name": scenario, **_counts(steps)})
        for step in steps:
            case = ElementTree.SubElement(
                suite, "testcase", classname=scenario, name=f"{step.number} {step.title}", time=f"{step.seconds:.3f}"
            )
            if step.outcome == FAILED:
                message = _in_xml(f"expected {step.expected}; got {step.got}")
                ElementTree.SubElement(case, "failure", message=message, type="expectation").text = message
            elif step.outcome == SKIPPED:
                ElementTree.SubElement(case, "skipped", message=_in_xml(step.reason))
    ElementTree.indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _counts(results: Sequence[StepResult]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(result.outcome == FAILED for result in results)),
        "errors": "0",
        "skipped": str(sum(result.outcome == SKIPPED for result in results)),
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def _in_xml(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold, which a server's answer may: a report has to be readable."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
