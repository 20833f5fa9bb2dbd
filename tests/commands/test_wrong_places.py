"""Commands run at the wrong place, or with a typing error: what is wrong is said in a line, and nothing is made."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from whole_house import THIRD, WholeHouse

from adapter import serving
from adapter.cli import main
from adapter.config import InvalidSettings
from adapter.demo_partners import demo_key
from adapter.domain.errors import Unavailable
from adapter.serving import refuse_taken_port

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """With an empty data directory, and no traceback allowed."""

    def invoke(*arguments: str, **env: str) -> Result:
        done = CliRunner().invoke(
            main, arguments, prog_name="handoff", env={"HANDOFF_DATA_DIR": str(tmp_path / "var"), **env}
        )
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return invoke


@pytest.fixture
def here(house: WholeHouse) -> dict[str, str]:
    """The settings with which a command finds the database of a running house."""
    return {
        "HANDOFF_DATABASE_URL": house.house.database_url,
        "HANDOFF_DATA_DIR": str(house.house.settings.data_dir),
    }


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A server that is no adapter: every page of it is missing."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "command",
    ["partners list", "partners show x", "partners disable x", "report", "deliveries list", "deliveries retry --lane x",
     "deliveries park x", "audit verify"],
)  # fmt: skip
def test_a_command_that_only_looks_makes_no_database(run: Run, tmp_path: Path, command: str) -> None:
    done = run(*command.split())
    assert done.exit_code == 1
    assert f"HANDOFF_DATA_DIR: expected the data directory of a server in `{tmp_path / 'var'}`" in done.output
    assert not (tmp_path / "var").exists()


def test_a_data_directory_that_is_a_file_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    done = run("partners", "add", str(tmp_path / "var"))
    assert (done.exit_code, done.output) == (1, f"Error: expected to use `{tmp_path / 'var'}`, got: File exists\n")


def test_a_token_with_no_key_here_says_where_the_key_has_to_be_and_makes_none(run: Run, tmp_path: Path) -> None:
    done = run("token", "ob-clinic", "--base-url", "http://127.0.0.1:9")
    assert done.exit_code == 1
    assert f"expected the key of ob-clinic in `{tmp_path}/var/demo-keys/ob-clinic.json`, got none" in done.output
    assert not (tmp_path / "var").exists()


def test_a_token_of_a_server_that_does_not_answer_or_is_another_names_its_address(
    run: Run, tmp_path: Path, elsewhere: str
) -> None:
    demo_key(tmp_path / "var" / "demo-keys", "ob-clinic")
    silent = run("token", "ob-clinic", "--base-url", "http://127.0.0.1:9")
    assert "expected a server to answer at http://127.0.0.1:9/fhir/.well-known/smart-configuration" in silent.output
    other = run("token", "ob-clinic", "--base-url", elsewhere)
    assert f"expected a SMART configuration with a token_endpoint below {elsewhere}" in other.output
    assert f"is `{tmp_path / 'var'}` (HANDOFF_DATA_DIR) the data directory of that server?" in other.output
    assert (silent.exit_code, other.exit_code) == (1, 1)


@pytest.mark.parametrize("command", ["token ob-clinic", "replay ."])
def test_an_address_needs_its_scheme(run: Run, command: str) -> None:
    done = run(*command.split(), "--base-url", "127.0.0.1:8080")
    assert done.exit_code == 2
    assert "expected an address that begins with http://" in " ".join(done.output.replace("│", "").split())


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("report --partner nobody", "expected a registered partner, got `nobody`"),
        ("audit verify --tenant nobody", "expected a registered partner or one with a trail, got `nobody`"),
        ("deliveries retry --lane nobody:1", "expected a lane of `handoff deliveries list`"),
        ("deliveries retry --subscriber nobody", "expected a subscriber of `handoff deliveries list`"),
    ],
)
def test_a_name_that_nobody_has_is_an_error_and_not_an_empty_answer(
    run: Run, here: dict[str, str], command: str, said: str
) -> None:
    done = run(*command.split(), **here)
    assert done.exit_code == 1
    assert said in " ".join(done.output.replace("│", "").split())


def test_no_deliveries_are_said_beside_the_list(run: Run, here: dict[str, str]) -> None:
    done = run("deliveries", "list", "--subscriber", THIRD, **here)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "nothing waits\n")


def test_a_file_of_no_partners_is_refused(run: Run, here: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "none.json").write_text("[]")
    done = run("partners", "add", str(tmp_path / "none.json"), **here)
    assert done.exit_code == 1
    assert "none.json: expected at least one partner, got none" in done.output


def test_a_folder_is_no_file_of_partners(run: Run, here: dict[str, str], tmp_path: Path) -> None:
    assert run("partners", "add", str(tmp_path), **here).exit_code == 2


def test_ports_of_partners_come_as_json(run: Run) -> None:
    for ports in ("ob-clinic=9105", "9105"):
        assert run("serve", "--partner-ports", ports).exit_code == 2


def test_a_report_that_cannot_be_written_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text(json.dumps({"title": "x", "steps": [
        {"step": "reads", "as": "nobody", "GET": "metadata", "expect": {"status": 200}}]}))  # fmt: skip
    done = run("replay", str(tmp_path), "--base-url", "http://127.0.0.1:9", "--junit", "/proc/nowhere/report.xml")
    assert done.exit_code == 1
    assert "expected to use `/proc/nowhere`" in done.output


def test_the_version_can_be_asked_for(run: Run) -> None:
    assert run("--version").output == "handoff 0.1.0\n"


def test_a_port_at_which_somebody_listens_is_refused_although_the_kernel_would_share_it() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InvalidSettings, match=f"HANDOFF_PORT: expected a free port of 127.0.0.1, got {port}"):
            refuse_taken_port("127.0.0.1", port, patience=0.2)
    refuse_taken_port("127.0.0.1", port)


def test_serve_looks_at_its_port_before_it_makes_anything(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reached(*_: object) -> None:
        raise Unavailable("the database was reached")

    monkeypatch.setattr(serving, "EmbeddedPostgres", reached)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = run("serve", "--port", str(other.getsockname()[1]))
    assert done.exit_code == 1
    assert "HANDOFF_PORT: expected a free port" in done.output
    assert not (tmp_path / "var").exists()


def test_a_port_that_becomes_free_is_waited_for() -> None:
    other = socket.socket()
    other.bind(("127.0.0.1", 0))
    other.listen()
    threading.Timer(0.3, other.close).start()
    refuse_taken_port("127.0.0.1", other.getsockname()[1], patience=5)


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_is_not_this_machines_is_refused(host: str) -> None:
    with pytest.raises(InvalidSettings, match=f"HANDOFF_HOST: expected to listen on {host}:18000, got: Cannot assign"):
        refuse_taken_port(host, 18000)
