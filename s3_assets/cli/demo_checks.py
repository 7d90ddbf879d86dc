"""What a foreign reader sees: Polars' own Delta reader, without any code of ours."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl


@dataclass(frozen=True)
class Comparison:
    """A table as it is, against the rows that it should have."""

    expected: int
    found: int
    duplicates: int
    equal: bool


def compare(url: str, storage_options: "Mapping[str, str]", expected: "pl.DataFrame", key: str) -> Comparison:
    """Read a whole Delta table and compare every row of it with what was delivered."""
    import polars as pl

    columns = expected.columns
    found = pl.scan_delta(url, storage_options=dict(storage_options)).select(columns).collect()
    same = found.height == expected.height and found.sort(key).equals(expected.cast(found.schema).sort(key))
    return Comparison(expected.height, found.height, found.height - found[key].n_unique(), same)


def version_and_rows(url: str, storage_options: "Mapping[str, str]") -> tuple[int, int]:
    """Return a Delta table's version and rows."""
    import polars as pl
    from deltalake import DeltaTable

    version = DeltaTable(url, storage_options=dict(storage_options)).version()
    rows = pl.scan_delta(url, version=version, storage_options=dict(storage_options)).select(pl.len())
    return version, int(rows.collect().item())


def revenue(orders: "pl.DataFrame") -> float:
    """Add up what the orders are worth."""
    import polars as pl

    return float(orders.select((pl.col("quantity") * pl.col("unit_price")).sum()).item())
