"""One tick of a sensor over many tables, against the time that Dagster gives it.

The tables are a third each of Delta, Iceberg (of a catalog) and folders of Parquet files. One of each is made
by its own library; the others are copies of it on the server, at places of their own. Some of them are then
appended to by the same libraries. Requests are counted by a proxy; those of the catalog, an SQLite file, are
not among them. Seconds are those of another sensor's tick without the proxy.
"""

import io
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import obstore
import polars as pl
from deltalake import write_deltalake
from pyiceberg.catalog import load_catalog

from benchmarks.ground import BUCKET, Ground
from s3_assets.builder import build_definitions
from s3_assets.embedded.server import REGION
from s3_assets.registry import Registry
from tests.support.proxy import RequestProxy

# Seconds that Dagster gives a tick, unless the environment says otherwise.
LIMIT, VARIABLE = 60, "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS"
FORMATS = ("delta", "iceberg", "parquet")
CHANGED = 30
_AT_ONCE = 16
ROWS = pl.DataFrame({"id": range(10), "name": [f"order {each}" for each in range(10)]})


def compare(ground: Ground, count: int) -> str:
    """Measure a first tick, one in which nothing changed, and one in which some tables did."""
    places = {form: [f"ticks/{form}/{index}/" for index in range(_share(form, count))] for form in FORMATS}
    fill(ground, places)
    limit = int(os.environ.get(VARIABLE, LIMIT))
    kinds = ", ".join(f"{len(each)} {form}" for form, each in places.items())
    with RequestProxy(ground.endpoint) as proxy:
        rows = list(_rows(ground, proxy, places, limit))
    return "\n".join(
        [
            f"One tick over {count:,} tables ({kinds}); Dagster's limit is {limit} s",
            "",
            "| tick | changed | requests | per table | seconds | of the limit |",
            "|---|---|---|---|---|---|",
            *rows,
        ]
    )


def _rows(ground: Ground, proxy: RequestProxy, places: dict[str, list[str]], limit: int) -> Iterator[str]:
    count = sum(map(len, places.values()))
    counted, timed = Sensor(ground.through(proxy.endpoint), places), Sensor(ground, places)
    for name, expected in (("first", count), ("nothing changed", 0), ("some changed", min(CHANGED, count))):
        if name == "some changed":
            change(ground, places, expected)
        proxy.reset()
        found = counted.tick()
        requests = proxy.count()
        started = time.monotonic()
        again = timed.tick()
        seconds = time.monotonic() - started
        if not found == again == expected:
            raise SystemExit(f"{name}: {found} and {again} tables changed, and not {expected}")
        share, taken = f"{requests / count:.2f}", f"{seconds / limit:.0%}"
        yield f"| {name} | {found:,} | {requests:,} | {share} | {seconds:.1f} | {taken} |"


class Sensor:
    """The sensor of a registry that has all of the tables, and the cursor that the daemon would keep."""

    def __init__(self, ground: Ground, places: dict[str, list[str]], cursor: str | None = None) -> None:
        lake = {
            "url": f"s3://{BUCKET}/",
            "endpoint": ground.endpoint,
            "region": REGION,
            "auth": {
                "type": "access_key",
                "access_key_id": ground.key_id,
                "secret_access_key": ground.secret,
            },
            "catalog": {"type": "sql", "uri": f"sqlite:///{ground.catalog}"},
        }
        tables = {
            f"{form}/t{index}": {"connection": "lake", "format": form, **_named(form, index, folder)}
            for form, folders in places.items()
            for index, folder in enumerate(folders)
        }
        registry = Registry.model_validate({"connections": {"lake": lake}, "tables": tables})
        self._definitions = build_definitions(registry)
        self._sensor = self._definitions.resolve_sensor_def("lake_sources")
        self.cursor = cursor

    def tick(self) -> int:
        """Look at all; return how many changed."""
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_sensor_context(
                instance=instance, cursor=self.cursor, definitions=self._definitions
            )
            found = self._sensor.evaluate_tick(context)
        self.cursor = found.cursor
        return len(found.asset_events)


def _named(form: str, index: int, folder: str) -> dict[str, str]:
    return {"table": f"ticks.t{index}"} if form == "iceberg" else {"path": folder}


def fill(ground: Ground, places: dict[str, list[str]]) -> None:
    """Make one table of each format, and copies of it."""
    write_deltalake(f"s3://{BUCKET}/ticks/made/delta", ROWS, storage_options=ground.options)
    obstore.put(ground.store, "ticks/made/parquet/a.parquet", _file())
    catalog = load_catalog("default", **ground.iceberg)
    catalog.create_namespace_if_not_exists("ticks")
    place = f"s3://{BUCKET}/ticks/made/iceberg"
    made = catalog.create_table("ticks.made", ROWS.to_arrow().schema, location=place)
    made.append(ROWS.to_arrow())
    puts: list[tuple[str, bytes]] = []
    for form, folders in places.items():
        start = f"ticks/made/{form}/"
        keys = [each["path"] for page in obstore.list(ground.store, start) for each in page]
        bodies = {key: bytes(obstore.get(ground.store, key).bytes()) for key in keys}
        for folder in folders:
            # Metadata of Iceberg names its own place; manifests and files of rows stay those of the first.
            puts += [
                (folder + key.removeprefix(start), body.replace(place.encode(), _url(folder)))
                if key.endswith(".metadata.json")
                else (folder + key.removeprefix(start), body)
                for key, body in bodies.items()
            ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for done in [pool.submit(obstore.put, ground.store, key, body) for key, body in puts]:
            done.result()
    newest = made.refresh().metadata_location.rpartition("/")[2]
    for index, folder in enumerate(places["iceberg"]):
        catalog.register_table(f"ticks.t{index}", f"s3://{BUCKET}/{folder}metadata/{newest}")


def clear(ground: Ground) -> None:
    """Remove what `fill` made, so that it can be made again."""
    catalog = load_catalog("default", **ground.iceberg)
    for name in catalog.list_tables("ticks"):
        catalog.drop_table(name)
    ground.clear("ticks/")


def change(ground: Ground, places: dict[str, list[str]], few: int) -> None:
    """Append to so many tables, a third of each format."""
    catalog = load_catalog("default", **ground.iceberg)
    for index in range(few // len(FORMATS)):
        write_deltalake(
            f"s3://{BUCKET}/{places['delta'][index]}", ROWS, mode="append", storage_options=ground.options
        )
        catalog.load_table(f"ticks.t{index}").append(ROWS.to_arrow())
        obstore.put(ground.store, f"{places['parquet'][index]}b.parquet", _file())


def _url(folder: str) -> bytes:
    return f"s3://{BUCKET}/{folder}".rstrip("/").encode()


def _file() -> bytes:
    body = io.BytesIO()
    ROWS.write_parquet(body)
    return body.getvalue()


def _share(form: str, count: int) -> int:
    """A third; what is over is of the first formats."""
    return count // len(FORMATS) + (FORMATS.index(form) < count % len(FORMATS))
