"""What a person does in Dagster's UI on a shop at work, what they see of it, and the docs' pictures of it."""

import polars as pl
import pytest

from s3_assets.embedded.demo_data import DAYS
from tests.browser import pictures
from tests.browser.browser import Browser
from tests.browser.processes import daemon
from tests.browser.shop import (
    BACKFILL_DAYS,
    DESCRIPTIONS,
    OF_LATER,
    ORDERS,
    PAYMENTS,
    PREVIEW_ROWS,
    REVENUE,
    Shop,
    day,
)
from tests.support.extent import EVERYTHING

COLUMNS = {
    "payment_id": ("int64", DESCRIPTIONS["payment_id"]),
    "order_id": ("int64", DESCRIPTIONS["order_id"]),
    "date": ("date", "partition column"),
    "paid_at": ("timestamp", DESCRIPTIONS["paid_at"]),
    "method": ("string",),
    "amount": ("float64", DESCRIPTIONS["amount"]),
}
RANGE = [day(number) for number in BACKFILL_DAYS]


def test_lineage(ui: Browser, shop: Shop) -> None:
    """From the landing zone through imports, tables and a transformation to an export."""
    filled = [100 * days // DAYS for days in (shop.rows(REVENUE)["date"].n_unique(), shop.exported_days())]

    ui.open(
        f"assets/{REVENUE}?view=lineage&lineageDepth=4", "landing", "lake", "marts", "reports", height=700
    )

    ui.see(*(f"Partitions\n{share}% filled" for share in filled))
    ui.picture("lineage")


# Four processes of Dagster and a browser share the machine with other tests.
@pytest.mark.timeout(600)
def test_runs_by_hand_for_a_range_and_by_a_sensor(ui: Browser, shop: Shop) -> None:
    """New orders and payments come, and each way to start a run does its part.

    The daemon comes when both of its tasks are there: it looks at them at once, and then after half a minute.
    """
    version = shop.table(REVENUE).version()
    done = shop.rows(REVENUE)["date"].n_unique()
    shop.deliver(OF_LATER)

    _materialize_payments(ui, shop)
    _see_asset(ui, shop)
    _choose_range(ui)
    ui.click("Launch backfill")
    ui.see_gone("Launch backfill")
    ui.open("automation", "shop_sources")
    ui.turn_switch(on=True)

    with daemon(shop.home, shop.variables):
        ui.open("runs", f"{ORDERS.replace('/', ' / ')}\nshop_sources\nSuccess")
        _see_backfilled(ui, shop, done + len(RANGE))
        _see_by_daemon(ui)
    assert shop.table(REVENUE).version() == version + 1
    _see_imported(shop, ORDERS, shop.orders)


def _materialize_payments(ui: Browser, shop: Shop) -> None:
    """Press the button, and see how many rows came."""
    before, rows = shop.rows(PAYMENTS).height, shop.delivered(shop.payments).height
    ui.open(f"assets/{PAYMENTS}", f"Row count\n{before:,}", height=1000)
    ui.click("Materialize")
    ui.see(f"Row count\n{rows:,}")
    ui.see_rows(("s3_assets/rows_written", str(rows - before)))
    _see_imported(shop, PAYMENTS, shop.payments)


def _see_asset(ui: Browser, shop: Shop) -> None:
    """See on the page of payments what the run has told."""
    size = sum(shop.landing.sizes(f"{PAYMENTS}/date=").values())
    ui.see("Every payment exactly once.", f"s3://shop/{PAYMENTS}/", "Delta Lake")
    ui.see_rows(
        *((name, *told) for name, told in COLUMNS.items()),
        ("s3_assets/version", str(shop.table(PAYMENTS).version())),
        ("dagster/size_bytes", str(size)),
        tuple(COLUMNS),  # the titles of the preview
    )
    ui.picture("asset")
    ui.scroll_to("s3_assets/preview")
    _see_preview(ui, shop.payments)
    ui.picture("preview")
    ui.click("Plots")
    ui.see("dagster/row_count", "s3_assets/rows_written")
    ui.scroll_to("Metadata")
    ui.picture("plots")


def _see_preview(ui: Browser, delivered: pl.DataFrame) -> None:
    """See rows of the preview that were delivered just so."""
    found = [row for row in ui.rows if len(row) == len(COLUMNS) and row[0].isdigit()]
    assert len(found) == PREVIEW_ROWS
    for number, *values in found:
        row = delivered.row(by_predicate=pl.col("payment_id") == int(number), named=True)
        assert values == [str(row[name]) for name in list(COLUMNS)[1:]]


def _choose_range(ui: Browser) -> None:
    """Open the dialog of an asset that lets a range be one run."""
    ui.open(f"assets/{REVENUE}", "Latest materialization")
    ui.click("Materialize…")
    ui.enter("ex:", f"[{RANGE[0]}...{RANGE[-1]}]")
    ui.see(f"{len(RANGE)} partitions")


def _see_backfilled(ui: Browser, shop: Shop, days: int) -> None:
    """See the days that are there now, and what the run told of the first of its range."""
    page = f"assets/{REVENUE}?view=partitions"
    ui.open(page, f"Materialized ({days})", f"Missing ({DAYS - days})")
    # The counts follow what happens, a partition's details do not.
    ui.open(f"{page}&partition={RANGE[0]}", f"Materialized ({days})")
    found = shop.rows(REVENUE).filter(pl.col("date").is_in(RANGE))
    orders = shop.delivered(shop.orders).filter(pl.col("date").is_in(RANGE))
    assert found["orders"].sum() == orders.height
    assert found.height == orders.select("date", "country").n_unique()
    of_first = found.filter(pl.col("date") == RANGE[0]).height
    ui.see_rows(("dagster/partition_row_count", str(of_first)))
    ui.picture("partitions")


def _see_by_daemon(ui: Browser) -> None:
    """See what needs the daemon's second look, and take the pictures of what it does."""
    if EVERYTHING:
        ui.open("runs?view=backfills", f"{len(RANGE)} partitions", "Success")
    if EVERYTHING or pictures.WANTED:
        ui.open("automation", "shop_sources", height=320)
        ui.picture("sensor")
        ui.turn_switch(on=False)
    if pictures.WANTED:
        _choose_range(ui)
        ui.fold("Warnings")  # on the run launcher of this test
        ui.picture("backfill")


def _see_imported(shop: Shop, table: str, rows: pl.DataFrame) -> None:
    delivered = shop.delivered(rows)
    key = delivered.columns[0]
    assert shop.rows(table).select(delivered.columns).sort(key).equals(delivered.sort(key))
