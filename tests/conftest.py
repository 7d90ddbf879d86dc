"""What every test stands on: an environment without traces of the machine, an S3 server, a bucket."""

import os
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from s3_assets.embedded.server import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, EmbeddedServer
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy

pytest_plugins = ["tests.servers.plugin"]

# Modules whose tests take a minute each.
LONG = (
    *("test_crash.py", "test_races.py", "test_ledger.py", "test_answers.py", "test_long_jobs.py"),
    *("test_folder_crash.py", "test_folder_target.py", "test_export_crash.py", "test_export_races.py"),
)

# Modules of many like cases: of so many an ordinary run tries one, EVERYTHING=1 tries all.
THINNED = {
    "test_actions.py": 2,
    "test_answers.py": 3,
    "test_authentication.py": 3,
    "test_avro.py": 4,
    "test_batches_crash.py": 3,
    "test_checking.py": 2,
    "test_client_side.py": 3,
    "test_clock.py": 3,
    "test_columns.py": 4,
    "test_conformance_by_catalog.py": 2,
    "test_conformance_on_ceph.py": 2,
    "test_crash.py": 7,
    "test_cursor_edit.py": 2,
    "test_effects.py": 6,
    "test_expiring.py": 3,
    "test_export_crash.py": 3,
    "test_export_races.py": 2,
    "test_exports_by_io_manager.py": 3,
    "test_file_positions.py": 3,
    "test_filter_crash.py": 2,
    "test_folder_crash.py": 4,
    "test_folder_target.py": 4,
    "test_foreign_readers.py": 2,
    "test_frames.py": 2,
    "test_gate_races.py": 3,
    "test_gaps.py": 2,
    "test_gate.py": 2,
    "test_gateway.py": 2,
    "test_growth.py": 2,
    "test_iceberg_crash.py": 4,
    "test_iceberg_races.py": 3,
    "test_iceberg_writing.py": 3,
    "test_incremental_assets.py": 2,
    "test_io_manager.py": 2,
    "test_kept_partitions.py": 2,
    "test_ledger.py": 3,
    "test_limits.py": 3,
    "test_matrix.py": 12,
    "test_media_copies.py": 3,
    "test_media_crash.py": 3,
    "test_media_inventory.py": 4,
    "test_mirror.py": 3,
    "test_mirror_crash.py": 6,
    "test_month.py": 6,
    "test_object_options.py": 4,
    "test_parquet.py": 2,
    "test_partitions.py": 2,
    "test_polars_iceberg.py": 2,
    "test_proof.py": 4,
    "test_pyiceberg.py": 3,
    "test_races.py": 5,
    "test_replace_crash.py": 4,
    "test_rest.py": 2,
    "test_round_trips.py": 2,
    "test_run.py": 2,
    "test_runs.py": 2,
    "test_schedules.py": 2,
    "test_secrets_hunt.py": 10,
    "test_selection.py": 2,
    "test_symptoms.py": 6,
    "test_table.py": 2,
    "test_text.py": 4,
    "test_text_files.py": 2,
    "test_tls.py": 2,
    "test_touched.py": 2,
    "test_touched_sensor.py": 2,
    "test_transport.py": 3,
    "test_uploads.py": 3,
    "test_windows_written.py": 14,
}
# Formats and catalogs that differ little from the first ones of the conformance suite.
LIKE_OTHERS = {
    "iceberg-glue": 8,
    "iceberg-no-catalog": 6,
    "iceberg-sqlite": 3,
    "tsv": 6,
    "json]": 6,
    "json-": 6,
    "jsonl": 3,
    "csv": 4,
    "avro": 4,
}
# Tests that take long, of what shorter ones try in parts: EVERYTHING=1 alone tries them.
LEFT_OUT = {
    "test_a_mirror_that_is_killed_is_made_good_by_the_next",
    "test_a_matrix_can_be_a_sample",
    "test_a_matrix_crashes_at_every_request",
    "test_a_run_that_no_worker_becomes_free_for_ends",
    "test_a_second_process_appends_nothing_twice",
    "test_a_worker_of_daft_outlives_its_keys",
    "test_a_worker_of_ray_outlives_its_keys",
    "test_demo_twice_and_kept",
    "test_every_engine_outlives_its_keys",
    "test_one_file_is_written_and_read_with_changing_keys",
    "test_pyiceberg_appends_whose_manifests_were_merged",
    "test_segments_stay_few",
    "test_the_summary_counts_what_ran_and_what_could_not",
    "test_workers_share_one_gateway_and_a_failure_leaves_nothing",
}

ASKED_FOR = "TESTS_ASKED_FOR"

SCRUBBED_PREFIXES = ("AWS_", "S3_ASSETS_", "DAGSTER_")
SCRUBBED_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "BOTO_CONFIG")
# It says where a tool is, not how S3 is reached.
KEPT = ("S3_ASSETS_EMBEDDED_PYTHON",)


def _scrubbed(name: str) -> bool:
    upper = name.upper()
    return name not in KEPT and (upper.startswith(SCRUBBED_PREFIXES) or upper in SCRUBBED_NAMES)


def _hermetic(patch: pytest.MonkeyPatch, nowhere: Path) -> None:
    for name in filter(_scrubbed, list(os.environ)):
        patch.delenv(name)
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere / "credentials"))
    patch.setenv("AWS_CONFIG_FILE", str(nowhere / "config"))
    # Without it, botocore waits for a metadata service that no test machine has.
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def pytest_configure(config: pytest.Config) -> None:
    """Tell the workers whether somebody named what to run: then it is run as it was named."""
    if not hasattr(config, "workerinput"):
        named = [each for each in config.invocation_params.args if str(each).startswith(("tests/", "/"))]
        os.environ[ASKED_FOR] = "1" if named or config.option.keyword else ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what differs little; spread the long tests: no worker has all of them, none comes last."""
    if not EVERYTHING and not os.environ.get(ASKED_FOR):
        kept = _thinned(items)
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = [item for item in items if item in kept]
    _spread(items)


def _like(item: pytest.Item) -> tuple[str, int]:
    """Tell which others a case is like, and of how many of them one is tried."""
    name = item.path.name
    if not hasattr(item, "callspec"):
        return name, 1
    if name == "test_conformance.py":
        like = next((each for each in LIKE_OTHERS if each in item.name), None)
        return (like, LIKE_OTHERS[like]) if like else (name, 1)
    return name, THINNED.get(name, 1)


def _thinned(items: list[pytest.Item]) -> set[pytest.Item]:
    """Return the items without most of the like cases of some modules: always the same ones."""
    kept, seen = set[pytest.Item](), Counter[str]()
    for item in items:
        if item.name in LEFT_OUT:
            continue
        kind, every = _like(item)
        if every > 1:
            seen[kind] += 1
            if seen[kind] % every != 1:
                continue
        kept.add(item)
    return kept


def _spread(items: list[pytest.Item]) -> None:
    """Put the long tests between the modules of the first part: no module's fixtures are made twice."""
    long = [item for item in items if item.path.name in LONG]
    modules = [list(group) for _, group in groupby(items, key=lambda item: item.path)]
    others = [module for module in modules if module[0].path.name not in LONG]
    step = sum(map(len, others)) * 3 // 4 // max(len(long), 1)
    ordered: list[pytest.Item] = []
    seen = placed = 0
    for module in others:
        while placed < len(long) and seen >= placed * step:
            ordered.append(long[placed])
            placed += 1
        ordered += module
        seen += len(module)
    items[:] = [*ordered, *long[placed:]]


@pytest.fixture(scope="session", autouse=True)
def _hermetic_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Scrub the environment before the first fixture of the session looks at it."""
    with pytest.MonkeyPatch.context() as patch:
        _hermetic(patch, tmp_path_factory.getbasetemp() / "nowhere")
        yield


@pytest.fixture(autouse=True)
def _hermetic_test(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Scrub what another test may have left."""
    _hermetic(monkeypatch, tmp_path_factory.getbasetemp() / "nowhere")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """An embedded server for this worker: it starts in less time than workers would take to agree on one."""
    services = ("s3", "sts", "iam", "glue", "cloudwatch", "sqs")
    with EmbeddedServer(tmp_path_factory.mktemp("s3"), services=services) as server:
        yield server


@pytest.fixture(scope="session")
def strict_s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """An embedded server that refuses keys it does not know."""
    with EmbeddedServer(tmp_path_factory.mktemp("strict-s3"), require_known_keys=True) as server:
        yield server


@pytest.fixture(scope="session")
def s3_client(s3_server: EmbeddedServer) -> Any:
    """A boto3 client of `s3_server`, to prepare and to look."""
    return boto_client(s3_server)


@pytest.fixture
def bucket(s3_client: Any) -> str:
    """The name of a fresh bucket on `s3_server`."""
    name = f"bucket-{uuid4().hex[:12]}"
    s3_client.create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="session")
def running_proxy(s3_server: EmbeddedServer) -> Iterator[RequestProxy]:
    """The proxy of this worker."""
    with RequestProxy(s3_server.endpoint_url) as proxy:
        yield proxy


@pytest.fixture
def proxy(running_proxy: RequestProxy) -> RequestProxy:
    """A proxy in front of `s3_server` that counts requests, kills and injects faults."""
    running_proxy.reset()
    return running_proxy


def boto_client(
    server: EmbeddedServer, service: str = "s3", *, key: str = ACCESS_KEY_ID, secret: str = SECRET_ACCESS_KEY
) -> Any:
    import boto3

    return boto3.session.Session().client(
        service,
        endpoint_url=server.endpoint_url,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )
