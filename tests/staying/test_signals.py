"""Ctrl-C and SIGTERM amid a request that nobody answers: real signals to real commands, which end soon."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.cli.conftest import write_registry
from tests.staying.waiting import Habit, Waiting, waiting
from tests.support.extent import EVERYTHING

LONG = 60
"""Seconds that each request may take: nobody waits for them."""
TRANSPORT = f"transport: {{ max_retries: 3, connect_timeout: {LONG}, read_timeout: {LONG} }}"


class Case(NamedTuple):
    command: tuple[str, ...]
    number: signal.Signals
    again: bool
    """Whether the signal is sent once more, a little later."""
    seconds: float
    """Within which it has ended, on a machine with much else to do."""


# `head` and `preview` wait inside of an engine, outside of Python; `import` clears up, if not told twice.
CASES = [
    Case(("preview", "landing/orders"), signal.SIGINT, again=False, seconds=15),
    Case(("import", "feed"), signal.SIGTERM, again=True, seconds=15),
]
if EVERYTHING:
    CASES += [
        Case(("preview", "landing/orders"), signal.SIGTERM, again=False, seconds=15),
        Case(("head", "s3://lake-of-all/landing/orders/a"), signal.SIGINT, again=False, seconds=15),
        *(
            Case(("import", name), number, again=False, seconds=25)
            for name in ("orders", "days", "feed")
            for number in (signal.SIGINT, signal.SIGTERM)
        ),
    ]


@contextmanager
def started(folder: Path, server: Waiting, case: Case) -> Iterator[subprocess.Popen[str]]:
    folder.mkdir()
    file = write_registry(folder, "lake-of-all", server.endpoint)
    text = file.read_text()
    limits = next(line.strip() for line in text.splitlines() if "transport:" in line)
    file.write_text(text.replace(limits, TRANSPORT))
    process = subprocess.Popen(
        [sys.executable, "-m", "s3_assets", "--registry", str(file), *case.command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_a_signal_ends_what_waits_for_a_server(tmp_path: Path) -> None:
    with ExitStack() as running:
        servers = [running.enter_context(waiting(Habit.SILENT)) for _ in CASES]
        commands = [
            running.enter_context(started(tmp_path / f"{index}", server, case))
            for index, (server, case) in enumerate(zip(servers, CASES, strict=True))
        ]
        for server in servers:
            assert server.arrived.wait(LONG)
        # The request is on its way when the server has its head; the engine waits a moment later.
        time.sleep(0.3)
        begin = time.monotonic()
        for process, case in zip(commands, CASES, strict=True):
            process.send_signal(case.number)
        time.sleep(1.5)
        for process, case in zip(commands, CASES, strict=True):
            if case.again:
                process.send_signal(case.number)
        ended = []
        for process, case in zip(commands, CASES, strict=True):
            out, err = process.communicate(timeout=LONG)
            ended.append((process.returncode, out, err, time.monotonic() - begin < case.seconds))

    assert ended == [(128 + case.number, "", "interrupted\n", True) for case in CASES]
