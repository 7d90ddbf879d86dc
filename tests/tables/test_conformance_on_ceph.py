"""The heart of the conformance suite on the Ceph gateway; TABLES_ON=ceph runs all of it there."""

import pytest

from s3_assets.incremental.overwrite import overwrite
from tests.tables.formats import Format, Place
from tests.tables.test_conformance import DAY, DAYS, ROWS, rows_of, window


def test_another_writers_rows(table_format: Format, ceph_place: Place) -> None:
    table_format.write(ceph_place, ROWS, ["day"])

    table = table_format.table(ceph_place, DAY)

    assert rows_of(table.scan().collect()) == rows_of(ROWS)
    plan = table.plan(window=window(1, 3))
    assert plan.files == 2
    assert rows_of(plan.frame.collect()) == rows_of(ROWS.filter(ROWS["day"].is_in(DAYS[1:3])))


@pytest.mark.needs("write")
def test_a_window_is_overwritten_twice(table_format: Format, ceph_place: Place) -> None:
    table = table_format.table(ceph_place, DAY, ROWS.schema)
    overwrite(table, ROWS.lazy(), window=window(0, 6))
    before = table_format.files(ceph_place)
    new = ROWS.filter(ROWS["day"] == DAYS[2]).with_columns(text=ROWS["text"].head(2) + " anew")

    for _ in range(2):
        overwrite(table, new.lazy(), window=window(2, 3))

    expected = rows_of(ROWS.filter(ROWS["day"] != DAYS[2])) + rows_of(new)
    assert rows_of(table_format.read(ceph_place, ROWS.schema)) == sorted(expected)
    assert len(before.items() & table_format.files(ceph_place).items()) == 5
