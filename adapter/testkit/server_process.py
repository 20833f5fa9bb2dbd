"""The adapter as a process of its own, on a free port and a folder of its own: what a user starts, and no less."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import requests

_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0


class NotReady(Exception):
    """The server did not start; the text ends with the last lines of its log."""


class ServerProcess:
    """`with ServerProcess(folder, {"mobile-crisis": 40123, …}) as server: …`; `folder` becomes HANDOFF_DATA_DIR."""

    LOG = "server.log"

    def __init__(self, folder: Path, partner_ports: Mapping[str, int], arguments: tuple[str, ...] = ()):
        self._folder = folder
        self._port = _free_port()
        self._command = [
            str(Path(sys.executable).with_name("handoff")), "serve", "--demo", "--host", "127.0.0.1",
            "--port", str(self._port), "--partner-ports", json.dumps(dict(partner_ports)), *arguments,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def fhir_url(self) -> str:
        return f"{self.base_url}/fhir"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the server has not been started")
        return self._process.pid

    def __enter__(self) -> ServerProcess:
        # Nothing of the caller's settings: a demo must not touch a database that somebody uses.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HANDOFF_")}
        environment |= {"HANDOFF_DATA_DIR": str(self._folder), "HANDOFF_BASE_URL": self.base_url}
        with open(self._folder / self.LOG, "ab") as log:
            self._process = subprocess.Popen(
                self._command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """SIGTERM to the server, as an operator would; whatever of its process group is left after 20 s is killed."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        until = time.monotonic() + _READY_SECONDS
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise NotReady(f"the adapter ended with exit code {self._process.returncode}\n{self._last_lines()}")
            try:
                if requests.get(f"{self.base_url}/readyz", timeout=2).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise NotReady(f"the adapter was not ready after {_READY_SECONDS:g} s\n{self._last_lines()}")

    def _last_lines(self) -> str:
        lines = (self._folder / self.LOG).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-25:])


def left_running(folder: Path) -> list[int]:
    """Processes that still use the folder: by working directory, command line, or a database's postmaster.pid."""
    pids = set()
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = [*(process.info["cmdline"] or ()), process.info["cwd"] or ""]
        if process.pid != os.getpid() and any(str(folder) in word for word in words):
            pids.add(process.pid)
    return sorted(pids)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
