"""docs/io-managers.md: its registry is loaded, its assets are run, and hold what the page says."""

import re
import warnings
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from s3_assets.registry import Registry
from s3_assets.registry.loading import parse_registry
from tests.dagster_floor.conftest import Lake

PAGE = (Path(__file__).parents[2] / "docs" / "io-managers.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def declare(lake: Lake) -> None:
    (text,) = blocks("yaml")
    settings = parse_registry(text, Path("s3_assets.yaml"), {}).model_dump(mode="python", exclude_unset=True)
    connections = lake.registry.model_dump(mode="python", exclude_unset=True)["connections"]
    namespace: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        for code in blocks("python"):
            exec(code, namespace)  # noqa: S102 - what the page tells its readers to write
    assets = [each for each in namespace.values() if isinstance(each, dg.AssetsDefinition)]
    lake.use(Registry.model_validate({**settings, "connections": connections}), assets)


def test_the_assets_run_as_the_page_says(lake: Lake) -> None:
    declare(lake)
    for day in (1, 2):
        pl.DataFrame(
            {
                "order": [day, day + 10],
                "region": ["eu", "us"],
                "amount": [1.0 * day, 5.0],
                "note": ["a", "bc"],
            }
        ).write_parquet(
            lake.url(f"shop/orders/day=2026-01-0{day}/orders.parquet"), storage_options=lake.storage_options
        )

    lake.run("marts/words")
    lake.run("marts/sales", span=("eu|2026-01-01", "us|2026-01-02"))
    lake.run("marts/regions", partition="us")
    lake.run("marts/daily", partition="2026-01-01")
    lake.run("marts/daily", partition="2026-01-02")
    lake.run("marts/monthly", partition="2026-01-01")

    days = [date(2026, 1, 1), date(2026, 1, 2)]
    assert sorted(lake.rows("marts/words").rows()) == [(1, 1), (2, 1), (11, 2), (12, 2)]
    assert sorted(lake.rows("marts/sales").select("day", "region", "amount").rows()) == [
        (days[0], "eu", 1.0),
        (days[0], "us", 5.0),
        (days[1], "eu", 2.0),
        (days[1], "us", 5.0),
    ]
    assert lake.rows("marts/regions").select("region", "amount").rows() == [("us", 10.0)]
    assert sorted(lake.rows("marts/daily").select("day", "total").rows()) == [(days[0], 6.0), (days[1], 13.0)]
    assert lake.rows("marts/monthly").select("month", "days").rows() == [(days[0], 2)]
