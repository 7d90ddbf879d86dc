"""A transformation of the user's own: what the shop took, by day and country."""

import dagster as dg
import polars as pl

DAYS = dg.DailyPartitionsDefinition(start_date="2026-01-05", end_date="2026-01-19")


@dg.asset(
    key=["marts", "daily_revenue"],
    ins={"orders": dg.AssetIn(["lake", "orders"]), "payments": dg.AssetIn(["lake", "payments"])},
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="marts",
)
def daily_revenue(orders: pl.LazyFrame, payments: pl.LazyFrame) -> pl.LazyFrame:
    """Join the orders of the run's days with their payments; only these days are read and replaced."""
    paid = payments.group_by("date", "order_id").agg(pl.col("amount").sum().alias("paid"))
    return (
        orders.with_columns((pl.col("quantity") * pl.col("unit_price")).alias("amount"))
        .join(paid, on=["date", "order_id"], how="left")
        .group_by("date", "country")
        .agg(
            pl.len().cast(pl.Int64).alias("orders"),
            pl.col("customer_id").n_unique().cast(pl.Int64).alias("customers"),
            pl.col("amount").sum().round(2).alias("revenue"),
            pl.col("paid").sum().round(2).alias("paid"),
            pl.col("paid").is_null().sum().cast(pl.Int64).alias("unpaid_orders"),
        )
        .sort("date", "country")
    )
