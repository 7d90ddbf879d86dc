"""docs/io-managers.md: its registry is loaded, its assets are run, and hold what the page says."""

from datetime import date
from pathlib import Path

import polars as pl

from tests.dagster_floor.conftest import Lake

PAGE = (Path(__file__).parents[2] / "docs" / "io-managers.md").read_text(encoding="utf-8")


def test_the_assets_run_as_the_page_says(lake: Lake) -> None:
    lake.follow(PAGE)
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
