"""Operations that read: previews of each format, listings, discovery, a cursor, and the tick of a sensor."""

import gzip
import random
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar
from uuid import uuid4

import dagster as dg
import polars as pl

from s3_assets.builder import build_definitions
from s3_assets.explore.discover import discover
from s3_assets.explore.looks import first_rows
from s3_assets.incremental.cursor_edit import look_at
from s3_assets.objects import Objects
from s3_assets.registry import Registry
from s3_assets.tables.table import Table
from s3_assets.tables.text_settings import CsvSettings
from tests.faults.operations import CONNECTION, Operation, connection
from tests.incremental import work
from tests.incremental.ground import Ground
from tests.tables.formats import DELTA, PARQUET, Format, Place, declare
from tests.tables.row_formats import delimited, row_format

_WRITE, _READ = delimited(",")
ROWS = pl.DataFrame(
    {
        "number": pl.Series(range(300), dtype=pl.Int64),
        "day": [date(2026, 1, 1 + number % 2) for number in range(300)],
        "word": [f"{random.Random(number).random():.12f}" for number in range(300)],  # noqa: S311 - not a secret
    }
)
PACKED = row_format(
    "csv.gz",
    declare(CsvSettings),
    ".csv.gz",
    (lambda *told: gzip.compress(_WRITE(*told)), _READ),
    declared=True,
)
"""CSV in gzip: with a checksum of its own."""


def patient(endpoint: str, bucket: str) -> dict[str, Any]:
    """The fields of the connection that differ from a place's usual one."""
    made = connection(endpoint, bucket)
    return {"name": CONNECTION, "endpoint": endpoint, "transport": made.transport}


class Preview(Operation):
    """All rows of a table, as `s3-assets preview` and the first look at a table read them."""

    def __init__(self, place: Place, format_: Format) -> None:
        self.place = place
        self.format = format_
        self.name = f"read-{format_.name}"  # type: ignore[misc]  # of the instance: formats are no classes
        format_.write(place, ROWS, ())

    def prepare(self) -> None:
        """A read changes nothing."""

    def table(self, endpoint: str) -> Table[Any]:
        told = patient(endpoint, self.place.bucket)
        return self.format.table(self.place, schema=ROWS.schema, connection=told)

    def run(self, endpoint: str) -> Any:
        return first_rows(self.table(endpoint), 1000).rows

    def check(self, found: Any) -> None:
        assert sorted(found.select(ROWS.columns).rows()) == ROWS.rows()


class Listing(Operation):
    """All keys of a folder, as the engines' listing and as the columns of boto3's tell them."""

    name = "listing"
    names_its_table = False

    def __init__(self, place: Place) -> None:
        self.place = place
        self.keys = sorted(f"{place.path}/folder={number % 3}/{number}.txt" for number in range(12))
        for key in self.keys:
            place.client.put_object(Bucket=place.bucket, Key=key, Body=b"some text")

    def prepare(self) -> None:
        """A listing changes nothing."""

    def run(self, endpoint: str) -> Any:
        objects = Objects(connection(endpoint, self.place.bucket))
        prefix = f"{self.place.path}/"
        listed = [each.key for each in objects.list_objects(prefix)]
        folders, _ = objects.list_folders(prefix)
        page = objects.folder_page(prefix)
        return listed, objects.list_frame(prefix)["key"].to_list(), folders, page.folders

    def check(self, found: Any) -> None:
        folders = [f"{self.place.path}/folder={number}/" for number in range(3)]
        assert found == (self.keys, self.keys, folders, folders)


class Discovered(Operation):
    """The tables of a bucket."""

    name = "discover"
    names_its_table = False

    def __init__(self, place: Place, formats: list[Format]) -> None:
        self.place = place
        self.expected = {}
        for each in formats:
            there = replace(place, path=f"tables/{each.name}")
            for number in range(2):
                body = ROWS[number * 100 : number * 100 + 50]
                each.write(there, body, ())
            self.expected[f"tables/{each.name}"] = each.name

    def prepare(self) -> None:
        """A look changes nothing."""

    def run(self, endpoint: str) -> Any:
        return discover(connection(endpoint, self.place.bucket))

    def check(self, found: Any) -> None:
        assert not found.unlooked
        told = {each.name: each.guess.settings["format"] for each in found.found}
        # What a server fails to give of one file is left out, and told.
        left = {name for name in self.expected if any(f"/{name}/" in each for each in found.remarks)}
        assert len(found.remarks) == len(left), found.remarks
        assert told == {name: each for name, each in self.expected.items() if name not in left}


class ShownCursor(Operation):
    """How far a stream has come."""

    name = "cursor"

    def __init__(self, ground: Ground) -> None:
        ground.make_sources()
        self.ground = ground
        self.prefix = f"{uuid4().hex[:8]}/"
        ground.run(self.prefix, 1)

    def prepare(self) -> None:
        """A look changes nothing."""

    def run(self, endpoint: str) -> Any:
        target = work.target(connection(endpoint, self.ground.bucket), self.prefix)
        seen = look_at(target, work.STREAM)
        return seen.damage, seen.earlier(), seen.current

    def check(self, found: Any) -> None:
        damage, earlier, current = found
        assert damage is None
        assert earlier == []
        assert current.number == self.ground.handle(self.prefix).transaction_version(work.STREAM)
        assert current.position is not None


class Tick(Operation):
    """A tick of the sensor of a connection with two tables, each read by an import."""

    name = "sensor-tick"
    names_its_table = False
    targets: ClassVar[set[str]] = {"lake/a", "lake/b"}

    def __init__(self, place: Place) -> None:
        self.place = place
        DELTA.write(replace(place, path="landing/a"), ROWS, ())
        PARQUET.write(replace(place, path="landing/b"), ROWS, ())

    def prepare(self) -> None:
        """A tick writes nothing."""

    def run(self, endpoint: str) -> Any:
        """Whatever one tick did not see, the next one has to request."""
        tables = {
            f"{folder}/{name}": {"connection": CONNECTION, "format": format_, "path": f"{folder}/{name}"}
            for folder in ("landing", "lake")
            for name, format_ in (("a", "delta"), ("b", "parquet" if folder == "landing" else "delta"))
        }
        there = connection(endpoint, self.place.bucket)
        told = {
            "url": there.url,
            "endpoint": endpoint,
            "region": "us-east-1",
            "transport": there.transport.model_dump(),
            "auth": {"type": "access_key", "access_key_id": "test", "secret_access_key": "test"},
        }
        registry = Registry.model_validate(
            {
                "connections": {CONNECTION: told},
                "tables": tables,
                "imports": {each: {"source": f"landing/{each}", "target": f"lake/{each}"} for each in "ab"},
            }
        )
        definitions = build_definitions(registry)
        with dg.DagsterInstance.ephemeral() as instance:
            requested: list[str] = []
            cursor = None
            for _ in range(2):
                context = dg.build_sensor_context(instance=instance, cursor=cursor, definitions=definitions)
                (sensor,) = definitions.sensors or ()
                tick = sensor.evaluate_tick(context)
                cursor = tick.cursor
                requested += [
                    "/".join(each.path)
                    for one in tick.run_requests or ()
                    for each in one.asset_selection or ()
                ]
        return sorted(requested)

    def check(self, found: Any) -> None:
        assert found == sorted(self.targets)
