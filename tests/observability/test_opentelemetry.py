"""Traces and metrics of runs, as a collector that runs as a process has decoded them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import dagster as dg
import pytest

from s3_assets.builder import build_definitions
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.metrics import Meter
from s3_assets.registry import Registry
from s3_assets.telemetry import Asked, Told, asked, send
from s3_assets.telemetry.exporting import exporter_of
from tests.servers.collector import Collector, collector

SECRET = "not-for-the-collector"


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Collector]:
    with collector(tmp_path / "arrived") as found:
        yield found


def registry(endpoint: str, bucket: str, **observe: object) -> Registry:
    auth = {"type": "access_key", "access_key_id": "test", "secret_access_key": SECRET}
    return Registry.model_validate(
        {
            "connections": {
                "lake": {"url": f"s3://{bucket}/", "endpoint": endpoint, "region": "us-east-1", "auth": auth}
            },
            "tables": {
                "raw": {"connection": "lake", "format": "csv", "path": "raw"},
                "orders": {"connection": "lake", "format": "delta", "path": "orders"},
            },
            "imports": {"orders": {"source": "raw", "target": "orders"}},
            "observe": observe,
        }
    )


def materialize(told: Registry, *, fails: bool = False) -> dg.ExecuteInProcessResult:
    job = build_definitions(told).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            asset_selection=[dg.AssetKey("orders")], instance=instance, raise_on_error=not fails
        )
    assert result.success is not fails
    return result


@pytest.fixture
def source(s3_client: Any, bucket: str) -> str:
    s3_client.put_object(Bucket=bucket, Key="raw/one.csv", Body=b"id,name\n1,one\n2,two\n")
    return bucket


def test_one_trace_of_a_run_and_sums(s3_server: EmbeddedServer, source: str, listening: Collector) -> None:
    wanted = {"requests": "all", "opentelemetry": listening.url}
    result = materialize(registry(s3_server.endpoint_url, source, **wanted))
    spans = listening.spans()

    (event,) = result.get_asset_materialization_events()
    metadata = event.step_materialization_data.materialization.metadata
    requests = [each for each in spans if each["name"].startswith("S3/")]
    (step,) = [each for each in spans if each["name"] == "dagster.step"]
    assert (
        len(requests) == metadata["s3_assets/requests"].value == int(step["attributes"]["s3_assets.requests"])
    )
    names = {each["spanId"]: each["name"] for each in spans}
    phases = {each["name"] for each in spans if each["parentSpanId"] == step["spanId"]}
    assert phases >= {"s3_assets.plan", "s3_assets.write", "s3_assets.audit", "s3_assets.commit"}
    assert {names[each["parentSpanId"]] for each in requests} >= {"s3_assets.write", "s3_assets.commit"}
    put = next(each for each in requests if each["name"] == "S3/PutObject")["attributes"]
    assert put["rpc.system"] == "aws-api"
    assert put["aws.s3.bucket"] == source
    assert put["aws.s3.key"].startswith("orders/")
    assert put["http.request.method"] == "PUT"

    exporter_of(Asked(listening.url, traces=True, metrics=True)).close()

    (run,) = [each for each in listening.spans() if each["name"] == "dagster.run"]
    assert step["parentSpanId"] == run["spanId"]
    assert {_hexadecimal(each["traceId"]) for each in listening.spans()} == {UUID(result.run_id).hex}
    points = listening.sums("s3_assets.requests")
    assert sum(number for _, number in points) == len(requests)
    assert {each["s3_assets.asset"] for each, _ in points} == {"orders"}
    assert {each["service.name"] for each in listening.resources()} == {"s3-assets"}
    assert SECRET not in listening.text


def test_a_failure_is_told_too(s3_server: EmbeddedServer, bucket: str, listening: Collector) -> None:
    result = materialize(
        registry(s3_server.endpoint_url, f"{bucket}-missing", opentelemetry=listening.url), fails=True
    )

    (step,) = [each for each in listening.spans() if each["name"] == "dagster.step"]
    assert step["status"]["code"] == "STATUS_CODE_ERROR"
    assert step["attributes"]["error.type"] == "BucketMissingError"
    assert step["attributes"]["dagster.run.id"] == result.run_id
    assert SECRET not in listening.text
    exporter_of(Asked(listening.url, traces=True, metrics=True)).close()


def test_a_collector_that_is_gone_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
    wanted = Asked("http://127.0.0.1:9", traces=True, metrics=False)

    said = send(wanted, Told(Meter(), "import orders", 0.0, 1.0))
    exporter_of(wanted).close()

    assert said is not None
    assert "refused it, or did not answer in time. Check observe.opentelemetry" in said


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, Asked(None, traces=True, metrics=True)),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/v1/traces"},
            Asked(None, traces=True, metrics=False),
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_METRICS_EXPORTER": "none"},
            Asked(None, traces=True, metrics=False),
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "true"}, None),
    ],
    ids=["nothing", "all", "traces", "no-metrics", "disabled"],
)
def test_the_environment_asks(
    variables: dict[str, str], expected: Asked | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert asked(None) == expected


def test_nothing_is_imported_unless_it_is_asked_for() -> None:
    program = (
        "import s3_assets.observing, sys; print(any(n.startswith('opentelemetry') for n in sys.modules))"
    )

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "False"


def _hexadecimal(identifier: str) -> str:
    import base64

    return base64.b64decode(identifier).hex()
