"""The pages that teach: each is followed from its first line to its last, and then the bucket is looked at.

quick-start.md and the pages below tasks/, concepts/ and migrate/. What a page should have led to is computed
from the rows that were delivered, and read with other software.
"""

import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.site.lake import CUSTOMERS, DAYS, ORDERS, PICTURE_SIZE, Lake
from tests.site.story import BEFORE, DOCS, Reader, blocks

PAGES = [
    "quick-start.md",
    *sorted(
        str(page.relative_to(DOCS))
        for room in ("tasks", "concepts", "migrate")
        for page in (DOCS / room).iterdir()
    ),
]


def orders(*days: str) -> list[dict[str, Any]]:
    return [row for row in ORDERS if row["day"] in (days or DAYS)]


def told(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    """The cells of these columns, in an order, days as text."""
    return sorted(
        tuple(cell.isoformat() if isinstance(cell, date) else cell for cell in (row[name] for name in names))
        for row in rows
    )


def revenue(*days: str, by: tuple[str, ...] = ("day", "country")) -> list[tuple[Any, ...]]:
    sums: dict[tuple[Any, ...], float] = {}
    for row in orders(*days):
        key = tuple(row[name] for name in by)
        sums[key] = sums.get(key, 0.0) + row["total"]
    return sorted((*key, total) for key, total in sums.items())


def quick_start(lake: Lake) -> None:
    rows = lake.rows("lake/orders")
    assert told(rows, "id", "country", "total", "day") == [
        ("A1", "DE", 20.0, DAYS[0]),
        ("A2", "FR", 35.5, DAYS[0]),
        ("B1", "DE", 12.0, DAYS[1]),
    ]
    assert lake.commits("lake/orders") == 2
    assert told(lake.rows("marts/revenue"), "day", "country", "total") == [
        (DAYS[0], "DE", 20.0),
        (DAYS[0], "FR", 35.5),
        (DAYS[1], "DE", 12.0),
    ]


def discovered(lake: Lake) -> None:
    del lake
    text = Path("s3_assets.yaml").read_text()
    assert "raw/orders" in text
    assert "raw/customers" in text


def imported(lake: Lake) -> None:
    rows = lake.rows("lake/orders")
    assert told(rows, "order_id", "country", "total", "day") == told(
        orders(), "id", "country", "total", "day"
    )
    assert "note" not in rows[0]
    assert {type(row["loaded_at"]).__name__ for row in rows} == {"datetime"}
    assert lake.commits("lake/orders") == 1


def mirrored(lake: Lake) -> None:
    assert told(lake.rows("lake/customers"), "id", "name") == told(CUSTOMERS, "id", "name")


def earned(lake: Lake) -> None:
    assert told(lake.rows("marts/revenue"), "day", "country", "total") == revenue()
    assert lake.commits("marts/revenue") == 2


def exported(lake: Lake) -> None:
    for day in DAYS:
        rows = lake.csv(f"exports/{day}/orders.csv")
        found = [(row["id"], row["country"], float(row["total"])) for row in rows]
        assert sorted(found) == told(orders(day), "id", "country", "total")
        assert "note" not in rows[0]
    assert {f"exports/{day}/_SUCCESS" for day in DAYS} <= {*lake.objects("exports/")}


def followed(lake: Lake) -> None:
    (row,) = lake.rows("lake/photos")
    assert (row["key"], row["width"], row["height"]) == ("raw/photos/shop.png", *PICTURE_SIZE)
    assert lake.body("archive/photos/shop.png") == lake.body("raw/photos/shop.png")


def backfilled(lake: Lake) -> None:
    rows = lake.rows("lake/daily_orders")
    assert told(rows, "id", "total", "day") == told(orders(), "id", "total", "day")


def scheduled(lake: Lake) -> None:
    del lake
    defs = definitions()
    assert [each.name for each in defs.schedules or ()] == ["customers_schedule"]
    assert [each.name for each in defs.sensors or ()] == ["lake_sources"]


def observed(lake: Lake) -> None:
    assert all(key.startswith("raw/") for key in lake.objects())


def migrated_revenue(lake: Lake) -> None:
    assert told(lake.rows("marts/revenue"), "day", "total") == revenue(by=("day",))
    assert lake.commits("marts/revenue") == 2


def migrated_parquet(lake: Lake) -> None:
    large = [row for row in orders() if row["total"] > 20]
    assert told(lake.parquet("assets/large_orders"), "id", "day") == told(large, "id", "day")


def migrated_iceberg(lake: Lake) -> None:
    from pyiceberg.catalog import load_catalog

    properties = {
        "s3.endpoint": lake.endpoint,
        "s3.access-key-id": "test",
        "s3.secret-access-key": "test",
        "s3.region": "us-east-1",
    }
    catalog = load_catalog("default", type="sql", uri="sqlite:///catalog.db", **properties)
    rows = catalog.load_table("shop.orders").scan().to_arrow().to_pylist()
    expected = [(row["id"], float(round(row["total"])), row["day"]) for row in orders(*DAYS[:2])]
    assert told(rows, "id", "total", "day") == sorted(expected)


def migrated_pickles(lake: Lake) -> None:
    assert told(lake.rows("tables/orders"), "id", "total") == [("A1", 20.0), ("A2", 35.5)]
    assert told(lake.rows("tables/large_orders"), "id", "total") == [("A2", 35.5)]


def loaded(lake: Lake) -> None:
    assert told(lake.rows("lake/orders"), "id", "total") == told(orders(), "id", "total")
    assert lake.commits("lake/orders") == 1


def loaded_and_exported(lake: Lake) -> None:
    loaded(lake)
    (key,) = [key for key in lake.objects("exports/") if key.endswith(".csv")]
    assert sorted(row["id"] for row in lake.csv(key)) == sorted(row["id"] for row in orders())


def loaded_as_parquet(lake: Lake) -> None:
    assert told(lake.parquet("lake/orders"), "id", "total", "day") == told(orders(), "id", "total", "day")


def nothing_written(lake: Lake) -> None:
    assert all(key.startswith("raw/") for key in lake.objects())


AFTERWARDS: dict[str, Callable[[Lake], None]] = {
    "quick-start.md": quick_start,
    "tasks/backfill.md": backfilled,
    "tasks/connect.md": nothing_written,
    "tasks/discover.md": discovered,
    "tasks/export.md": exported,
    "tasks/import.md": imported,
    "tasks/media.md": followed,
    "tasks/mirror.md": mirrored,
    "tasks/observe.md": observed,
    "tasks/recover.md": mirrored,
    "tasks/schedule.md": scheduled,
    "tasks/your-assets.md": earned,
    "concepts/exactly-once.md": nothing_written,
    "concepts/faults.md": nothing_written,
    "concepts/memory.md": nothing_written,
    "concepts/more-than-one-machine.md": loaded,
    "concepts/one-connection.md": nothing_written,
    "concepts/partitions.md": nothing_written,
    "concepts/threat-model.md": nothing_written,
    "migrate/airbyte.md": loaded_and_exported,
    "migrate/dagster-aws.md": migrated_pickles,
    "migrate/dagster-deltalake.md": migrated_revenue,
    "migrate/dagster-iceberg.md": migrated_iceberg,
    "migrate/dagster-polars.md": migrated_parquet,
    "migrate/dlt.md": loaded,
    "migrate/index.md": nothing_written,
    "migrate/sling.md": loaded_as_parquet,
}
"""What the bucket is like when the page has been followed."""


def definitions() -> dg.Definitions:
    """What the last command of Dagster has loaded."""
    found: dg.Definitions = sys.modules["s3_assets.definitions"].defs
    return found


@pytest.fixture
def lake(s3_client: Any, bucket: str, s3_server: EmbeddedServer) -> Lake:
    return Lake(s3_client, bucket, s3_server.endpoint_url)


@pytest.fixture
def reader(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Reader]:
    monkeypatch.chdir(tmp_path)
    for name, value in lake.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "dagster.yaml").write_text("telemetry: { enabled: false }\n")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield Reader(tmp_path, lake.bucket, lake.endpoint, capfd)
    sys.modules.pop("s3_assets.definitions", None)


def test_every_page_has_an_end() -> None:
    assert set(PAGES) == set(AFTERWARDS)


@pytest.mark.parametrize("page", PAGES)
def test_page_can_be_followed(page: str, reader: Reader, lake: Lake, request: pytest.FixtureRequest) -> None:
    if "engine: ray" in (DOCS / page).read_text():
        request.getfixturevalue("joined_ray")
        request.getfixturevalue("ray_keys")
    if page != "quick-start.md":
        lake.deliver()

    reader.follow(page)

    AFTERWARDS[page](lake)


@pytest.mark.parametrize("page", [each for each in PAGES if each.startswith("migrate/")])
def test_what_stood_before_is_code(page: str) -> None:
    """Their packages are not installed beside ours, since some of them exclude what we need."""
    for block in blocks(page):
        if block.title.startswith(BEFORE) and block.language == "python":
            compile(block.text, page, "exec")


@pytest.mark.filterwarnings(
    "ignore::dagster.BetaWarning",
    # Dagster's own word, while it sets up resources inside of resources.
    "ignore:InitResourceContext.dagster_run is deprecated:DeprecationWarning",
    "ignore:Function `get_s3_keys` is deprecated:DeprecationWarning",
)
def test_pickles_before(reader: Reader, lake: Lake) -> None:
    """dagster-aws is here: what its page shows as before is run."""
    before, sensor = [each.text for each in blocks("migrate/dagster-aws.md") if each.title.startswith(BEFORE)]
    lake.deliver()

    defs: dg.Definitions = reader.run_python(reader.own(before))["defs"]

    with dg.DagsterInstance.ephemeral() as instance:
        job = defs.resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(instance=instance).success
        names = reader.run_python(reader.own(sensor).replace('job_name="load_files"', 'job_name="any"'))
        context = dg.build_sensor_context(instance=instance)
        requested = [each.run_key for each in names["new_files"](context)]
    assert sorted(lake.objects("pickles/")) == ["pickles/large_orders", "pickles/orders"]
    assert sorted(requested) == lake.objects("raw/orders/")
