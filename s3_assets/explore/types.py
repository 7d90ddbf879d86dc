"""Types as a registry spells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.tables.schemas import instance

if TYPE_CHECKING:
    import polars as pl


def type_name(dtype: pl.DataType) -> str:
    """Return the type's name in a registry's `columns`; those without one are described."""
    import polars as pl

    name = str(dtype).lower()
    if isinstance(dtype, pl.Datetime):
        name = "timestamp" if dtype.time_zone else "timestamp_ntz"
    elif isinstance(dtype, pl.Decimal):
        name = f"decimal[{dtype.precision}, {dtype.scale}]"
    elif isinstance(dtype, pl.List):
        name = f"list[{type_name(instance(dtype.inner))}]"
    elif isinstance(dtype, pl.Map):
        name = f"map[{type_name(instance(dtype.key))}, {type_name(instance(dtype.value))}]"
    elif isinstance(dtype, pl.Struct):
        fields = ", ".join(f"{field.name}: {type_name(instance(field.dtype))}" for field in dtype.fields)
        name = f"struct[{fields}]"
    elif isinstance(dtype, pl.Enum):
        name = f"enum[{', '.join(dtype.categories)}]"
    return name
