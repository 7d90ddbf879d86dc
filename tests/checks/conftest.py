"""Tables of three formats with checks, and the objects below them as any reader of the bucket sees them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

import polars as pl
import pytest

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.tables.table import Table
from s3_assets.windows import Every, Window
from tests.checks import work
from tests.incremental.ground import get_all
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

FORMATS = ("delta", "iceberg", "parquet")
ONE = FORMATS if EVERYTHING else ("iceberg",)
"""Where formats differ little: one of them in an ordinary run."""
_NUMBERS = count()


@dataclass
class Shore:
    """A bucket, and tables in it that are named as they are made."""

    endpoint: str
    bucket: str
    client: Any
    made: dict[str, Table[Any]] = field(default_factory=dict)

    def table(
        self,
        format_: str,
        checks: dict[str, Any] | None = None,
        *,
        path: str = "",
        rows: int = 0,
        **more: Any,
    ) -> Table[Any]:
        """A table; with the path of another one it is the same table, under other checks."""
        where = path or f"{format_}-{next(_NUMBERS)}/"
        return work.table(self.endpoint, self.bucket, format_, where, checks, rows=rows, **more)

    def objects(self, table: Table[Any]) -> dict[str, bytes]:
        """All that lies below a table but what is ours beside it: what any reader may see."""
        return {key: body for key, body in self.all(table).items() if not key.startswith("_s3_assets/")}

    def all(self, table: Table[Any]) -> dict[str, bytes]:
        """What is ours among it: cursors, marks, staged parts."""
        return get_all(work.store(self.endpoint, self.bucket), table.location.key)

    def parts(self, table: Table[Any]) -> set[str]:
        """The data files below a table, staged ones among them."""
        found = get_all(work.store(self.endpoint, self.bucket), table.location.key)
        return {key for key in found if ".parquet" in key and "_delta_log" not in key}


def orders(numbers: range, day: date = date(2026, 1, 1), **columns: list[Any]) -> pl.LazyFrame:
    """Sound rows, or with other columns."""
    plain: dict[str, list[Any]] = {
        "id": list(numbers),
        "day": [day] * len(numbers),
        "state": ["open"] * len(numbers),
        "amount": [float(number) for number in numbers],
        "at": [datetime(day.year, day.month, day.day, 12, tzinfo=UTC)] * len(numbers),
    }
    schema: dict[str, Any] = {
        "id": pl.Int64,
        "day": pl.Date,
        "state": pl.String,
        "amount": pl.Float64,
        "at": pl.Datetime("us", "UTC"),
    }
    return pl.LazyFrame({**plain, **columns}, schema=schema)


def day_window(first: int, last: int | None = None) -> Window:
    return Window(
        datetime(2026, 1, first, tzinfo=UTC), datetime(2026, 1, (last or first) + 1, tzinfo=UTC), Every.DAY
    )


@pytest.fixture
def shore(s3_server: EmbeddedServer, s3_client: Any, bucket: str) -> Shore:
    return Shore(s3_server.endpoint_url, bucket, s3_client)


@pytest.fixture
def counted(proxy: RequestProxy, bucket: str, s3_client: Any) -> Shore:
    """The same through a proxy that counts requests."""
    return Shore(proxy.endpoint, bucket, s3_client)


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    modules = ("polars", "deltalake", "pyarrow.parquet", "s3_assets.tables.delta", "tests.checks.work")
    with Zygote(modules) as zygote:
        yield zygote
