"""What the daemon starts when somebody asks for it in the UI: a backfill of a range, a sensor."""

import polars as pl
import pytest

from tests.browser.browser import Browser
from tests.browser.shop import LATE, OF_LATER, ORDERS, PAYMENTS, REVENUE, Shop, day
from tests.support.extent import EVERYTHING

pytestmark = pytest.mark.skipif(
    not EVERYTHING, reason="a minute for the daemon's pauses; EVERYTHING=1 tries it"
)


def test_backfill_of_a_range(automatic_ui: Browser, shop: Shop) -> None:
    """Of one asset that lets a range be one run: three days, written by one commit."""
    ui = automatic_ui
    days = [day(number) for number in (8, 9, 10)]
    done, version = shop.rows(REVENUE)["date"].n_unique(), shop.table(REVENUE).version()
    ui.open(f"assets/{REVENUE}", "Latest materialization")

    ui.click("Materialize…")
    ui.enter("ex:", f"[{days[0]}...{days[-1]}]")
    ui.see("3 partitions")
    ui.click("Launch backfill")
    ui.see_gone("Launch backfill")

    ui.open(f"assets/{REVENUE}?view=partitions", f"Materialized ({done + 3})")
    ui.open("runs?view=backfills", "3 partitions", "Success")
    assert shop.table(REVENUE).version() == version + 1
    found = shop.rows(REVENUE).filter(pl.col("date").is_in(days))
    orders = shop.rows(ORDERS).filter(pl.col("date").is_in(days))
    assert found["orders"].sum() == orders.height
    assert found.height == orders.select("date", "country").n_unique()


def test_sensor_switched_on(automatic_ui: Browser, shop: Shop) -> None:
    """It sees that both sources have changed, and starts both imports."""
    ui = automatic_ui
    shop.deliver(OF_LATER & ~LATE)
    ui.open("automation", "shop_sources")

    ui.turn_switch(on=True)

    for table in (ORDERS, PAYMENTS):
        ui.open("runs", f"{table.replace('/', ' / ')}\nshop_sources\nSuccess")
    ui.open("automation", "shop_sources")
    ui.turn_switch(on=False)
    for table, rows in ((ORDERS, shop.orders), (PAYMENTS, shop.payments)):
        delivered = shop.delivered(rows)
        key = delivered.columns[0]
        assert shop.rows(table).select(delivered.columns).sort(key).equals(delivered.sort(key))
