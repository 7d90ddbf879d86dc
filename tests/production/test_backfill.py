"""The backfill among kills with few assets and hours; `python -m benchmarks --only backfill` does a month."""

import pytest

from benchmarks import backfill
from tests.servers.programs import need
from tests.support.extent import EVERYTHING


@pytest.mark.skipif(
    not EVERYTHING, reason="Dagster's daemon is killed three times, which takes minutes: EVERYTHING=1"
)
@pytest.mark.timeout(1800)
def test_every_partition_is_there_once() -> None:
    need("pg_ctlcluster")

    table = backfill.compare(assets=10, hours=24)

    assert "| 240 of 240 |" in table
    assert "| rows missing, rows twice | 0, 0 |" in table
