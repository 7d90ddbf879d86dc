"""`server` start, status, stop."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from s3_assets.embedded.server import EmbeddedServer


def test_start_status_stop(run_process: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "data"
    stopped = run_process("server", "status", "--folder", folder)
    assert (stopped.code, stopped.out) == (3, f"no server runs on {folder}\n")

    try:
        started = run_process("server", "start", "--folder", folder, "--port", 0)
        status = run_process("server", "status", "--folder", folder)

        assert (started.code, started.err) == (0, "")
        assert started.out == status.out
        assert EmbeddedServer(folder).endpoint_url in status.out
        assert status.code == 0
    finally:
        ended = run_process("server", "stop", "--folder", folder)
    assert ended.out == f"the server of {folder} has stopped\n"
    assert run_process("server", "stop", "--folder", folder).out == f"the server of {folder} did not run\n"
