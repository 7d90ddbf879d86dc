"""`s3-assets dev`: Dagster's UI on the data of the embedded server."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from s3_assets.cli.console import facts, standard_output
from s3_assets.cli.interruption import patient
from s3_assets.cli.options import options
from s3_assets.errors import S3AssetsError, SettingError

HOST = "127.0.0.1"
PORT = 3000
_PORTS_TRIED = 50
_SECONDS_TO_STOP = 30
_SECONDS_TO_START = 120
_POLL = 0.2


class DagsterError(S3AssetsError, RuntimeError):
    """Dagster's own processes did not start."""


def run_dev(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option(help="The embedded server's data; left out: .demo beside the registry.")
    ] = None,
    port: Annotated[
        int, typer.Option(help="Port of the UI; the next free one, if it is taken.", min=1024, max=65535)
    ] = PORT,
) -> None:
    """Start the embedded S3 server and Dagster's UI on it; Ctrl-C stops both.

    Example: [bold]s3-assets dev --port 3000[/bold]
    """
    from s3_assets.cli.demo_server import local_connection, start_server

    if find_spec("dagster_webserver") is None:
        raise SettingError(
            "Dagster's webserver is not installed", remedy="Install it: pip install 's3-assets[ui]'"
        )
    given = options(context)
    registry_file = given.path()
    root = registry_file.parent
    folder = (folder or root / ".demo").absolute()
    chosen = free_port(port)
    console = standard_output()
    with patient(), ExitStack() as running:
        rows = []
        if local_connection(given.load()) is not None:
            demo = start_server(folder, registry_file, port=None, keep=False)
            running.enter_context(demo.server)
            rows.append(("S3 server", f"{demo.server.endpoint_url}, data in {folder.name}/"))
            if not has_objects(folder):
                rows.append(("", "its folder is empty; `make demo` fills it"))
        home = dagster_home(root)
        rows.append(("Dagster", f"http://{HOST}:{chosen}"))
        if chosen != port:
            rows.append(("", f"another program has port {port}"))
        console.print(facts(*rows))
        console.print("  starting; Ctrl-C stops all of it", style="dim")
        _serve(root, registry_file, home, chosen)
    console.print("  stopped", style="dim")


def dagster_home(root: Path) -> Path:
    """Return the instance's folder: DAGSTER_HOME, that of dagster.yaml, or `.dagster` beside the registry."""
    known = known_home(root)
    if known is not None:
        return known
    home = root / ".dagster"
    home.mkdir(exist_ok=True)
    return home


def known_home(root: Path) -> Path | None:
    """Return the instance's folder, if there is one."""
    named = os.environ.get("DAGSTER_HOME")
    if named:
        return Path(named)
    if (root / "dagster.yaml").is_file():
        return root
    return root / ".dagster" if (root / ".dagster").is_dir() else None


def has_objects(folder: Path) -> bool:
    """Tell whether the embedded server has ever kept anything in that folder."""
    return any(path.is_file() for path in (folder / "objects").rglob("*"))


def _serve(root: Path, registry_file: Path, home: Path, port: int) -> None:
    """Run `dagster dev` until it ends or this process is told to."""
    from s3_assets.registry.loading import VARIABLE

    workspace = root / "workspace.yaml"
    what = (
        ["--workspace", str(workspace)] if workspace.is_file() else ["--module-name", "s3_assets.definitions"]
    )
    environment = {
        # What Dagster thinks of its own interfaces would be repeated by each of its processes.
        "PYTHONWARNINGS": "ignore",
        **os.environ,
        "DAGSTER_HOME": str(home.absolute()),
        VARIABLE: str(registry_file),
    }
    quiet = ("--log-level", "warning")
    process = subprocess.Popen(
        [sys.executable, "-m", "dagster", "dev", "--host", HOST, "--port", str(port), *quiet, *what],
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        # A Ctrl-C in the terminal is passed on below, once; twice would make Dagster leave processes behind.
        start_new_session=True,
    )
    try:
        _wait_for_page(process, port)
        standard_output().print(f"  ready: http://{HOST}:{port}", style="bold")
        process.wait()
    except KeyboardInterrupt:
        pass
    finally:
        _stop(process)
    if process.returncode not in {0, -signal.SIGINT, -signal.SIGTERM}:
        raise DagsterError(
            f"`dagster dev` ended with exit code {process.returncode}", remedy="Its own lines above say why."
        )


def _wait_for_page(process: subprocess.Popen[bytes], port: int) -> None:
    from http import HTTPStatus
    from http.client import HTTPConnection, HTTPException

    until = time.monotonic() + _SECONDS_TO_START
    while process.poll() is None and time.monotonic() < until:
        # Straight to it: a proxy of this machine has no business here.
        page = HTTPConnection(HOST, port, timeout=5)
        try:
            page.request("GET", "/server_info")
            if page.getresponse().status == HTTPStatus.OK:
                return
        except (OSError, HTTPException):
            time.sleep(_POLL)
        finally:
            page.close()
    if process.poll() is None:
        raise DagsterError(
            f"Dagster's UI did not come up within {_SECONDS_TO_START} s", remedy="Its own lines say why."
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Interrupt it as Ctrl-C would; end it and all that it started if that is not enough."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        if number == signal.SIGINT:
            process.send_signal(number)
        else:
            os.killpg(process.pid, number)
        try:
            process.wait(_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            continue


def free_port(wanted: int, tried: int = _PORTS_TRIED) -> int:
    """Return the wanted port, or the next one that nobody listens on."""
    from s3_assets.cli.demo_server import taken

    for port in range(wanted, wanted + tried):
        if not taken(port):
            return port
    raise SettingError(
        f"the ports from {wanted} to {wanted + tried - 1} are taken", remedy="Name another: --port"
    )
