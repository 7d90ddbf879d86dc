"""`dagster.yaml` as Dagster loads it, on a real PostgreSQL and a real S3 server."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import yaml

from s3_assets.embedded.server import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, EmbeddedServer
from tests.production.files import DEPLOY, example, parsed, variables
from tests.servers.postgres import USER, Postgres

DATABASE = "dagster_instance"


@pytest.fixture
def surroundings(
    monkeypatch: pytest.MonkeyPatch, postgres: Postgres, s3_server: EmbeddedServer, bucket: str
) -> None:
    """What the files ask the environment for."""
    with psycopg.connect(postgres.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}".encode())
    told = {
        "DAGSTER_POSTGRES_HOST": "127.0.0.1",
        "DAGSTER_POSTGRES_PORT": str(postgres.port),
        "DAGSTER_POSTGRES_DB": DATABASE,
        "DAGSTER_POSTGRES_USER": USER,
        "DAGSTER_POSTGRES_PASSWORD": postgres.password,
        "S3_ASSETS_LOGS_BUCKET": bucket,
        "AWS_ENDPOINT_URL_S3": s3_server.endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_DEFAULT_REGION": REGION,
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def instance(surroundings: None, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    shutil.copy(DEPLOY / "dagster.yaml", tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


@dg.asset(pool="lake")
def talkative() -> None:
    print("what the step printed")  # noqa: T201 - compute logs are made of it


def test_a_run_is_kept_in_postgresql_and_its_output_on_s3(
    instance: dg.DagsterInstance, s3_client: Any, bucket: str
) -> None:
    result = dg.materialize([talkative], instance=instance)

    assert result.success
    keys = [each["Key"] for each in s3_client.list_objects_v2(Bucket=bucket)["Contents"]]
    (printed,) = (key for key in keys if key.endswith(".out"))
    assert printed.startswith(f"compute-logs/storage/{result.run_id}/")
    body = s3_client.get_object(Bucket=bucket, Key=printed)["Body"].read()
    assert body == b"what the step printed\n"
    told = "PostgresRunStorage", "PostgresEventLogStorage", "S3ComputeLogManager"
    assert all(name in instance.info_str() for name in told)


def test_everything_asked_of_the_environment_is_in_the_example() -> None:
    asked = variables(parsed("dagster.yaml")) | variables(parsed("workspace.yaml"))

    assert asked <= set(example())


def test_logs_lifecycle_is_one_that_s3_takes(s3_client: Any, bucket: str) -> None:
    told = yaml.safe_load((DEPLOY / "logs-lifecycle.json").read_text())

    s3_client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=told)

    (rule,) = s3_client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    prefix = parsed("dagster.yaml")["compute_logs"]["config"]["prefix"]
    assert rule["Filter"]["Prefix"] == f"{prefix}/"
    assert rule["Expiration"] == {"Days": 30}
