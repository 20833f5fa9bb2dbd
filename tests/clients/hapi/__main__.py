"""`make client-hapi`: a running server, and HAPI's client that runs a whole handoff against it (WholeHandoff.java)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from adapter.smart_client import obtain_token
from tests.clients.material import made
from tests.running_house import running_house

TARGET = Path(__file__).parent / "target"


def main() -> int:
    given = made("hapi")
    with running_house("--workers", "1") as house, tempfile.TemporaryDirectory() as folder:
        outputs = {"resourceType": "Task", "status": "accepted", "intent": "order", "output": given.outputs}
        for name, tree in (("request", given.request), ("answer", given.answer), ("outputs", outputs)):
            Path(folder, f"{name}.json").write_text(json.dumps(tree), encoding="utf-8")
        tokens = [
            obtain_token(
                house.server.fhir_url, who, json.loads((house.folder / "demo-keys" / f"{who}.json").read_text())
            )
            for who in (given.sender, given.recipient)
        ]
        classes = f"{TARGET / 'hapi-client-0.1.0.jar'}:{TARGET / 'lib'}/*"
        story = ["example.handoff.WholeHandoff", house.server.fhir_url, *tokens, given.recipient, folder]
        return subprocess.run(["java", "-cp", classes, *story], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
