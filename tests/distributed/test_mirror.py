"""Mirrors that workers compare and write leave what this process leaves; plain Python says what that is."""

import io
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from s3_assets.engines.engine import Engine
from s3_assets.engines.ray.engine import RayEngine
from s3_assets.errors import BadRowError, RowKeyError
from s3_assets.incremental.mirror import mirror
from s3_assets.incremental.outcome import Outcome
from s3_assets.metrics import Meter
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, ParquetSettings
from s3_assets.tables.table import Table
from s3_assets.tables.text_settings import JsonLinesSettings
from tests.distributed.ground import Ground
from tests.distributed.kept import require_none_kept
from tests.distributed.listening import family, listening
from tests.distributed.readers import read_delta, read_iceberg
from tests.servers.ray_keeper import KEYS as SECRETS
from tests.servers.ray_keeper import RayCluster

pytestmark = pytest.mark.timeout(600)
KEYS = ("id", "at", "code")
FILES, FILE_ROWS = 4, 30
START = datetime(2026, 1, 1, 23, tzinfo=UTC)
Rows = dict[int, dict[str, Any]]


def row(number: int, text: str = "first") -> dict[str, Any]:
    return {
        "id": number % 10,
        "at": START + timedelta(microseconds=number),
        "code": Decimal(number) / 100,
        "text": None if number % 7 == 0 else f"{text} {number}",
        "tags": ["a", None][: number % 3],
        "place": {"city": f"c{number % 5}", "part": None if number % 2 else number},
    }


def first() -> Rows:
    return {number: row(number) for number in range(FILES * FILE_ROWS)}


def second() -> Rows:
    """Some rows are others, some are gone, some are new."""
    rows = first()
    rows |= {number: row(number, "second") for number in (0, 31, 75, *range(200, 210))}
    for number in (5, 64, 119):
        del rows[number]
    return rows


SCHEMA: dict[str, Any] = {
    "id": pl.Int32,
    "at": pl.Datetime("us", "UTC"),
    "code": pl.Decimal(10, 2),
    "text": pl.String,
    "tags": pl.List(pl.String),
    "place": pl.Struct({"city": pl.String, "part": pl.Int64}),
}


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA)


def put(ground: Ground, rows: Rows) -> None:
    """Write the folder of the source anew: neighbours among the keys are in different files."""
    for number in range(FILES):
        body = io.BytesIO()
        frame([each for key, each in rows.items() if key % FILES == number]).write_parquet(body)
        ground.client.put_object(Bucket=ground.bucket, Key=f"source/{number}.parquet", Body=body.getvalue())


def folder(ground: Ground) -> Table[Any]:
    return open_table("source", ParquetSettings(connection="lake", path="source/"), ground.connection)


@dataclass(frozen=True)
class Case:
    """A target that is written with an engine, or without one."""

    ground: Ground
    format_: str
    engine: Engine | None

    @property
    def name(self) -> str:
        return f"{self.format_}-{'ray' if self.engine else 'here'}"

    def run(self, source: Table[Any]) -> Outcome:
        target = self.ground.table(self.format_, self.name)
        return mirror(target, "stream", source, keys=KEYS, engine=self.engine)

    def rows(self) -> list[dict[str, Any]]:
        read = {"delta": read_delta, "iceberg": read_iceberg}[self.format_]
        found: list[dict[str, Any]] = read(self.ground, self.name).to_dicts()
        return sorted(found, key=lambda each: each["at"])


def expected(rows: Rows) -> list[dict[str, Any]]:
    return sorted(rows.values(), key=lambda each: each["at"])


def test_mirror_of_a_folder_is_the_same_with_workers(ground: Ground, engine: RayEngine) -> None:
    cases = [Case(ground, "delta", each) for each in (engine, None)]
    for rows in (first(), second()):
        put(ground, rows)
        outcomes = [case.run(folder(ground)) for case in cases]

        assert [case.rows() for case in cases] == [expected(rows)] * 2
        ours, plain = (outcome.written for outcome in outcomes)
        assert ours is not None
        assert plain is not None
        assert ours.commit.rows == plain.commit.rows
        assert [case.run(folder(ground)).written for case in cases] == [None, None]


def test_mirror_of_a_delta_table_into_iceberg(ground: Ground, engine: RayEngine) -> None:
    source = open_table("lake", DeltaSettings(connection="lake", path="lake/"), ground.connection)
    case = Case(ground, "iceberg", engine)
    for rows in (first(), second()):
        put(ground, rows)
        mirror(ground.table("delta", "lake"), "lake", folder(ground), keys=KEYS)
        case.run(source)

        assert case.rows() == expected(rows)


@pytest.mark.parametrize("state", ["first", "later"])
@pytest.mark.parametrize("fault", ["shared", "null"])
def test_keys_that_tell_no_row_are_refused_as_here(
    ground: Ground, engine: RayEngine, state: str, fault: str
) -> None:
    cases = [Case(ground, "delta", each) for each in (engine, None)]
    if state == "later":
        put(ground, first())
        for case in cases:
            case.run(folder(ground))
    # The second of them is in another file.
    put(ground, {**first(), 201: {**row(3), "id": None} if fault == "null" else row(2)})
    refusals = []
    for case in cases:
        with pytest.raises(RowKeyError) as refused:
            case.run(folder(ground))
        refusals.append((str(refused.value), refused.value.count))

    assert refusals[0] == refusals[1]
    if state == "later":
        assert [case.rows() for case in cases] == [expected(first())] * 2


def test_errors_of_workers_are_those_of_this_process_and_the_cluster_keeps_no_secret(
    ground: Ground, engine: RayEngine, ray_cluster: RayCluster
) -> None:
    bodies = [f'{{"id": {number}, "text": "x"}}\n'.encode() for number in range(3)]
    source = open_table(
        "texts",
        JsonLinesSettings(connection="lake", path="texts/", columns={"id": "int64", "text": "string"}),
        ground.connection,
    )
    for number, body in enumerate(bodies):
        ground.client.put_object(Bucket=ground.bucket, Key=f"texts/{number}.jsonl", Body=body)
    meter = Meter()
    with meter.active():
        mirror(ground.table("delta", "good"), "stream", source, keys=["id"], engine=engine)
    # Workers alone read the files, for Daft and then for the rows.
    assert meter.usage.taken()["obstore", "GetObject"].requests >= 2 * len(bodies)
    ground.client.put_object(Bucket=ground.bucket, Key="texts/2.jsonl", Body=b'{"id": 2, "text"\n')
    told = []
    for each in (engine, None):
        with pytest.raises(BadRowError) as bad:
            mirror(ground.table("delta", f"bad-{each}"[:5]), "stream", source, keys=["id"], engine=each)
        told.append(str(bad.value))

    assert told[0] == told[1]
    assert "texts/2.jsonl" in told[0]
    assert not any(value in line for line in told for value in SECRETS.values())
    # Daft's workers are there, and have written their logs.
    require_none_kept(ray_cluster)
    if sys.platform == "linux":
        assert not [each for each in listening(family(ray_cluster.pid)) if not each.address.is_loopback]
