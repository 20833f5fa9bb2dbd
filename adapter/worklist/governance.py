"""What leaders see: the measures of their organisation's handoffs as tables, and for whom care is weaker.

Nothing here points at a person: a score that rests on a small number is withheld, as it is in a MeasureReport.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Final

from adapter.domain.errors import Invalid
from adapter.domain.measured import NOT_STATED
from adapter.domain.measures import STRATIFIERS
from adapter.domain.measuring import FEWEST, GroupScore, Score
from adapter.domain.weaker_care import LONGER, POINTS, WeakerCare, weaker_care
from adapter.use_cases.report_measures import MeasureScore, Period
from mappings.evidence_sections import Cell, Mark, Section

USUAL_PERIOD: Final = timedelta(days=90)
EVERYBODY: Final = "everybody"

Names = Mapping[str, str]
"""Partner id → name."""


def asked_period(asked: Mapping[str, str], today: date) -> Period:
    """`from` and `to`, as days; the last 90 days unless told otherwise. Raises Invalid for what is no day."""
    last = _day(asked, "to") or today
    return Period(_day(asked, "from") or last - USUAL_PERIOD, last)


def _day(asked: Mapping[str, str], name: str) -> date | None:
    text = asked.get(name)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or text != day.isoformat() or not 1900 <= day.year < 9000:
        raise Invalid(f"expected `{name}` as a day such as 2026-03-31, got something else", code="value")
    return day


def asked_stratifier(asked: Mapping[str, str]) -> str | None:
    """By what the tables are split; None for not at all. Raises Invalid for anything else."""
    name = asked.get("by") or None
    if name is not None and name not in STRATIFIERS:
        raise Invalid(f"expected `by` as one of {', '.join(STRATIFIERS)}, got another", code="code-invalid")
    return name


def weaker_section(scores: Iterable[MeasureScore], names: Names) -> Section:
    """Every stratum, whatever the tables are split by: nobody has to guess where to look."""
    found = [each for score in scores for each in weaker_care(score.measure, score.groups)]
    return Section(
        code="weaker-care",
        title="For whom care is weaker",
        says=f"Who fares worse than everybody together, by {int(POINTS * 100)} percentage points or by times that are "
        f"{LONGER} times as long. It says where to look: with few handoffs it may be chance.",
        columns=("Who", "What", "Score", "Everybody"),
        rows=tuple(_weaker_row(each, names) for each in found),
        nothing="Nobody, as far as the numbers are large enough to be shown.",
    )


def _weaker_row(found: WeakerCare, names: Names) -> tuple[Cell, ...]:
    title = found.measure.title
    if len(found.measure.groups) > 1:
        title = f"{title} ({found.group.code})"
    who = f"{found.stratifier}: {_stratum(found.stratifier, found.stratum, names)}"
    score = Mark(str(_shown(found.measure.scoring, found.score)), "bad")
    return who, title, score, _shown(found.measure.scoring, found.overall)


def measure_sections(scores: Iterable[MeasureScore], by: str | None, names: Names) -> Iterator[Section]:
    """A table a measure; with `by`, a row for each stratum below that of everybody. What is counted stands above the
    table when it is one thing, and in each row when it is several."""
    for score in scores:
        rows = [row for group in score.groups for row in _rows(score, group, by, names)]
        columns: tuple[str, ...] = ("What is counted", "Who", "Score", "Recorded late")
        says = score.measure.says
        if len(score.groups) == 1:
            columns, rows = columns[1:], [row[1:] for row in rows]
            says = f"{says} Counted: {score.groups[0].group.says}"
        yield Section(code=score.measure.id, title=score.measure.title, says=says, columns=columns, rows=tuple(rows))


def _rows(measured: MeasureScore, group: GroupScore, by: str | None, names: Names) -> Iterator[tuple[Cell, ...]]:
    says, scoring = group.group.says, measured.measure.scoring
    is_small = group.total.withheld or group.late_records_are_small
    yield says, EVERYBODY, _shown(scoring, group.total), _WITHHELD if is_small else str(group.late_records)
    for stratum, score in (group.strata.get(by, {}) if by else {}).items():
        yield says, _stratum(by or "", stratum, names), _shown(scoring, score), None


_WITHHELD: Final = Mark("withheld", "open")
WITHHELD_SAYS: Final = (
    f"A score is withheld when it rests on fewer than {FEWEST} handoffs, or when another could be told from it."
)


def _shown(scoring: str, score: Score) -> Cell:
    if score.withheld:
        return _WITHHELD
    if scoring == "cohort":
        return str(score.counts["initial-population"])
    if score.value is None:
        return "none to count"
    if scoring == "proportion":
        of = score.counts["denominator"] - score.counts.get("denominator-exclusion", 0)
        return f"{score.value * 100:.1f} % ({score.counts['numerator']} of {of})"
    return f"{score.value} hours (median of {score.counts['measure-observation']})"


def _stratum(stratifier: str, stratum: str, names: Names) -> str:
    if stratum == NOT_STATED:
        return "not stated"
    return names.get(stratum, stratum) if stratifier in {"initiator", "recipient"} else stratum
