"""The demo's registry on a Ceph gateway: a bucket that another user owns, and a user with a policy alone."""

import io
import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import polars as pl

from s3_assets.builder import build_definitions
from s3_assets.embedded import demo_data
from s3_assets.errors import S3AssetsError
from s3_assets.registry import Registry, load_registry
from tests.servers.gateway import Gateway, arn_of_user

REPOSITORY = Path(__file__).parents[2]
TABLES = ("landing/orders", "landing/payments", "lake/orders", "lake/payments", "marts/daily_revenue")
ORDERS, PAYMENTS, LAKE_ORDERS, LAKE_PAYMENTS, REVENUE = TABLES
FIRST, LAST = "2026-01-05", "2026-01-18"
ROWS = 300

Policy = Mapping[str, Any]


@dataclass
class Shop:
    """The bucket as its owner sees it, and the registry with the keys of the user."""

    gateway: Gateway
    bucket: str
    user: str
    file: Path
    registry: Registry
    instance: dg.DagsterInstance

    def __post_init__(self) -> None:
        self.owner = self.gateway.client()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)
            self.definitions = build_definitions(self.registry)
        self.orders = demo_data.orders(ROWS)
        self.payments = demo_data.payments(self.orders)
        self._landed = 0

    def grant(self, policy: Policy) -> None:
        self.gateway.put_user_policy(self.user, policy)

    def land(self, wave: int) -> None:
        """Let the owner deliver a wave of the demo's data."""
        orders, payments = self.orders.filter(wave=wave), self.payments.filter(wave=wave)
        for (day,), rows in orders.group_by("date"):
            self._put(f"{ORDERS}/date={day}/wave{wave}.parquet", rows.drop("date", "wave"))
        self._pay(payments.drop("wave"))

    def land_more(self) -> None:
        """Deliver the first day's orders and payments once more, as others."""
        self._landed += 1
        new = self._landed * 1_000_000
        orders = self.orders.filter(date=demo_data.FIRST_DATE).with_columns(pl.col("order_id") + new)
        self._put(f"{ORDERS}/date={FIRST}/more{self._landed}.parquet", orders.drop("date", "wave"))
        payments = self.payments.filter(date=demo_data.FIRST_DATE).with_columns(pl.col("order_id") + new)
        self._pay(payments.drop("wave"))

    def keys(self, prefix: str) -> list[str]:
        pages = self.owner.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def read(self, table: str) -> pl.DataFrame:
        """Read a Delta table as its owner."""
        return pl.read_delta(f"s3://{self.bucket}/{table}", storage_options=self.options)

    @property
    def options(self) -> dict[str, str]:
        key, secret, _ = self.gateway.admin
        return {
            "aws_endpoint_url": self.gateway.endpoint,
            "aws_access_key_id": key,
            "aws_secret_access_key": secret,
            "aws_region": "us-east-1",
            "aws_allow_http": "true",
        }

    def materialize(self, *tables: str, partitions: tuple[str, str] | None = None) -> None:
        """Run the assets through Dagster, as `dagster asset materialize` does."""
        keys = [dg.AssetKey(table.split("/")) for table in tables]
        job = self.definitions.resolve_implicit_job_def_def_for_assets(keys)
        assert job is not None
        tags = {}
        if partitions:
            first, last = partitions
            tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        job.execute_in_process(
            instance=self.instance,
            asset_selection=keys,
            tags=tags,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )

    def look(self) -> dg.SensorResult:
        """Let the sensor look at the sources."""
        (sensor,) = self.definitions.sensors or ()
        assert isinstance(sensor, dg.SensorDefinition)
        context = dg.build_sensor_context(instance=self.instance, definitions=self.definitions)
        result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        return result

    def _put(self, key: str, rows: pl.DataFrame) -> None:
        buffer = io.BytesIO()
        rows.write_parquet(buffer)
        self.owner.put_object(Bucket=self.bucket, Key=key, Body=buffer.getvalue())

    def _pay(self, rows: pl.DataFrame) -> None:
        rows.write_delta(
            f"s3://{self.bucket}/{PAYMENTS}",
            mode="append",
            storage_options=self.options,
            delta_write_options={"partition_by": ["date"]},
        )


@contextmanager
def opened_shop(gateway: Gateway, folder: Path) -> Iterator[Shop]:
    """Make a bucket of the gateway's admin, a user who may do nothing, and the demo's registry for both."""
    name = f"shop-{uuid4().hex[:8]}"
    keys = gateway.create_user(name)
    gateway.client().create_bucket(Bucket=name)
    # Who writes an object owns it on this server: the bucket's owner needs a policy to read it.
    owner = {"Effect": "Allow", "Principal": {"AWS": [arn_of_user("admin")]}, "Action": "s3:GetObject"}
    gateway.put_bucket_policy(
        name,
        {"Version": "2012-10-17", "Statement": [{**owner, "Resource": f"arn:aws:s3:::{name}/*"}]},
    )
    text = (REPOSITORY / "s3_assets.yaml").read_text()
    for here, there in (
        ("s3://shop/", f"s3://{name}/"),
        ("http://127.0.0.1:9445", gateway.endpoint),
        ("access_key_id: test", f"access_key_id: {keys.key_id}"),
        ("secret_access_key: test", f"secret_access_key: {keys.secret}"),
        ("- demo/revenue.py", f"- {REPOSITORY}/demo/revenue.py"),
        ("region: us-east-1", "region: us-east-1\n    checksums: when_required"),
    ):
        assert text.count(here) == 1
        text = text.replace(here, there)
    file = folder / "s3_assets.yaml"
    file.write_text(text)
    with dg.DagsterInstance.ephemeral() as instance:
        shop = Shop(gateway, name, name, file, load_registry(file), instance)
        try:
            yield shop
        finally:
            for upload in shop.owner.list_multipart_uploads(Bucket=name).get("Uploads", ()):
                shop.owner.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
            for key in shop.keys(""):
                shop.owner.delete_object(Bucket=name, Key=key)
            shop.owner.delete_bucket(Bucket=name)
            gateway.delete_user(name)


def without(policy: Policy, action: str) -> Policy:
    """Return the policy with one action taken away."""
    kept = [
        {**each, "Action": [name for name in each["Action"] if name != action]}
        for each in policy["Statement"]
    ]
    return {**policy, "Statement": [each for each in kept if each["Action"]]}


def failures(steps: Sequence[Callable[[], object]]) -> list[S3AssetsError]:
    """Run every step, and return our error behind each failure."""
    found = []
    for step in steps:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - Dagster wraps what an IO manager raises
            found.append(cause(error))
    return found


def cause(error: BaseException) -> S3AssetsError:
    """Return the error of ours that another one was made of; raises that one if there is none."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, S3AssetsError):
            return seen
        seen = seen.__cause__ or seen.__context__
    raise error


def printed(text: str) -> Policy:
    policy: Policy = json.loads(text)
    return policy
