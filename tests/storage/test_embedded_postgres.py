"""The embedded database outlives a killed user, is shared by many and stopped by the last, as root and as anybody."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import psutil
import psycopg
import pytest

from adapter.config import InvalidSettings
from adapter.domain.errors import Unavailable
from adapter.storage import EmbeddedPostgres, database_url
from adapter.storage.embedded_postgres import SETTINGS

HOLD = """
import sys, time
from pathlib import Path
from adapter.storage import EmbeddedPostgres
held = EmbeddedPostgres(Path(sys.argv[1]))
print(held.url(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data directory whose cluster was started once; copying it is faster than making another."""
    with tempfile.TemporaryDirectory(prefix="handoff-embedded-") as name:
        Path(name).chmod(0o755)
        EmbeddedPostgres(Path(name)).release()
        yield Path(name)


@pytest.fixture
def data_dir(made: Path) -> Iterator[Path]:
    with empty_directory() as directory:
        subprocess.run(["cp", "-a", made / "postgres", directory], check=True)
        yield directory


@pytest.fixture
def empty_dir() -> Iterator[Path]:
    with empty_directory() as directory:
        yield directory


@contextmanager
def empty_directory() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="handoff-embedded-"))
    directory.chmod(0o755)
    yield directory
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "postgres" and str(directory) in " ".join(process.info["cmdline"] or ()):
            process.kill()
    shutil.rmtree(directory)


def user(data_dir: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(data_dir)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.communicate("", timeout=30)
    assert process.returncode == 0


def sockets_of(held: EmbeddedPostgres) -> Path:
    return Path(unquote(held.url().partition("host=")[2]))


def server_of(data_dir: Path) -> psutil.Process | None:
    try:
        return psutil.Process(int((data_dir / "postgres" / "postmaster.pid").read_text().split("\n")[0]))
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None


def ask(url: str, sql: str) -> object:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(sql.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def test_the_first_starts_it_the_last_stops_it_and_data_stays(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as first:
        ask(first.url(), "CREATE TABLE kept AS SELECT 7 AS n")
        second = user(data_dir)
        url = address_of(second)
    assert ask(url, "SELECT n FROM kept") == 7, "one is still using it"
    end(second)
    assert server_of(data_dir) is None
    log = (data_dir / "postgres" / "server.log").read_text()
    assert "database system is shut down" in log and "was interrupted" not in log
    with EmbeddedPostgres(data_dir) as again:
        assert ask(again.url(), "SELECT n FROM kept") == 7


def test_it_is_durable_and_our_role_is_no_superuser(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as held:
        for setting, value in SETTINGS.items():
            if setting != "unix_socket_permissions":
                assert ask(held.url(), f"SELECT current_setting('{setting}')") == value
        assert ask(held.url(), "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user") is False
        assert ask(held.url(), "SHOW data_checksums") == "on"
        assert (data_dir / "postgres").stat().st_mode & 0o077 == 0, "readable by its owner only"


def test_a_killed_user_leaves_no_trace(data_dir: Path) -> None:
    killed = user(data_dir)
    url = address_of(killed)
    ask(url, "CREATE TABLE kept AS SELECT 7 AS n")
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    server = server_of(data_dir)
    assert server is not None, "the database outlives its starter"
    with EmbeddedPostgres(data_dir) as held:
        assert server_of(data_dir) == server, "attached, not started again"
        assert ask(held.url(), "SELECT n FROM kept") == 7
    assert server_of(data_dir) is None


def test_a_killed_server_recovers_at_the_next_start(data_dir: Path) -> None:
    holder = user(data_dir)
    ask(address_of(holder), "CREATE TABLE kept AS SELECT 7 AS n")
    server = server_of(data_dir)
    assert server is not None
    family = [server, *server.children(recursive=True)]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=10)
    end(holder)
    assert (data_dir / "postgres" / "postmaster.pid").exists(), "it is stale"
    with EmbeddedPostgres(data_dir) as held:
        assert ask(held.url(), "SELECT n FROM kept") == 7


def test_a_stale_pid_file_that_names_a_living_stranger_is_no_obstacle(data_dir: Path) -> None:
    """After a container restarts, the old server's number often belongs to somebody else."""
    EmbeddedPostgres(data_dir).release()
    pid_file = data_dir / "postgres" / "postmaster.pid"
    lines = [os.getpid(), data_dir / "postgres", 1700000000, 5432, data_dir / "postgres", "", "123 456", "ready   "]
    for content in ("\n".join(map(str, lines)), "", "not a number\n"):
        pid_file.write_text(content)
        with EmbeddedPostgres(data_dir) as held:
            assert ask(held.url(), "SELECT 1") == 1


def test_a_start_that_was_killed_half_way_is_begun_again(empty_dir: Path) -> None:
    half_made = empty_dir / "postgres.new"
    (half_made / "base").mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(empty_dir) as held:
        assert ask(held.url(), "SELECT 1") == 1
    assert not half_made.exists()


def test_many_that_start_at_once_share_one(empty_dir: Path) -> None:
    users = [user(empty_dir) for _ in range(4)]
    urls = {address_of(each) for each in users}
    assert len(urls) == 1
    servers = [p for p in psutil.process_iter(["cmdline"]) if str(empty_dir / "postgres") in (p.info["cmdline"] or ())]
    assert len([p for p in servers if p.name() == "postgres"]) == 1
    for each in users[:-1]:
        end(each)
    assert ask(urls.pop(), "SELECT 1") == 1
    end(users[-1])
    assert server_of(empty_dir) is None


def test_a_path_too_long_for_a_socket_is_no_obstacle(empty_dir: Path) -> None:
    deep = empty_dir / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    with EmbeddedPostgres(deep) as held:
        assert ask(held.url(), "SELECT 1") == 1
        sockets = sockets_of(held)
        assert len(str(sockets)) < 60 and sockets.stat().st_mode & 0o077 == 0
    shutil.rmtree(sockets)


def test_a_path_with_spaces_quotes_and_commas_is_no_obstacle(empty_dir: Path) -> None:
    odd = empty_dir / "it's 100%, my dir"
    with EmbeddedPostgres(odd) as held:
        assert ask(held.url(), "SELECT 1") == 1
        sockets = sockets_of(held)
    shutil.rmtree(sockets)
    for shell in '"$`\\':
        with pytest.raises(Unavailable, match="without any of"):
            EmbeddedPostgres(empty_dir / f"a{shell}b")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_needs_no_other_account(empty_dir: Path) -> None:
    """In a fork of this process, since Python itself may lie where only root can reach it."""
    shutil.chown(empty_dir, 65534)
    child = os.fork()
    if child == 0:
        failed = 1
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            with EmbeddedPostgres(empty_dir) as held:
                server = server_of(empty_dir)
                if ask(held.url(), "SELECT 1") == 1 and server is not None and server.uids().real == 65534:
                    failed = 0
        finally:
            os._exit(failed)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert server_of(empty_dir) is None
    with EmbeddedPostgres(empty_dir) as held:
        server = server_of(empty_dir)
        assert server is not None and server.uids().real == 65534, "root leaves a cluster with its owner"
        assert ask(held.url(), "SELECT 1") == 1


def test_an_address_from_the_settings_is_used_as_it_is(empty_dir: Path) -> None:
    for scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        assert (
            database_url(f"{scheme}://me@db/x?sslmode=require", empty_dir)
            == "postgresql+psycopg://me@db/x?sslmode=require"
        )
    with pytest.raises(InvalidSettings, match="HANDOFF_DATABASE_URL: expected an address as"):
        database_url("mysql://me@db/x", empty_dir)
    assert list(empty_dir.iterdir()) == []


def test_a_server_that_cannot_start_is_unavailable_at_once(data_dir: Path) -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable, match=r"server\.log"):
        EmbeddedPostgres(data_dir, {**SETTINGS, "shared_buffers": "nonsense"})
    assert time.monotonic() - started < 20
