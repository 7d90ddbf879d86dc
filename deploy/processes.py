"""Dagster's processes as in production, without containers: a code server, a webserver and a daemon."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

HOST = "127.0.0.1"
_HERE = Path(__file__).parent
_SECONDS_TO_START = 120
_SECONDS_TO_STOP = 30


class Process:
    """A program that can be stopped, killed and started again; it writes to `log`."""

    def __init__(
        self,
        name: str,
        command: list[str],
        log: Path,
        *,
        cwd: Path,
        variables: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._cwd = cwd
        self._variables = variables or {}
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The number of its process."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    def start(self) -> None:
        """Start it; `ready` tells when it listens."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env={**os.environ, **self._variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in the terminal is meant for the program that started it.
                start_new_session=True,
            )

    def ready(self) -> None:
        """Wait until it listens on its port; raises `RuntimeError` with the end of its log."""
        until = time.monotonic() + _SECONDS_TO_START
        while self._port is not None:
            with socket.socket() as probe:
                if probe.connect_ex((HOST, self._port)) == 0:
                    return
            if not self.running or time.monotonic() > until:
                raise RuntimeError(f"{self.name} does not listen:\n{self.end_of_log()}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as the machine's failure does: it can not do anything about it."""
        self._end(signal.SIGKILL)

    def stop(self, *, crash: bool = False) -> None:
        """End it politely, or by SIGQUIT, which some servers take for a crash."""
        # PostgreSQL waits for its clients at SIGTERM, and not at SIGINT; Dagster's programs take either.
        self._end(signal.SIGQUIT if crash else signal.SIGINT)

    def end_of_log(self) -> str:
        """Return the last lines that it wrote."""
        return self.log.read_text(errors="replace")[-2000:]

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(number)
        try:
            self._process.wait(_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Dagster:
    """The three processes on one instance, whose folder gets the files of this folder.

    `variables` are what these files ask the environment for, and what the registry asks it for.
    """

    def __init__(self, home: Path, variables: Mapping[str, str], ports: tuple[int, int]) -> None:
        self.home = home
        self.code_port, self.port = ports
        self.variables = {
            **variables,
            "DAGSTER_HOME": str(home),
            "S3_ASSETS_CODE_HOST": HOST,
            "S3_ASSETS_CODE_PORT": str(self.code_port),
            "DAGSTER_EVENT_BATCH_SIZE": "1000",
            "PYTHONWARNINGS": "ignore",
        }
        self.code = self._process(
            "code", "dagster", "api", "grpc", "-m", "s3_assets.definitions", port=self.code_port
        )
        workspace = ("--workspace", "workspace.yaml")
        self.webserver = self._process("webserver", "dagster-webserver", *workspace, port=self.port)
        self.daemon = self._process("daemon", "dagster-daemon", "run", *workspace)

    @property
    def address(self) -> str:
        """Where the UI is."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Start all three, and wait until both servers listen."""
        self.home.mkdir(parents=True, exist_ok=True)
        for name in ("dagster.yaml", "workspace.yaml"):
            shutil.copy(_HERE / name, self.home)
        self.code.start()
        self.code.ready()
        self.webserver.start()
        self.daemon.start()
        self.webserver.ready()

    def stop(self) -> None:
        """Stop all three, the runs with the code server."""
        for process in (self.daemon, self.webserver, self.code):
            process.stop()

    def _process(self, name: str, program: str, *arguments: str, port: int | None = None) -> Process:
        reach = () if port is None else ("--host", HOST, "--port", str(port))
        command = [str(Path(sys.executable).with_name(program)), *arguments, *reach]
        log = self.home / f"{name}.log"
        return Process(name, command, log, cwd=self.home, variables=self.variables, port=port)
