"""Pages of other origins: none may call, unless the operator names them, and never with the browser's credentials."""

from __future__ import annotations

from dataclasses import replace

import pytest
from whole_house import SENDER, WholeHouse

from adapter.app import create_app
from adapter.config import PREFIX, InvalidSettings, read_settings, refuse_insecure
from adapter.serving import _as_environment

APP, OTHER = "https://app.example", "https://other.example"


@pytest.fixture
def open_to_app(house: WholeHouse) -> WholeHouse:
    made = replace(house.house, settings=house.house.settings.model_copy(update={"cors_origins": (APP,)}))
    return WholeHouse(made, create_app(made))


def ask(house: WholeHouse, method: str, path: str, origin: str, **headers: str):
    return house.app.test_client().open(path, method=method, headers={"Origin": origin, **headers})


def cors(answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("Access-Control")}


def test_without_the_setting_no_origin_is_answered_differently(house: WholeHouse) -> None:
    assert cors(ask(house, "GET", "/fhir/metadata", APP)) == {}
    preflight = {"Access-Control-Request-Method": "PUT"}
    assert cors(ask(house, "OPTIONS", "/fhir/Task/1", APP, **preflight)) == {}


def test_a_named_origin_may_ask_before_it_writes(open_to_app: WholeHouse) -> None:
    preflight = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization,if-match"}
    answer = ask(open_to_app, "OPTIONS", "/fhir/Task/1", APP, **preflight)
    assert answer.status_code == 200
    told = cors(answer)
    assert told["Access-Control-Allow-Origin"] == APP
    assert {"PATCH", "PUT", "GET"} <= set(told["Access-Control-Allow-Methods"].split(", "))
    assert {"Authorization", "If-Match", "Prefer", "X-Request-ID"} <= set(
        told["Access-Control-Allow-Headers"].split(", ")
    )


def test_a_named_origin_may_read_the_answer_and_its_version_also_of_a_refusal(open_to_app: WholeHouse) -> None:
    token = open_to_app.bearer(SENDER)
    read = ask(open_to_app, "GET", "/fhir/Organization/ob-clinic", APP, Authorization=f"Bearer {token}")
    assert (read.status_code, cors(read)["Access-Control-Allow-Origin"]) == (200, APP)
    assert "ETag" in cors(read)["Access-Control-Expose-Headers"]
    refused = ask(open_to_app, "GET", "/fhir/Task/1", APP)
    assert (refused.status_code, cors(refused)["Access-Control-Allow-Origin"]) == (401, APP)
    assert "Access-Control-Allow-Credentials" not in {**cors(read), **cors(refused)}


@pytest.mark.parametrize("origin", [OTHER, "null", "https://app.example.evil", "http://app.example", ""])
def test_any_other_origin_gets_nothing_and_no_cache_mixes_them_up(open_to_app: WholeHouse, origin: str) -> None:
    answer = ask(open_to_app, "GET", "/fhir/metadata", origin)
    assert cors(answer) == {}
    assert "Origin" in answer.vary


@pytest.mark.parametrize("wrong", ["*", "app.example", "https://app.example/", "https://app.example/x", "null"])
def test_what_is_no_origin_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv(f"{PREFIX}CORS_ORIGINS", f"{APP},{wrong}")
    with pytest.raises(InvalidSettings, match=r"HANDOFF_CORS_ORIGINS: .*expected origins such as"):
        read_settings()


def test_production_takes_https_origins_only_and_hands_them_to_its_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}CORS_ORIGINS", f"{APP}, http://127.0.0.1:3000")
    settings = read_settings()
    assert _as_environment(settings)[f"{PREFIX}CORS_ORIGINS"] == f"{APP},http://127.0.0.1:3000"
    with pytest.raises(InvalidSettings) as refused:
        refuse_insecure(settings.model_copy(update={"mode": "production"}))
    problems = [problem for problem in refused.value.problems if "CORS" in problem]
    assert problems == ["HANDOFF_CORS_ORIGINS: expected https origins, got `http://127.0.0.1:3000`"]
