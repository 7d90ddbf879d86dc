"""The real servers as fixtures, and how many tests ran on each: a plugin that `tests/conftest.py` names."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import chromium as browser
from tests.servers import forward_proxy as forward
from tests.servers import front, gateway
from tests.servers import postgres as database
from tests.servers.certificates import Authority
from tests.servers.forward_proxy import ForwardProxy
from tests.servers.front import Front
from tests.servers.gateway import Gateway
from tests.servers.identity.server import IdentityServer, identity_server
from tests.servers.postgres import Postgres
from tests.servers.programs import MISSING, need
from tests.servers.ray_keeper import KEYS, RayCluster
from tests.servers.rest_catalog.server import RestCatalogs, rest_catalogs
from tests.servers.run_folder import RunFolder, shared_server

if TYPE_CHECKING:
    from selenium.webdriver import Remote

FrontMaker = Callable[[str], AbstractContextManager[Front]]

TITLES = {
    "ray_cluster": "Ray",
    "rgw": "Ceph RADOS gateway",
    "tls_front": "HAProxy, private authority",
    "mutual_tls": "HAProxy, client certificates",
    "forward_proxy": "tinyproxy",
    "identity": "metadata services and STS of our own",
    "postgres": "PostgreSQL",
    "rest_catalogs": "Iceberg REST catalog of our own",
    "chromium": "Chromium",
}
"""The fixtures that stand for a real server, and what the summary calls them."""

_RUN = pytest.StashKey[RunFolder]()
_PATH = "s3_assets_run_folder"
_PROPERTY = "real server"


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[_RUN] = RunFolder()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _RUN in config.stash:
        config.stash[_RUN].close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the run's folder is."""
    node.workerinput[_PATH] = str(node.config.stash[_RUN].path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have each report say which servers its test runs on: the reports reach the summary from all workers."""
    for item in items:
        for name in TITLES:
            if name in getattr(item, "fixturenames", ()):
                item.user_properties.append((_PROPERTY, name))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts: dict[str, Counter[str]] = {name: Counter() for name in TITLES}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            for key, name in getattr(report, "user_properties", ()):
                if key == _PROPERTY:
                    counts[name][_outcome(report)] += 1
    used = {name: count for name, count in counts.items() if count}
    if not used:
        return
    terminalreporter.section("real servers")
    for name, count in used.items():
        told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(count.items()))
        terminalreporter.line(f"{TITLES[name]} ({name}): {told}")


def _outcome(report: Any) -> str:
    if report.outcome == "skipped":
        return "skipped, not installed" if MISSING in str(report.longrepr) else "skipped"
    return "ran" if report.outcome == "passed" else "failed"


@pytest.fixture(scope="session")
def run_folder(request: pytest.FixtureRequest) -> Path:
    """A folder with a short path that all workers of the run share; it is gone after the run."""
    config = request.config
    worker: dict[str, str] | None = getattr(config, "workerinput", None)
    return config.stash[_RUN].path if worker is None else Path(worker[_PATH])


@pytest.fixture(scope="session")
def rgw(run_folder: Path) -> Gateway:
    """The one Ceph gateway of the run; the first test that needs it starts it, in about three seconds."""
    need(*gateway.PROGRAMS)
    return Gateway.of(shared_server(run_folder, "rgw", "tests.servers.gateway_keeper"))


@pytest.fixture(scope="session")
def ray_cluster(run_folder: Path) -> RayCluster:
    """The one Ray cluster of the run; the first test that needs it starts it, in some ten seconds."""
    return RayCluster(**shared_server(run_folder, "ray", "tests.servers.ray_keeper", deadline=300))


@pytest.fixture(scope="session")
def joined_ray(ray_cluster: RayCluster) -> Iterator[Any]:
    """Ray, which this process has joined: whatever runs here with `engine: ray` runs there."""
    from s3_assets.engines.ray.cluster import connected
    from s3_assets.engines.ray.settings import RaySettings

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        ray = connected(RaySettings(address=ray_cluster.address))
        yield ray
        ray.shutdown()


@pytest.fixture
def ray_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process finds keys where the cluster's workers find them."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The private authority of this worker's servers and of its clients' certificates."""
    need("openssl")
    return Authority.create(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def tls_front(authority: Authority) -> FrontMaker:
    """``with tls_front(server) as front``: HAProxy with a private authority's certificate before a server."""
    need(*front.PROGRAMS)
    return partial(front.front, authority=authority)


@pytest.fixture
def mutual_tls(authority: Authority) -> FrontMaker:
    """``with mutual_tls(server) as front``: the same, and clients show an ``authority.client(name)``."""
    need(*front.PROGRAMS)
    return partial(front.front, authority=authority, demand_certificate=True)


@pytest.fixture
def forward_proxy(authority: Authority) -> Iterator[ForwardProxy]:
    """A forward proxy that demands a password."""
    need(*forward.PROGRAMS)
    if sys.platform != "linux":
        pytest.skip("Only Linux has all of 127.0.0.0/8 on loopback.")
    with forward.forward_proxy(authority) as proxy:
        yield proxy


@pytest.fixture
def identity(tmp_path: Path) -> Iterator[IdentityServer]:
    """IMDSv2, the container protocol and STS, with keys that live an hour until `change(lifetime=...)`."""
    with identity_server(tmp_path / "identity") as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for this worker."""
    need(*database.PROGRAMS)
    with database.postgres() as server:
        yield server


@pytest.fixture(scope="session", name="rest_catalogs")
def _rest_catalogs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestCatalogs]:
    """Iceberg REST catalogs in one process: ``rest_catalogs.start(s3_endpoint, warehouse, token=...)``."""
    with rest_catalogs(tmp_path_factory.mktemp("rest-catalogs")) as catalogs:
        yield catalogs


@pytest.fixture(scope="session", name="chromium")
def _chromium() -> "Iterator[Remote]":
    """A browser without a window."""
    need(*browser.PROGRAMS)
    with browser.chromium() as driver:
        yield driver
