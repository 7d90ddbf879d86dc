"""The demo's data: the same each time, in two waves, with late rows in the second."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from s3_assets.embedded.demo_data import DAYS, is_late, orders, payments
from s3_assets.embedded.demo_landing import Landing
from s3_assets.embedded.server import EmbeddedServer


def test_same_each_time() -> None:
    first, second = orders(2_000), orders(2_000)

    assert_frame_equal(first, second)
    assert first.row(0)[0] == 1
    # By value, so that another release of Polars, or another machine, is noticed.
    assert int(first.select((pl.col("quantity") * pl.col("unit_price") * 100).round().sum()).item()) == CENTS


CENTS = 17_437_208


def test_shape() -> None:
    found = orders(30_000)
    paid = payments(found)

    assert found.height == 18_000
    assert 11_000 < paid.height < 13_000
    assert found["date"].n_unique() == DAYS
    assert found["order_id"].n_unique() == found.height
    assert paid["payment_id"].n_unique() == paid.height
    assert set(paid["order_id"]) <= set(found["order_id"])
    assert found.null_count().sum_horizontal().item() == 0
    per_day = found.group_by("date").len()["len"]
    assert int(per_day.min() or 0) > found.height / DAYS * 0.8  # type: ignore[arg-type]  # it is a count


def test_second_wave_has_new_days_and_late_rows() -> None:
    found = orders(30_000)
    for frame, days in ((found, 4), (payments(found), 6)):
        late = frame.filter(is_late())
        first, second = frame.filter(wave=1), frame.filter(wave=2)

        assert late["date"].n_unique() == days
        assert 0 < late.height < second.height
        assert set(late["date"]) <= set(first["date"])
        assert set(second["date"]) - set(late["date"]) - set(first["date"])


def test_no_payment_comes_before_its_order() -> None:
    found = orders(30_000)
    both = payments(found).join(found.select("order_id", order_wave="wave"), on="order_id")

    assert both.filter(pl.col("wave") < pl.col("order_wave")).height == 0


@pytest.fixture
def landing(s3_server: EmbeddedServer, bucket: str) -> Landing:
    return Landing(s3_server.endpoint_url, bucket)


def test_landing(landing: Landing, bucket: str) -> None:
    found = orders(3_000)
    told = [landing.land_orders(found.filter(wave=wave), "orders/") for wave in (1, 2)]
    paid = [landing.land_payments(payments(found).filter(wave=wave), "payments/") for wave in (1, 2)]

    sizes = landing.sizes("orders/")
    assert sum(each.files for each in told) == len(sizes)
    assert sum(each.bytes for each in told) == sum(sizes.values())
    assert [len(each.late_dates) for each in (*told, *paid)] == [0, 4, 0, 6]
    options = landing.storage_options
    files = pl.scan_parquet(
        f"s3://{bucket}/orders/", storage_options=options, hive_partitioning=True
    ).collect()
    table = pl.scan_delta(f"s3://{bucket}/payments", storage_options=options).collect()
    assert_frame_equal(files.select(found.columns[:-1]), found.drop("wave"), check_row_order=False)
    assert table.height == sum(each.rows for each in paid)
    assert landing.empty() > len(sizes)
    assert landing.sizes("") == {}
