"""Tables with a log: Delta, sound and broken, and Iceberg; each written by a program that is not ours."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.explore.new_user.things import Objects, Row, Thing, identity, orders, parquet, table, trap


def _written(folder: str) -> dict[str, bytes]:
    root = Path(folder)
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def _delta(
    batches: list[pa.Table], partition_by: list[str] | None = None, *, checkpoint: bool = False
) -> Objects:
    from deltalake import DeltaTable, write_deltalake

    with tempfile.TemporaryDirectory() as folder:
        for batch in batches:
            write_deltalake(folder, batch, mode="append", partition_by=partition_by)
        if checkpoint:
            DeltaTable(folder).create_checkpoint()
        return _written(folder)


def delta_files(batches: list[list[Row]], *, checkpoint: bool = False) -> dict[str, bytes]:
    """Return the files of a Delta table, a commit for each batch of rows."""
    return dict(_delta([pa.Table.from_pylist(each) for each in batches], checkpoint=checkpoint))


def _at(prefix: str, objects: Objects) -> dict[str, bytes]:
    return {f"{prefix}{name}": body for name, body in objects.items()}


def customers() -> Thing:
    """A Delta table with a checkpoint, a file that was never committed, and a manifest for Athena."""
    base = "warehouse/customers/"
    batches = [pa.Table.from_pylist(orders(33, 100 * number)) for number in range(3)]
    objects = _at(base, _delta(batches, checkpoint=True))
    objects[f"{base}part-00000-{identity(11)}-c000.snappy.parquet"] = parquet(orders(500))
    objects[f"{base}_symlink_format_manifest/manifest"] = b"s3://shop/warehouse/customers/part-00000\n"
    return Thing("a Delta table", objects, (table(base, "delta", 99, "order_id customer"),))


def payments() -> Thing:
    """A Delta table with folders for its dates."""
    base = "lake/silver/payments/"
    rows = [{**row, "date": date(2026, 1, 5 + row["order_id"] % 4)} for row in orders(40)]
    objects = _at(base, _delta([pa.Table.from_pylist(rows)], ["date"]))
    return Thing("a Delta table by date", objects, (table(base, "delta", 40, "order_id date", "date"),))


def regions() -> Thing:
    """Hive folders of Parquet files, one of which is a Delta table of its own."""
    base = "lake/bronze/events/"
    objects: dict[str, bytes] = {}
    for region in ("eu", "us"):
        for number in range(3):
            name = f"{base}region={region}/part-0000{number}-{identity(20 + number)}.snappy.parquet"
            objects[name] = parquet([{"event": index, "kind": "view"} for index in range(11)])
    nested = f"{base}region=apac/"
    objects |= _at(nested, _delta([pa.Table.from_pylist(orders(17))]))
    answers = (
        table(base, "parquet", 66, "event kind region"),
        table(nested, "delta", 17, "order_id customer"),
    )
    return Thing("a Delta table inside a Hive folder", objects, answers)


def uncommitted() -> Thing:
    """What a writer leaves that died before its first commit: files of a table that never was."""
    parts = {
        f"part-0000{number}-{identity(30 + number)}-c000.snappy.parquet": parquet(orders(9))
        for number in (0, 1)
    }
    return trap("a half-written Delta table", "staging/refunds/", {"_delta_log/": b"", **parts})


def beheaded() -> Thing:
    """A Delta table that was copied without the first commits of its log: nobody can read it."""
    found = dict(_delta([pa.Table.from_pylist(orders(5, 10 * number)) for number in range(4)]))
    for version in range(3):
        del found[f"_delta_log/{version:020d}.json"]
    return trap("a Delta log without its beginning", "staging/copied/", found)


def invoices(catalog: Any) -> Thing:
    """An Iceberg table as Glue and Spark lay it out; `catalog` is a PyIceberg catalog of the bucket.

    Its objects are in the bucket already: their places stand in its metadata.
    """
    base = "iceberg/shop.db/invoices/"
    catalog.create_namespace_if_not_exists("shop")
    batch = pa.Table.from_pylist(orders(21))
    bucket = catalog.properties["warehouse"].rstrip("/")
    found = catalog.create_table(
        "shop.invoices", schema=batch.schema, location=f"{bucket}/{base.rstrip('/')}"
    )
    found.append(batch)
    found.append(batch)
    return Thing("an Iceberg table", {}, (table(base, "iceberg", 42, "order_id customer"),))


THINGS = (customers, payments, regions, uncommitted, beheaded)
