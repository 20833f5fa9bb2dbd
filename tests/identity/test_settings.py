"""Settings: documented, typed, and refused by name when production would be insecure."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from adapter.config import (
    DEMO_KEY_MARK,
    PREFIX,
    DatabaseFacts,
    InvalidSettings,
    Settings,
    private_file,
    read_settings,
    refuse_insecure,
    signing_secret,
)
from adapter.domain.partner import Channel, Partner

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.upper().startswith(PREFIX):
            monkeypatch.delenv(name)


@pytest.fixture
def secure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The smallest environment that production starts with."""
    environment = {
        "HANDOFF_MODE": "production",
        "HANDOFF_BASE_URL": "https://handoff.example",
        "HANDOFF_DATABASE_URL": "postgresql://handoff@db.example/handoff?sslmode=verify-full",
        "HANDOFF_SECRET": "0123456789abcdefghijklmnopqrstuvwxyz",
        "HANDOFF_DATA_DIR": str(tmp_path),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield environment


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if f"`{PREFIX}{name.upper()}`" in line]
    assert rows, f"docs/configuration.md does not mention {PREFIX}{name.upper()}"
    default = Settings.model_fields[name].default
    if default not in (None, ()):
        assert any(f"`{default}`" in row for row in rows), f"expected the default `{default}` beside it"


def test_no_setting_is_documented_that_does_not_exist() -> None:
    import re

    named = set(re.findall(rf"{PREFIX}[A-Z_]+", DOCUMENT.read_text(encoding="utf-8")))
    assert named == {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


def test_without_any_variable_it_is_a_demo_on_loopback() -> None:
    settings = read_settings()
    refuse_insecure(settings)
    assert (settings.mode, settings.fhir_url) == ("demo", "http://127.0.0.1:8080/fhir")


def test_the_command_line_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_PORT", "9000")
    assert read_settings(port=9001).port == 9001
    assert read_settings(port=None).port == 9000


def test_a_misspelt_variable_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_MOD", "production")
    with pytest.raises(InvalidSettings, match="HANDOFF_MOD: expected a setting"):
        read_settings()


def test_every_wrong_value_is_named_and_none_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"MODE": "test", "PORT": "http", "BASE_URL": "ftp://x", "OUTBOUND_NETWORKS": "10.0.0.0/8,nowhere"}
    for name, value in wrong.items():
        monkeypatch.setenv(f"HANDOFF_{name}", value)
    monkeypatch.setenv("HANDOFF_TOKEN_LIFETIME", "8675309")
    with pytest.raises(InvalidSettings) as refused:
        read_settings()
    assert {problem.partition(":")[0] for problem in refused.value.problems} == {
        *(f"HANDOFF_{name}" for name in wrong),
        "HANDOFF_TOKEN_LIFETIME",
    }
    assert "8675309" not in str(refused.value)


def test_a_secret_does_not_show_when_settings_are_printed(secure: dict[str, str]) -> None:
    settings = read_settings()
    assert secure["HANDOFF_SECRET"] not in f"{settings!r} {settings}"
    assert "db.example" not in repr(settings)


def test_production_starts_when_everything_is_secure(secure: dict[str, str]) -> None:
    facts = DatabaseFacts(False, False, "on", fsync=True, full_page_writes=True)
    partner = Partner("a", "A", channels=(Channel("rest-hook", "https://a.example/hook"),))
    refuse_insecure(read_settings(), [partner], facts)


INSECURE: dict[str, tuple[dict[str, str], str]] = {
    "no TLS": ({"BASE_URL": "http://handoff.example"}, "HANDOFF_BASE_URL"),
    "the embedded database": ({"DATABASE_URL": ""}, "HANDOFF_DATABASE_URL"),
    "a database without TLS": ({"DATABASE_URL": "postgresql://db.example/handoff"}, "HANDOFF_DATABASE_URL"),
    "a database that anybody may pretend to be": (
        {"DATABASE_URL": "postgresql://db.example/handoff?sslmode=require"},
        "HANDOFF_DATABASE_URL",
    ),
    "no secret": ({"SECRET": ""}, "HANDOFF_SECRET"),
    "a short secret": ({"SECRET": "0123456789abcdef"}, "HANDOFF_SECRET"),
    "a secret of one letter": ({"SECRET": "x" * 64}, "HANDOFF_SECRET"),
    "deliveries to this host": ({"OUTBOUND_NETWORKS": "10.0.0.0/8,127.0.0.0/8"}, "HANDOFF_OUTBOUND_NETWORKS"),
    "deliveries anywhere": ({"OUTBOUND_NETWORKS": "0.0.0.0/0"}, "HANDOFF_OUTBOUND_NETWORKS"),
    "deliveries to the cloud's credentials": ({"OUTBOUND_NETWORKS": "169.254.169.254/32"}, "HANDOFF_OUTBOUND_NETWORKS"),
    "talkative logs": ({"LOG_LEVEL": "debug"}, "HANDOFF_LOG_LEVEL"),
}


@pytest.mark.parametrize("case", INSECURE)
def test_production_refuses_an_insecure_setting_and_says_which(
    secure: dict[str, str], monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    changes, named = INSECURE[case]
    for name, value in changes.items():
        monkeypatch.setenv(f"HANDOFF_{name}", value)
    with pytest.raises(InvalidSettings) as refused:
        refuse_insecure(read_settings())
    assert [problem.partition(":")[0] for problem in refused.value.problems] == [named]


@pytest.mark.parametrize("left_over", ["demo-keys", "demo-signing-secret", "demo-clock"])
def test_production_refuses_what_a_demo_left_in_its_data_directory(
    secure: dict[str, str], tmp_path: Path, left_over: str
) -> None:
    (tmp_path / left_over).touch()
    with pytest.raises(InvalidSettings, match=f"HANDOFF_DATA_DIR: expected no demo files, got `{left_over}`"):
        refuse_insecure(read_settings())


PARTNERS: dict[str, Partner] = {
    "an http channel": Partner("a", "A", channels=(Channel("rest-hook", "http://a.example/hook"),)),
    "http keys": Partner("a", "A", jwks_url="http://a.example/jwks.json"),
    "a demo key": Partner("a", "A", jwks={"keys": [{"kid": "1", DEMO_KEY_MARK: True}]}),
}


@pytest.mark.parametrize("case", PARTNERS)
def test_production_refuses_an_insecure_partner_unless_it_is_disabled(secure: dict[str, str], case: str) -> None:
    from dataclasses import replace

    with pytest.raises(InvalidSettings, match="partner a: expected"):
        refuse_insecure(read_settings(), [PARTNERS[case]])
    refuse_insecure(read_settings(), [replace(PARTNERS[case], active=False)])


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        (DatabaseFacts(True, False, "on", True, True), "superuser"),
        (DatabaseFacts(False, True, "on", True, True), "BYPASSRLS"),
        (DatabaseFacts(False, False, "off", True, True), "synchronous_commit"),
        (DatabaseFacts(False, False, "on", False, True), "fsync"),
        (DatabaseFacts(False, False, "on", True, False), "full_page_writes"),
    ],
)
def test_production_refuses_a_database_that_loses_or_shows_too_much(
    secure: dict[str, str], facts: DatabaseFacts, named: str
) -> None:
    with pytest.raises(InvalidSettings, match=named):
        refuse_insecure(read_settings(), database=facts)


@pytest.mark.parametrize("change", [{"host": "0.0.0.0"}, {"base_url": "http://10.0.0.1:8080"}, {"host": "::"}])
def test_a_demo_refuses_to_be_reached_from_elsewhere(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidSettings, match="expected a loopback address in demo mode"):
        refuse_insecure(read_settings(**change))


def test_the_demo_secret_is_made_once_for_its_owner_only_also_when_eight_start_together(tmp_path: Path) -> None:
    settings = read_settings(data_dir=tmp_path / "var")
    with ThreadPoolExecutor(8) as threads:
        secrets = set(threads.map(lambda _: signing_secret(settings), range(8)))
    assert len(secrets) == 1 and len(secrets.pop()) == 32
    files = list((tmp_path / "var").iterdir())
    assert [(file.name, stat.S_IMODE(file.stat().st_mode)) for file in files] == [("demo-signing-secret", 0o600)]


def test_a_private_file_that_exists_is_kept(tmp_path: Path) -> None:
    assert private_file(tmp_path / "a", lambda: b"1") == b"1"
    assert private_file(tmp_path / "a", lambda: b"2") == b"1"


def test_production_has_no_secret_but_the_one_it_is_given(
    secure: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert signing_secret(read_settings()) == secure["HANDOFF_SECRET"].encode()
    monkeypatch.delenv("HANDOFF_SECRET")
    with pytest.raises(InvalidSettings, match="HANDOFF_SECRET"):
        signing_secret(read_settings())
