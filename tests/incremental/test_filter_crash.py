"""Crash an import with filters and placement, run it again: every row is there once, and on its day.

Every eighth write of a second run into Delta is crashed behind; with EVERYTHING=1 in the environment each,
before each request as well, first runs, and folders of Parquet files as targets.
"""

import hashlib
import io
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import obstore
import polars as pl
import pyarrow.dataset
import pyarrow.fs
import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.incremental import import_work
from tests.incremental.folder_ground import FolderGround
from tests.incremental.ground import get_all, put_all
from tests.incremental.work import SOURCE
from tests.support.crash import KillVariant, crash_matrix
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(900)
VARIANTS = pytest.mark.parametrize("variant", ["kill_after", *(["kill_before"] if EVERYTHING else [])])
TARGETS = ["delta", "parquet"] if EVERYTHING else ["delta"]
RUNS = ["first", "second"] if EVERYTHING else ["second"]
EVERY = 1 if EVERYTHING else 16
# Ten rows in each wave, a minute apart from each other: the day turns in Tokyo in the middle of each.
MIDNIGHT, ROWS = 1_767_279_600, 10
Shaped = tuple[int, str, Decimal, date]


def moment(number: int) -> int:
    return MIDNIGHT + 60 * (number % ROWS - ROWS // 2)


def expected(waves: int) -> list[Shaped]:
    """What is to become of the rows, in plain Python."""
    return [
        (
            number,
            hashlib.sha256(f"{number}@example.org".encode()).hexdigest(),
            Decimal(f"{number}.50"),
            datetime.fromtimestamp(moment(number), ZoneInfo(import_work.ZONE)).date(),
        )
        for number in range(waves * ROWS)
    ]


class FilterGround(FolderGround):
    """Folders of files, one more in each, whose rows have what is to be taken out, digested and cast."""

    def _add_wave(self, bucket: str, wave: int) -> None:
        numbers = range((wave - 1) * ROWS, wave * ROWS)
        rows = {
            "id": list(numbers),
            "email": [f"{number}@example.org" for number in numbers],
            "price": [f"{number}.5" for number in numbers],
            "at": [moment(number) for number in numbers],
            "junk": [0] * ROWS,
        }
        buffer = io.BytesIO()
        pl.DataFrame(rows).write_parquet(buffer)
        obstore.put(self.store(bucket), f"{SOURCE}part-{wave}.parquet", buffer.getvalue())

    def shaped(self, target: str, prefix: str) -> list[Shaped]:
        """The target's rows as delta-rs or PyArrow alone reads them."""
        names = ["number", "email", "price", "day"]
        if target == "delta":
            found = self.handle(prefix).to_pyarrow_table(columns=names)
        else:
            place = pyarrow.fs.S3FileSystem(
                access_key="test", secret_key="test", endpoint_override=self.endpoint, region="us-east-1"
            )
            days = pyarrow.dataset.partitioning(pyarrow.schema([("day", pyarrow.date32())]), flavor="hive")
            where = f"{self.bucket}/{prefix}"
            files = pyarrow.dataset.dataset(where, filesystem=place, format="parquet", partitioning=days)
            found = files.to_table(columns=names)
        return sorted(zip(*(found[name].to_pylist() for name in names), strict=True))


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("target", TARGETS)
@VARIANTS
def test_a_filtered_and_placed_import(
    variant: KillVariant,
    target: str,
    run: str,
    s3_server: EmbeddedServer,
    s3_client: Any,
    proxy: RequestProxy,
    zygote: Zygote,
    record_property: Callable[[str, object], None],
) -> None:
    ground = FilterGround(s3_server.endpoint_url, s3_client)
    ground.make_sources()
    direct = {"endpoint": ground.endpoint, "bucket": ground.bucket, "target": target}
    work, waves = import_work.append_filtered, 1 if run == "first" else 2
    template: dict[str, bytes] = {}
    if run == "second":
        work(**direct, source_bucket=ground.sources[0], prefix="template/")
        template = get_all(ground.store(), "template/")

    def prepare(label: str) -> dict[str, Any]:
        put_all(ground.store(), f"{label}/", template)
        return {"prefix": f"{label}/"}

    def check(given: dict[str, Any]) -> None:
        prefix = given["prefix"]
        assert ground.shaped(target, prefix) == expected(waves)
        again = work(**direct, source_bucket=ground.sources[waves], prefix=prefix)
        assert again["rows"] == ROWS
        assert ground.shaped(target, prefix) == expected(waves + 1)
        if target == "delta":
            ground.require_clean(prefix)
        else:
            ground.require_clean_folder(prefix)

    given = {**direct, "endpoint": proxy.endpoint, "source_bucket": ground.sources[waves - 1]}
    report = crash_matrix(proxy, zygote, work, given, prepare, check, variants=[variant], every=EVERY)

    name = f"{run} filtered import into {target}"
    print(f"{name}: {report.summary()}")  # noqa: T201 - the number of k's is the result
    record_property(name, report.summary())
    assert not report.failures, report.summary()
    assert report.killed(variant)
