"""One bit of an answer is another: what has a checksum ends in an error of ours, and nothing in a raw one.

TLS lets no such answer through. Over plain http only what the formats check themselves is found: gzip the
CRC-32 of its content (RFC 1952), a page or a block of a format without checksums only what it breaks. So rows
that differ are allowed for those formats alone; `docs/concepts/faults.md` has the shares.
"""

from collections import Counter
from collections.abc import Callable

import polars as pl
import pytest

from s3_assets.errors import S3AssetsError
from tests.faults.conftest import FORMATS, Operations
from tests.faults.faults import READS
from tests.faults.reads import ROWS, Preview
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy

CHECKED = ("csv.gz",)
"""What tells by itself that it was damaged."""
PLACES = 60 if EVERYTHING else 5
TRIED = [each.name for each in FORMATS if EVERYTHING or each.name in ("csv.gz", "parquet", "avro")]


@pytest.mark.parametrize("name", TRIED)
def test_a_flipped_bit_is_found_or_told_by_nobody(
    name: str, operations: Operations, proxy: RequestProxy, record_property: Callable[[str, object], None]
) -> None:
    operation = operations(f"read-{name}")
    assert isinstance(operation, Preview)
    proxy.reset()
    operation.check(operation.run(proxy.endpoint))
    answers = [each.bytes_out for each in proxy.requests() if each.method == "GET"]
    found: Counter[str] = Counter()
    for number in range(PLACES):
        # A place in all that was read: in this answer, so many bytes behind its beginning.
        at, within = _place(answers, sum(answers) * number // PLACES)
        proxy.reset()
        proxy.arm("flip", at, match=READS, cut_after=within)
        try:
            rows = operation.run(proxy.endpoint)
        except S3AssetsError as error:
            lacking = "" if error.remedy and error.table and error.connection else " without a place"
            found[type(error).__name__ + lacking] += 1
        else:
            same = rows.columns == ROWS.columns and sorted(rows.rows(), key=repr) == sorted(
                ROWS.rows(), key=repr
            )
            found["right" if same else "differs"] += 1
    print(f"{name}: {dict(found)}")  # noqa: T201 - the shares are the result
    record_property("flips", dict(found))
    proxy.reset()
    operation.check(operation.run(proxy.endpoint))

    assert not [each for each in found if "without" in each]
    if name in CHECKED:
        assert not found["differs"]


def _told(rows: pl.DataFrame) -> tuple[list[str], list[str]]:
    return rows.columns, sorted(map(repr, rows.rows()))


def _place(answers: list[int], offset: int) -> tuple[int, int]:
    for at, size in enumerate(answers, start=1):
        if offset < size:
            return at, offset
        offset -= size
    return len(answers), 0
