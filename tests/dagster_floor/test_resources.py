"""The connection as a resource of users who write Python."""

from typing import Any

import dagster as dg
import pytest

from s3_assets.connection.settings import S3Connection
from s3_assets.objects import Objects
from s3_assets.resources import (
    AccessKeyAuthConfig,
    AnonymousAuthConfig,
    DefaultAuthConfig,
    ProfileAuthConfig,
    S3ConnectionResource,
    TransportConfig,
)
from tests.dagster_floor.conftest import Lake

SECRET = "not-for-your-eyes"


@pytest.fixture
def resource(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> S3ConnectionResource:
    monkeypatch.setenv("LAKE_KEY", "test")
    monkeypatch.setenv("LAKE_SECRET", SECRET)
    monkeypatch.setenv("LAKE_ENDPOINT", lake.endpoint)
    return S3ConnectionResource(
        url=f"s3://{lake.bucket}/base/",
        endpoint=dg.EnvVar("LAKE_ENDPOINT"),
        region="us-east-1",
        auth=AccessKeyAuthConfig(
            access_key_id=dg.EnvVar("LAKE_KEY"), secret_access_key=dg.EnvVar("LAKE_SECRET")
        ),
        transport=TransportConfig(max_retries=1),
    )


def test_a_user_asset_reaches_the_bucket(lake: Lake, resource: S3ConnectionResource) -> None:
    found: list[str] = []
    connections: list[S3Connection] = []

    @dg.asset
    def listing(lake: S3ConnectionResource) -> None:
        connection = lake.connection()
        connections.append(connection)
        found.extend(each.key for each in Objects(connection).list_objects("base/landing/"))

    result = dg.materialize([listing], resources={"lake": resource}, instance=lake.instance)

    assert result.success
    assert len(found) == 3
    assert connections[0].transport.max_retries == 1
    assert SECRET not in repr(connections[0])


def test_the_secret_is_in_no_log(lake: Lake, resource: S3ConnectionResource) -> None:
    @dg.asset
    def quiet(context: dg.AssetExecutionContext, lake: S3ConnectionResource) -> None:
        context.log.info("%r %s", lake, lake)

    result = dg.materialize([quiet], resources={"lake": resource}, instance=lake.instance)

    assert all(SECRET not in repr(entry) for entry in lake.instance.all_logs(result.run_id))
    assert SECRET not in repr(result.dagster_run)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (DefaultAuthConfig(), "default"),
        (ProfileAuthConfig(profile="work"), "profile"),
        (AnonymousAuthConfig(), "anonymous"),
        (AccessKeyAuthConfig(access_key_id="a", secret_access_key="b", session_token="c"), "access_key"),
    ],
)
def test_each_way_to_authenticate(config: Any, kind: str) -> None:
    connection = S3ConnectionResource(url="s3://bucket/", auth=config).connection()

    assert connection.auth.type == kind


def test_it_has_the_fields_of_the_connection() -> None:
    assert set(S3ConnectionResource.model_fields) == set(S3Connection.model_fields)
    assert S3ConnectionResource(url="s3://bucket/").connection() == S3Connection(url="s3://bucket/")


def test_a_wrong_field_is_named() -> None:
    with pytest.raises(ValueError, match="not an S3 URL"):
        S3ConnectionResource(url="https://bucket/").connection()
