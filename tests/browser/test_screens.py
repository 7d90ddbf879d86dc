"""What Dagster's UI shows of a shop at work, and the docs' pictures of it."""

import polars as pl

from s3_assets.embedded.demo_data import DAYS
from tests.browser.browser import Browser
from tests.browser.shop import DESCRIPTIONS, ORDERS, PAYMENTS, REVENUE, Shop, day

COLUMNS = {
    "payment_id": "int64",
    "order_id": "int64",
    "date": "date",
    "paid_at": "timestamp",
    "method": "string",
    "amount": "float64",
}


def test_materialize_by_a_click(ui: Browser, shop: Shop) -> None:
    before = shop.rows(ORDERS).height
    delivered = shop.orders.drop("wave").sort("order_id")
    ui.open(f"assets/{ORDERS}", f"Row count\n{before:,}")

    ui.click("Materialize")

    ui.see(f"Row count\n{delivered.height:,}")
    ui.see_rows(("s3_assets/rows_written", str(delivered.height - before)))
    assert shop.rows(ORDERS).select(delivered.columns).sort("order_id").equals(delivered)
    # The runs before had the payments with them.
    ui.open("runs", "lake / orders\nlake / orders\nManually launched\nSuccess")


def test_asset_page(ui: Browser, shop: Shop) -> None:
    size = sum(shop.landing.sizes(f"{PAYMENTS}/date=").values())

    ui.open(f"assets/{PAYMENTS}", "Every payment exactly once.", height=1000)

    ui.see(f"Row count\n{shop.rows(PAYMENTS).height:,}", f"s3://shop/{PAYMENTS}/", "Delta Lake")
    ui.see_rows(
        *((name, kind, *filter(None, [DESCRIPTIONS.get(name)])) for name, kind in COLUMNS.items()),
        ("s3_assets/version", str(shop.table(PAYMENTS).version())),
        ("dagster/size_bytes", str(size)),
    )
    ui.picture("asset")
    ui.click("Plots")
    ui.see("dagster/row_count", "s3_assets/rows_written")
    ui.scroll_to("Metadata")
    ui.picture("plots")


def test_lineage(ui: Browser, shop: Shop) -> None:
    """From the landing zone through imports, tables and a transformation to an export."""
    filled = [100 * days // DAYS for days in (shop.rows(REVENUE)["date"].n_unique(), shop.exported_days())]

    ui.open(
        f"assets/{REVENUE}?view=lineage&lineageDepth=4", "landing", "lake", "marts", "reports", height=700
    )

    ui.see(*(f"Partitions\n{share}% filled" for share in filled))
    ui.picture("lineage")


def test_partitions(ui: Browser, shop: Shop) -> None:
    rows = shop.rows(REVENUE)
    days = rows["date"].n_unique()
    chosen = day(4)

    ui.open(f"assets/{REVENUE}?view=partitions&partition={chosen}", f"Materialized ({days})")

    ui.see(f"Missing ({DAYS - days})")
    found = rows.filter(pl.col("date") == chosen).height
    ui.see_rows(("dagster/partition_row_count", str(found)))
    ui.picture("partitions")
