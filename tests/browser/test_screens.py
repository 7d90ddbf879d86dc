"""What Dagster's UI shows of a shop at work, and the docs' pictures of it."""

import polars as pl

from s3_assets.embedded.demo_data import DAYS
from tests.browser.browser import Browser
from tests.browser.shop import DESCRIPTIONS, LATE, ORDERS, PAYMENTS, PREVIEW_ROWS, REVENUE, Shop, day

COLUMNS = {
    "payment_id": ("int64", DESCRIPTIONS["payment_id"]),
    "order_id": ("int64", DESCRIPTIONS["order_id"]),
    "date": ("date", "partition column"),
    "paid_at": ("timestamp", DESCRIPTIONS["paid_at"]),
    "method": ("string",),
    "amount": ("float64", DESCRIPTIONS["amount"]),
}


def test_materialize_by_a_click(ui: Browser, shop: Shop) -> None:
    before = shop.rows(ORDERS).height
    shop.deliver(LATE)
    delivered = shop.delivered(shop.orders).sort("order_id")
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
