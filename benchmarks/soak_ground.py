"""The pipeline of the soak: what lands, and the registry that moves it."""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import obstore
import polars as pl
import yaml
from deltalake import DeltaTable, write_deltalake

from benchmarks.ground import BUCKET, Ground
from s3_assets.embedded.server import REGION

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ENDPOINT = "SOAK_ENDPOINT"
"""Environment variable: where a worker finds the server, which is its own proxy."""

FIRST, DAYS = date(2026, 1, 5), 4
ORDERS, CUSTOMERS, EVENTS, PHOTOS = "landing/orders", "landing/customers", "landing/events", "landing/photos"
COPIES = "copies"
TABLES = (
    "lake/orders",
    "lake/orders_iceberg",
    "lake/orders_copy",
    "lake/events",
    "lake/customers",
    "lake/photos",
)
EXPORTS = ("orders_csv", "orders_by_day", "customers_all")


@dataclass(frozen=True)
class Orders:
    """Orders are numbered from 0; all else of one follows from its number."""

    numbers: range

    @property
    def frame(self) -> pl.DataFrame:
        return pl.select(id=pl.int_range(self.numbers.start, self.numbers.stop, dtype=pl.Int64)).with_columns(
            day=pl.lit(FIRST) + pl.duration(days=day_of(pl.col("id"))),
            amount=amount_of(pl.col("id")),
            note=pl.format("order {}", "id"),
        )


def day_of(number: Any) -> Any:  # noqa: ANN401 - of a number, or of a column of them
    return number * 5 % DAYS


def amount_of(number: Any) -> Any:  # noqa: ANN401 - of a number, or of a column of them
    return number * 37 % 1000 / 4


def picture(width: int) -> bytes:
    """Return a picture as far as an inventory looks at it: a header that tells its width."""
    return (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + width.to_bytes(4, "big") + b"\0\0\0\1\x08\x06\0\0\0" + b"\0" * 200
    )


@dataclass(frozen=True)
class Landing:
    """The sources, written by others than s3-assets."""

    ground: Ground

    def orders(self, numbers: range, delivery: int) -> None:
        """Put a Parquet file for each day that has some of them."""
        for (day,), rows in Orders(numbers).frame.group_by("day"):
            body = io.BytesIO()
            rows.drop("day").write_parquet(body)
            obstore.put(self.ground.store, f"{ORDERS}/day={day}/{delivery:06}.parquet", body.getvalue())

    def events(self, numbers: range, delivery: int) -> None:
        """Put one packed file of JSON Lines."""
        lines = [json.dumps({"id": number, "kind": f"kind {number % 7}"}) for number in numbers]
        body = gzip.compress("\n".join(lines).encode())
        obstore.put(self.ground.store, f"{EVENTS}/{delivery:06}.jsonl.gz", body)

    def customers(self, changed: dict[int, int], deleted: Iterable[int]) -> None:
        """Write new and changed customers into a Delta table with a change feed; delete others."""
        place, options = f"s3://{BUCKET}/{CUSTOMERS}", self.ground.options
        frame = pl.DataFrame({"id": [*changed], "state": [*changed.values()]}, schema=_CUSTOMER)
        if not DeltaTable.is_deltatable(place, storage_options=options):
            write_deltalake(
                place, frame, configuration={"delta.enableChangeDataFeed": "true"}, storage_options=options
            )
            return
        table = DeltaTable(place, storage_options=options)
        (
            table.merge(frame, "target.id = source.id", source_alias="source", target_alias="target")
            .when_matched_update_all()
            .when_not_matched_insert_all()
            .execute()
        )
        gone = ",".join(map(str, deleted))
        if gone:
            table.delete(f"id IN ({gone})")

    def photos(self, changed: dict[str, int], deleted: Iterable[str]) -> None:
        """Put pictures, and delete others."""
        for name, width in changed.items():
            obstore.put(self.ground.store, f"{PHOTOS}/{name}", picture(width))
        for name in deleted:
            obstore.delete(self.ground.store, f"{PHOTOS}/{name}")


_CUSTOMER = {"id": pl.Int64, "state": pl.Int64}


def write_registry(path: Path, ground: Ground) -> None:
    """Write the registry's file; its endpoint is what each worker's environment says."""
    daily = {"column": "day", "every": "day", "start": FIRST, "end": FIRST + timedelta(days=DAYS)}
    checks = {
        "row_count": {"at_least": 1},
        "unique": {"columns": ["id"], "against": "table", "before_commit": True},
        "not_null": {"columns": ["id", "amount"], "before_commit": True},
    }
    tables: dict[str, Any] = {
        ORDERS: {"path": ORDERS, "format": "parquet", "partitions": daily},
        CUSTOMERS: {"path": CUSTOMERS, "format": "delta"},
        EVENTS: {"path": EVENTS, "format": "jsonl"},
        "lake/orders": {"path": "lake/orders", "format": "delta", "partitions": daily, "checks": checks},
        "lake/orders_iceberg": {"table": "soak.orders", "format": "iceberg", "partitions": daily},
        "lake/orders_copy": {"path": "lake/orders_copy", "format": "delta"},
        "lake/events": {"path": "lake/events", "format": "parquet"},
        "lake/customers": {"path": "lake/customers", "format": "delta", "checks": {"unique": ["id"]}},
        "lake/photos": {"path": "lake/photos", "format": "delta"},
    }
    registry = {
        "connections": {
            "lake": {
                "url": f"s3://{BUCKET}/",
                "endpoint": {"env": ENDPOINT},
                "region": REGION,
                "auth": {
                    "type": "access_key",
                    "access_key_id": ground.key_id,
                    "secret_access_key": ground.secret,
                },
                "catalog": {"type": "sql", "uri": f"sqlite:///{ground.catalog}"},
                "transport": {"connect_timeout": 5, "read_timeout": 10, "max_retries": 2},
            }
        },
        "tables": {name: {"connection": "lake", **table} for name, table in tables.items()},
        "imports": {
            "orders": {"source": ORDERS, "target": "lake/orders"},
            "orders_iceberg": {"source": ORDERS, "target": "lake/orders_iceberg"},
            "orders_copy": {"source": "lake/orders", "target": "lake/orders_copy"},
            "events": {"source": EVENTS, "target": "lake/events"},
            "customers": {"source": CUSTOMERS, "target": "lake/customers", "mode": "mirror", "key": ["id"]},
        },
        "media": {
            "photos": {
                "connection": "lake",
                "path": PHOTOS,
                "target": "lake/photos",
                "copy_to": {"connection": "lake", "path_prefix": COPIES, "on_deleted": "delete"},
            }
        },
        "exports": {
            "orders_csv": {
                "source": "lake/orders",
                "connection": "lake",
                "path_prefix": "exports",
                "mode": "incremental",
                "format": "csv.gz",
            },
            "orders_by_day": {
                "source": "lake/orders",
                "connection": "lake",
                "path_prefix": "exports",
                "format": "parquet",
            },
            "customers_all": {
                "source": "lake/customers",
                "connection": "lake",
                "path_prefix": "exports",
                "mode": "full",
                "format": "jsonl.gz",
            },
        },
    }
    path.write_text(yaml.safe_dump(registry))
