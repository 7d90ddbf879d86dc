"""Files that workers write: the unit's rows, each once, and no file that nobody asked for."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from s3_assets.engines.ray.engine import RayEngine
from s3_assets.errors import SettingError
from s3_assets.exports.export import Export, ExportMode
from s3_assets.exports.formats import export_format
from s3_assets.exports.key_template import KeyTemplate
from s3_assets.exports.split import Split
from s3_assets.movement.filters import Filters
from tests.distributed.ground import FILE_ROWS, Ground

ROWS_OF_A_FILE = 40


def export(ground: Ground, engine: RayEngine | None, format_: str, mode: str, **more: Any) -> Export:
    settings: dict[str, Any] = {
        "split": Split(ROWS_OF_A_FILE, None),
        "filters": Filters(retain=("id", "price")),
        **more,
    }
    template = KeyTemplate.parse("{stream_name}/part-{part}.{extension}")
    return Export(
        "rows",
        ground.connection,
        template,
        export_format(format_),
        ExportMode(mode),
        "out/",
        ground.landed(),
        engine=engine,
        **settings,
    )


def read(ground: Ground, format_: str) -> dict[str, list[tuple[int, str]]]:
    """The rows of every file, as Python's own readers see them."""
    found = {}
    for key in ground.keys("out/rows/"):
        body = ground.client.get_object(Bucket=ground.bucket, Key=f"out/rows/{key}")["Body"].read()
        if format_ == "parquet":
            rows = pl.read_parquet(io.BytesIO(body)).rows()
        else:
            text = gzip.decompress(body).decode()
            rows = [(int(each["id"]), each["price"]) for each in csv.DictReader(io.StringIO(text))]
        found[key] = rows
    return found


def everything(ground: Ground) -> list[tuple[int, str]]:
    return [(number, f"{number}.25") for number in ground.numbers]


@pytest.mark.parametrize("format_", ["csv.gz", "parquet"])
def test_workers_write_what_one_process_writes(format_: str, ground: Ground, engine: RayEngine) -> None:
    ground.add(3)

    outcome = export(ground, engine, format_, "full").run()

    files = read(ground, format_)
    assert outcome.rows == 3 * FILE_ROWS
    assert sorted(row for rows in files.values() for row in rows) == everything(ground)
    # Each of three slices has a full file, and one of what is left.
    assert sorted(map(len, files.values())) == [10, 10, 10, 40, 40, 40]
    (manifest,) = (key for key in ground.keys("out/_s3_assets/") if "/manifests/" in key)
    body = ground.client.get_object(Bucket=ground.bucket, Key=f"out/_s3_assets/{manifest}")["Body"].read()
    told = {Path(each["key"]).name: each["rows"] for each in json.loads(body)["files"]}
    assert told == {key: len(rows) for key, rows in files.items()}
    assert not list(ground.client.list_multipart_uploads(Bucket=ground.bucket).get("Uploads", ()))


def test_what_is_new_is_appended(ground: Ground, engine: RayEngine) -> None:
    ground.add(2)
    run = export(ground, engine, "parquet", "incremental")
    assert run.run().rows == 2 * FILE_ROWS
    assert run.run().nothing_new
    before = read(ground, "parquet")
    ground.add(1)

    assert run.run().rows == FILE_ROWS

    after = read(ground, "parquet")
    assert {key: after[key] for key in before} == before
    assert sorted(row for rows in after.values() for row in rows) == everything(ground)


def test_a_source_without_rows_has_no_file(ground: Ground, engine: RayEngine) -> None:
    ground.client.put_object(Bucket=ground.bucket, Key="landed/none.parquet", Body=_empty())

    assert export(ground, engine, "parquet", "full").run().rows == 0
    assert not read(ground, "parquet")
    assert export(ground, engine, "parquet", "full", empty="file").run().rows == 0
    assert list(read(ground, "parquet").values()) == [[]]


def _empty() -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(schema={"id": pl.Int64, "price": pl.String}).write_parquet(buffer)
    return buffer.getvalue()


def test_one_file_is_refused(ground: Ground, engine: RayEngine) -> None:
    ground.add(1)

    with pytest.raises(SettingError, match="a unit is to be one file"):
        export(ground, engine, "parquet", "full", split=Split(None, None)).run()

    assert not ground.keys("out/rows/")
