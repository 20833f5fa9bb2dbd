"""`handoff replay` against servers that are not this one: their base, their way of giving tokens, or none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from joserfc.jwk import ECKey

from adapter.testkit.replay import EXIT_BROKEN, EXIT_HELD, EXIT_UNPLAYABLE, replay

TASK = {"resourceType": "Task", "id": "1", "status": "requested"}
CAPABILITIES = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    folder = tmp_path / "theirs"
    folder.mkdir()
    step = {"step": "The clinic reads it", "as": "clinic", "GET": "Task/1", "expect": {"status": 200}}
    (folder / "script.yaml").write_text(yaml.safe_dump({"title": "theirs", "steps": [step]}))
    return folder


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    key = ECKey.generate_key("P-384", private=True).as_dict(private=True) | {"kid": "k"}
    (folder / "clinic.json").write_text(json.dumps(key))
    return folder


def serve_r4(stub, *, smart: bool) -> list[str | None]:
    """A server at /r4; what it was sent as Authorization with the read of the Task."""
    stub.root, seen = "/r4", list[str | None]()

    def respond(method, path, headers, raw):
        if path == "/r4/metadata":
            return 200, {}, CAPABILITIES
        if path == "/r4/.well-known/smart-configuration" and smart:
            return 200, {}, {"token_endpoint": f"{stub.address}/r4/token"}
        if path == "/r4/token":
            return 200, {}, {"access_token": "theirs", "token_type": "bearer", "expires_in": 60}
        if path == "/r4/Task/1":
            seen.append(headers.get("Authorization"))
            return 200, {}, TASK
        return 404, {}, None

    stub.respond = respond
    return seen


def test_a_server_at_another_path_gives_tokens_where_it_says(stub, scenario, keys):
    seen = serve_r4(stub, smart=True)
    assert replay([scenario], f"{stub.address}/r4", keys=keys) == EXIT_HELD
    assert seen == ["Bearer theirs"]


def test_a_server_that_gives_no_tokens_is_asked_without_one_and_that_is_said(stub, scenario, keys, capsys):
    seen = serve_r4(stub, smart=False)
    assert replay([scenario], f"{stub.address}/r4/", keys=keys) == EXIT_HELD
    assert seen == [None]
    assert "clinic sends no token: expected a SMART configuration" in capsys.readouterr().out


def test_a_partner_whose_key_is_not_there_is_named(stub, scenario, tmp_path, capsys):
    serve_r4(stub, smart=True)
    replay([scenario], f"{stub.address}/r4", keys=tmp_path)
    assert f"clinic sends no token: expected its private JWK in `{tmp_path}/clinic.json`" in capsys.readouterr().out


@pytest.mark.parametrize("path", ["", "/fhir", "/r4"])
def test_a_server_that_nobody_answers_for_fails_the_steps_and_the_report_says_so(path, scenario, tmp_path, capsys):
    report = tmp_path / "report.xml"
    assert replay([scenario], f"http://127.0.0.1:9{path}", report, keys=tmp_path) == EXIT_BROKEN
    assert "nobody answers at http://127.0.0.1:9" in capsys.readouterr().out
    assert "nobody answers at" in report.read_text()


def test_a_typing_error_is_not_played(stub, scenario, keys, capsys):
    seen = serve_r4(stub, smart=False)
    script = scenario / "script.yaml"
    script.write_text(script.read_text().replace("Task/1", "{{tsak}}"))
    assert replay([scenario], f"{stub.address}/r4", keys=keys) == EXIT_UNPLAYABLE
    assert seen == []


def test_a_folder_may_be_named_by_a_dot(stub, scenario, keys, capsys, monkeypatch):
    serve_r4(stub, smart=False)
    monkeypatch.chdir(scenario)
    assert replay([Path()], f"{stub.address}/r4", keys=keys) == EXIT_HELD
    assert "/theirs 1. clinic" in capsys.readouterr().out
