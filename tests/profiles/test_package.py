"""The package of profiles: compiled from what is committed, in step with the tables, and installable."""

from __future__ import annotations

import ast
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapter.domain.business_status import BUSINESS_STATUSES, REASONS
from adapter.domain.ladder import EFFECTS
from adapter.use_cases import climb_ladder, follow_up
from adapter.validation import check
from adapter.validation.package import structures
from adapter.validation.profiles import compiled
from mappings import canonicals, escalation_task, evidence_sections
from mappings.notification import EVENT_SYSTEM
from profiles import build_measures, build_vocabulary
from profiles.build_package import PACKAGE, SOURCE, archive, sources
from profiles.examples import examples, filled_samples

Json = dict[str, Any]


def read(name: str) -> Json:
    content: Json = json.loads((PACKAGE / name).read_text(encoding="utf-8"))
    return content


FILES = sorted(file.name for file in PACKAGE.glob("*-*.json"))
CODE_SYSTEMS = {read(name)["url"]: read(name) for name in FILES if name.startswith("CodeSystem")}


def codes(system: str) -> set[str]:
    return {concept["code"] for concept in CODE_SYSTEMS[system].get("concept", ())}


def test_the_shorthand_of_the_vocabulary_is_what_the_tables_say() -> None:
    written = build_vocabulary.OUTPUT.read_text(encoding="utf-8")
    assert written == build_vocabulary.shorthand(), "run: make profiles"


def test_the_shorthand_of_the_measures_is_what_their_table_says() -> None:
    written = build_measures.OUTPUT.read_text(encoding="utf-8")
    assert written == build_measures.shorthand(), "run: make profiles"


def test_the_package_was_compiled_from_the_sources_that_are_committed() -> None:
    assert (PACKAGE / ".sources").read_text().strip() == sources(), "run: make profiles"


@pytest.mark.parametrize("vocabulary", build_vocabulary.vocabularies(), ids=lambda v: v.id)
def test_every_code_of_a_table_is_published_and_no_other(vocabulary: build_vocabulary.Vocabulary) -> None:
    assert codes(f"{canonicals.BASE}/CodeSystem/{vocabulary.id}") == set(vocabulary.definitions)


def test_every_system_and_extension_that_the_mappings_use_is_published() -> None:
    own = {value for name, value in vars(canonicals).items() if isinstance(value, str) and "/CodeSystem/" in value}
    assert {url for url in own if url.startswith(canonicals.BASE)} | {EVENT_SYSTEM} <= CODE_SYSTEMS.keys()
    extensions = {value for name, value in vars(canonicals).items() if name.startswith("EXT_")}
    assert {url for url in extensions if url.startswith(canonicals.BASE)} <= structures().keys()


def test_every_business_status_and_reason_that_the_adapter_writes_is_published() -> None:
    statuses = {effect.business_status for effect in EFFECTS.values()} - {None}
    statuses |= {climb_ladder.CONTACT_FAILED, escalation_task.AWAITING_ACCEPTANCE}
    statuses |= {status for status in climb_ladder._GRAVITY if not status.startswith("-")}
    statuses |= {follow_up.APPOINTMENT_BOOKED, follow_up.FIRST_CONTACT_MADE, follow_up.NO_SHOW}
    assert statuses <= BUSINESS_STATUSES.keys() <= codes(canonicals.STATUS_SYSTEM)
    assert {escalation_task.ANSWERED, "acceptance-overdue", climb_ladder.CONTACT_FAILED} <= REASONS.keys()
    assert REASONS.keys() <= codes(canonicals.REASON_SYSTEM)


def coded(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if isinstance(value.get("system"), str) and isinstance(value.get("code"), str):
            yield value["system"], value["code"]
        for part in value.values():
            yield from coded(part)
    elif isinstance(value, list):
        for part in value:
            yield from coded(part)


def test_every_code_of_ours_in_a_sample_is_published() -> None:
    own = f"{canonicals.BASE}/CodeSystem/"
    unknown = {
        (name, code)
        for name, content in filled_samples()
        for system, code in coded(json.loads(content))
        if system.startswith(own) and code not in codes(system)
    }
    assert unknown == set()


def test_everything_is_published_under_the_one_base() -> None:
    urls = [read(name)["url"] for name in FILES if "url" in read(name)]
    assert len(urls) > 35
    assert [url for url in urls if not url.startswith(f"{canonicals.BASE}/")] == []
    assert read("package.json")["canonical"] == canonicals.BASE
    assert f"canonical: {canonicals.BASE} " in (SOURCE / "sushi-config.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("url", sorted(structures()), ids=lambda url: url.rpartition("/")[2])
def test_every_profile_and_extension_can_be_checked_natively(url: str) -> None:
    rule = compiled(url)
    assert rule.children, "a profile that demands nothing"


@pytest.mark.parametrize("name", FILES)
def test_every_published_resource_is_valid_r4(name: str) -> None:
    # The form that R4 has for a topic says its status by a modifierExtension, which a server may refuse to take in.
    issues = [i for i in check(read(name)) if not (i.expression or "").endswith(".modifierExtension")]
    assert [f"{i.code} at {i.expression}: {i.text}" for i in issues] == []


def test_the_examples_are_the_samples_as_they_are_now() -> None:
    committed = {file.name: json.loads(file.read_text(encoding="utf-8")) for file in PACKAGE.glob("example/*.json")}
    assert committed == {f"{e['resourceType']}-{e['id']}.json": e for e in examples()}, "run: make profiles"


def test_the_archive_is_a_package_and_the_same_every_time() -> None:
    packed = archive(PACKAGE)
    assert packed == archive(PACKAGE)
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as tar:
        names = tar.getnames()
        about = json.load(tar.extractfile("package/package.json") or io.BytesIO())
    assert all(name.startswith("package/") for name in names)
    assert "package/StructureDefinition-handoff-task.json" in names
    assert (about["type"], about["fhirVersions"], about["dependencies"]) == (
        "fhir.ig", ["4.0.1"], {"hl7.fhir.r4.core": "4.0.1"}
    )  # fmt: skip


def test_the_lock_of_the_compiler_names_no_host() -> None:
    assert '"resolved"' not in (SOURCE / "package-lock.json").read_text(encoding="utf-8")


def test_every_section_of_an_evidence_document_is_published() -> None:
    source = ast.parse(Path(evidence_sections.__file__).read_text(encoding="utf-8"))
    calls = [n for n in ast.walk(source) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "Section"]
    named = {call.args[0].value for call in calls if call.args and isinstance(call.args[0], ast.Constant)}
    assert len(named) > 5
    assert named <= codes(canonicals.EVIDENCE_SECTION_SYSTEM)
