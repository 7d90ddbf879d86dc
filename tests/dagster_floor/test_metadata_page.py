"""docs/dagster-metadata.md: its registry is run, and whatever it names is there."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import deltalake
import polars as pl

from s3_assets.registry.loading import parse_registry
from tests.dagster_floor.conftest import Lake, key
from tests.support.markdown import cells

PAGE = (Path(__file__).parents[2] / "docs" / "dagster-metadata.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def named(heading: str) -> set[str]:
    """The metadata that the table below a heading names."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"`((?:dagster|s3_assets)/\w+)`", section))


def declare(lake: Lake, folder: Path) -> None:
    connection = lake.registry.connections["lake"]
    (folder / "observing.py").write_text(block("python"), encoding="utf-8")
    registry = parse_registry(block("yaml"), folder / "s3_assets.yaml", {})
    lake.use(registry.model_copy(update={"connections": {"lake": connection}}))


def sell(lake: Lake) -> None:
    frame = pl.DataFrame(
        {
            "id": [1, 2],
            "amount": [10.0, 20.0],
            "customer": ["Zoë", "Mia"],
            "email": ["zoe@example.org", "mia@example.org"],
            "at": [datetime(2026, 1, day, 12, tzinfo=UTC) for day in (5, 6)],
        }
    )
    deltalake.write_deltalake(
        lake.url("landing/orders"), frame, mode="append", storage_options=lake.storage_options
    )


def test_everything_that_the_page_names_is_told(lake: Lake, tmp_path: Path) -> None:
    declare(lake, tmp_path)
    sell(lake)
    found = lake.metadata(lake.run("lake/orders"), "lake/orders")
    sell(lake)
    again = lake.metadata(lake.run("lake/orders"), "lake/orders")
    specs = {"/".join(spec.key.path): spec for spec in lake.definitions.resolve_all_asset_specs()}

    declared = {name for spec in specs.values() for name in spec.metadata}
    # The registry of the page has no folder of files that declares its columns.
    assert named("When the definitions are loaded") - declared == {"dagster/column_schema"}
    # An append has no partitions, and its first run no cursor yet.
    assert named("With each run") - {*found, *again} == {"dagster/partition_row_count"}
    assert specs["landing/orders"].owners == ["team:sales"]
    (total,) = (each for each in found["dagster/column_schema"].columns if each.name == "total")
    assert (total.type, total.description) == ("float64", "With tax, in euros.")
    # Neither the customer, nor what it has become, nor the column that no table shows.
    titles, *rows = cells(found["s3_assets/preview"])
    assert titles == ["id", "total", "at", "loaded_at", "day"]
    assert len(rows) == 2
    origins = {row[0]: row[1:] for row in cells(found["s3_assets/columns_from"])}
    assert origins["day"] == ["at", "start of its day (UTC)"]
    assert lake.rows("lake/orders")["day"].unique().sort().to_list() == [date(2026, 1, 5), date(2026, 1, 6)]


def test_a_source_is_observed_by_a_schedule(lake: Lake, tmp_path: Path) -> None:
    declare(lake, tmp_path)
    sell(lake)
    schedule = lake.definitions.get_repository_def().get_schedule_def("observe_sources_schedule")
    job: Any = lake.definitions.resolve_job_def(schedule.job_name)
    job.execute_in_process(instance=lake.instance)

    (record,) = lake.instance.fetch_observations(key("landing/orders"), limit=2).records
    assert record.asset_observation is not None
    told = record.asset_observation.metadata
    assert told["dagster/row_count"].value == 2
    assert isinstance(told["dagster/size_bytes"], dg.IntMetadataValue)
    schema: Any = told["s3_assets/columns"].value
    assert {each.name for each in schema.columns} >= {"id", "amount"}
