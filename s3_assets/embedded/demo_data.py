"""The demo's data: the orders and payments of a shop, the same ones each time, in two waves."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

FIRST_DATE = date(2026, 1, 5)
DAYS = 14
ROWS = 300_000
LEAST_ROWS = 1_000
WAVES = (1, 2)
# The second wave brings these last days, and what is late for earlier ones.
NEW_DAYS = 3
LATE_ORDER_DAYS = (2, 5, 6, 9)
LATE_PAYMENT_DAYS = (1, 6, 10)
LATE_SHARE = 0.04

_COUNTRIES = ("DE", "FR", "ES", "IT", "NL", "PL", "SE", "AT")
_CATEGORIES = ("books", "garden", "games", "kitchen", "music", "office", "sports", "toys")
_METHODS = ("card", "transfer", "wallet", "invoice")
_PRIME = 2_147_483_647
_DAY_SECONDS = 86_400


def orders(rows: int = ROWS) -> pl.DataFrame:
    """Return the orders of a demo of so many rows in all, with the wave that brings each one."""
    import polars as pl

    return (
        pl.select(order_id=pl.int_range(1, rows * 3 // 5 + 1, dtype=pl.Int64))
        .lazy()
        .with_columns(day=_below(DAYS, 1))
        .with_columns(
            # Two draws added up: few orders at night, most in the afternoon.
            second=((_noise(2) + _noise(3)) / 2 * _DAY_SECONDS).cast(pl.Int64).clip(0, _DAY_SECONDS - 1),
            wave=_wave(LATE_ORDER_DAYS, 4),
        )
        .select(
            "order_id",
            _date(),
            _moment(pl.col("second")).alias("ordered_at"),
            (_below(9_000, 5) + 1_000).alias("customer_id"),
            _pick(_COUNTRIES, 6).alias("country"),
            _pick(_CATEGORIES, 7).alias("category"),
            (_below(5, 8) + 1).cast(pl.Int32).alias("quantity"),
            (3 + _noise(9) * _noise(10) * 180).round(2).alias("unit_price"),
            "wave",
        )
        .collect()
    )


def payments(of: pl.DataFrame) -> pl.DataFrame:
    """Return the payments of two orders in three, with the wave that brings each one."""
    import polars as pl

    return (
        of.lazy()
        .filter(_noise(11) < 2 / 3)
        .with_columns(
            day=(pl.col("date") - pl.lit(FIRST_DATE)).dt.total_days(),
            order_wave=pl.col("wave"),
        )
        .with_columns(wave=_wave(LATE_PAYMENT_DAYS, 12))
        .select(
            (pl.col("order_id") + 5_000_000).alias("payment_id"),
            "order_id",
            "date",
            (pl.col("ordered_at") + pl.duration(seconds=_below(7_200, 13) + 5)).alias("paid_at"),
            _pick(_METHODS, 14).alias("method"),
            (pl.col("quantity") * pl.col("unit_price")).round(2).alias("amount"),
            # Nobody pays for an order before it is known.
            pl.max_horizontal("wave", "order_wave").alias("wave"),
        )
        .collect()
    )


def is_late() -> pl.Expr:
    """Tell of a row of the second wave whether its date had been delivered before."""
    import polars as pl

    return (pl.col("wave") == WAVES[1]) & (pl.col("date") < FIRST_DATE + timedelta(days=DAYS - NEW_DAYS))


def _noise(seed: int) -> pl.Expr:
    """A number in [0, 1) for each order: by arithmetic only, so that every machine makes the same."""
    import polars as pl

    mixed = (pl.col("order_id") * 48_271 + seed * 69_621) % _PRIME
    for _ in range(2):
        mixed = (mixed * mixed + seed) % _PRIME
        mixed = (mixed * 16_807) % _PRIME
    return mixed / _PRIME


def _below(limit: int, seed: int) -> pl.Expr:
    import polars as pl

    return (_noise(seed) * limit).cast(pl.Int64)


def _pick(values: tuple[str, ...], seed: int) -> pl.Expr:
    """One of the values, the first ones far more often than the last."""
    import polars as pl

    index = (_noise(seed) * _noise(seed + 100) * len(values)).cast(pl.Int64)
    return index.replace_strict(dict(enumerate(values)), return_dtype=pl.String)


def _wave(late_days: tuple[int, ...], seed: int) -> pl.Expr:
    import polars as pl

    late = pl.col("day").is_in(late_days) & (_noise(seed) < LATE_SHARE)
    second = (pl.col("day") >= DAYS - NEW_DAYS) | late
    return pl.when(second).then(WAVES[1]).otherwise(WAVES[0]).cast(pl.Int8)


def _date() -> pl.Expr:
    import polars as pl

    return (pl.lit(FIRST_DATE) + pl.duration(days=pl.col("day"))).cast(pl.Date).alias("date")


def _moment(second: pl.Expr) -> pl.Expr:
    import polars as pl

    start = pl.lit(FIRST_DATE).cast(pl.Datetime("us", "UTC"))
    return start + pl.duration(days=pl.col("day"), seconds=second)
