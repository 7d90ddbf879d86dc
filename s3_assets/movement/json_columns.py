"""JSON columns: objects in text, or records, whose fields become columns of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from s3_assets.movement.casting import known_type, read_texts
from s3_assets.tables.schemas import instance
from s3_assets.tables.type_names import parse_type, type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from s3_assets.movement.load import Load

_MOST_COLUMNS = 500
_OBJECT = "\x01object"


class JsonField(BaseModel):
    """One value inside the objects."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    type: str = Field(description="The type of the new column; string keeps objects and lists as JSON.")
    path: str | None = Field(
        default=None,
        description="A JSONPath such as $.lines[0].sku; left out: the names that the key gives, with dots.",
    )

    @field_validator("type")
    @classmethod
    def _known(cls, text: str) -> str:
        return known_type(text)

    @field_validator("path")
    @classmethod
    def _readable(cls, path: str | None) -> str | None:
        import polars as pl

        if path is None:
            return None
        try:
            pl.Series(["{}"]).str.json_path_match(path)
        except pl.exceptions.PolarsError as error:
            raise ValueError(f"'{path}' is no JSONPath: {str(error).splitlines()[0]}") from None
        return path


class ExpandJson(BaseModel):
    """How the objects of one column become columns."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    columns: dict[str, JsonField] | None = Field(
        default=None,
        description="New columns: names inside the object (nested ones with dots) to their types; left out: "
        "those of the first rows, which are looked at for that.",
    )
    prefix: str | None = Field(
        default=None, description="What the new columns' names begin with; left out: the column's name and _."
    )
    sample_rows: int = Field(
        default=1000, ge=1, le=100_000, description="Without `columns`: how many rows are looked at."
    )
    levels: int = Field(
        default=1, ge=1, le=16, description="Without `columns`: how deep objects in objects are expanded."
    )
    keep: bool | None = Field(
        default=None,
        description="Keep the column itself; left out: it is kept if its fields were found in a sample.",
    )
    on_invalid: Literal["fail", "null"] = Field(
        default="fail", description="What to do with text that is no JSON object, and values of other types."
    )

    @model_validator(mode="before")
    @classmethod
    def _types_alone(cls, data: Any) -> Any:  # noqa: ANN401 - raw input
        columns = data.get("columns") if isinstance(data, dict) else None
        if not isinstance(columns, dict):
            return data
        fields = {key: {"type": each} if isinstance(each, str) else each for key, each in columns.items()}
        return {**data, "columns": fields}

    @field_validator("columns")
    @classmethod
    def _some(cls, columns: dict[str, JsonField] | None) -> dict[str, JsonField] | None:
        for name, each in (columns or {}).items():
            if each.path is None and (not all(name.split(".")) or "'" in name or "\\" in name):
                raise ValueError(f"'{name}' does not name a value; give it a `path`")
        return columns

    @property
    def keeps_column(self) -> bool:
        """Whether the column itself stays: what a sample did not show is not lost then."""
        return self.columns is None if self.keep is None else self.keep


def expand(
    frame: pl.LazyFrame, column: str, dtype: pl.DataType, settings: ExpandJson, load: Load, place: str
) -> pl.LazyFrame:
    """Add a column for each value inside the objects; null where an object has none.

    Text that is blank or null has no values. Raises `SchemaMismatchError` for a column that is neither text
    nor records, or for new names that are taken, and, when the rows are read, `RowsRefusedError` for text
    that is no JSON object and for values that their column's type does not have.
    """
    import polars as pl

    if not (dtype == pl.String() or isinstance(dtype, pl.Struct)):
        raise load.misfit(
            place,
            f"column '{column}' is {type_name(dtype)}",
            "Expand a column of text or records.",
        )
    objects = _Objects(load, place, settings.on_invalid)
    texts = pl.col(column) if dtype == pl.String() else pl.col(column).struct.json_encode()
    checked = texts.map_batches(objects, return_dtype=pl.String(), is_elementwise=True)
    fields = settings.columns
    if fields is None:
        fields = _sampled(frame.select(checked.alias(column)), settings)
        if len(fields) > _MOST_COLUMNS:
            raise load.misfit(
                place,
                f"{len(fields):,} fields were found in the first {settings.sample_rows:,} rows of '{column}'",
                f"Declare `columns`; a sample may show {_MOST_COLUMNS} at most.",
            )
    prefix = f"{column}_" if settings.prefix is None else settings.prefix
    names = {f"{prefix}{key if each.path else key.replace('.', '_')}": key for key, each in fields.items()}
    there = frame.collect_schema().names()
    load.require_free(place, names, [each for each in there if each != column or settings.keeps_column])
    if len(names) < len(fields):
        raise load.misfit(place, "two of the columns get one name", "Give one a `path`, and another key.")
    frame = frame.with_columns(checked.alias(_OBJECT))
    if not settings.keeps_column:
        frame = frame.drop(column)
    return frame.with_columns(
        read_texts(
            pl.col(_OBJECT).str.json_path_match(fields[key].path or json_path(key)),
            parse_type(fields[key].type),
            load,
            f"{place}.columns.{key}",
            on_failure=settings.on_invalid,
            name=name,
        ).alias(name)
        for name, key in names.items()
    ).drop(_OBJECT)


def json_path(names: str) -> str:
    """Return the JSONPath (RFC 9535) of names with dots between them."""
    return "$" + "".join(f"['{name}']" for name in names.split("."))


class _Objects:
    """Looks at batches of texts: blank ones become null, and those that are no objects null or an error."""

    def __init__(self, load: Load, place: str, on_invalid: str) -> None:
        self._load = load
        self._place = place
        self._on_invalid = on_invalid

    def __call__(self, texts: pl.Series) -> pl.Series:
        blank = (texts.str.strip_chars() == "").fill_null(value=True)
        objects = texts.str.json_path_match("$").str.starts_with("{").fill_null(value=False)
        failed = ~(objects | blank | (texts.str.strip_chars() == "null").fill_null(value=False))
        if self._on_invalid == "fail" and failed.any():
            raise self._load.refused(
                self._place,
                texts.filter(failed),
                "it has text that is no JSON object",
                "Correct the source, or set `on_invalid: null`.",
            )
        return texts.zip_with(objects, texts.clear(len(texts)))


def _sampled(texts: pl.LazyFrame, settings: ExpandJson) -> dict[str, JsonField]:
    """Return the fields of the first objects; what is nested deeper stays JSON text."""
    import polars as pl

    found = texts.drop_nulls().head(settings.sample_rows).collect(engine="streaming").to_series()
    if found.is_empty():
        return {}
    dtype = found.str.json_decode(infer_schema_length=None).dtype
    if not isinstance(dtype, pl.Struct):
        return {}
    return {
        ".".join(path) if all(map(_plain, path)) else "_".join(path): JsonField(
            type=type_name(leaf),
            path=None if all(map(_plain, path)) else "$" + "".join(f"[{_quoted(each)}]" for each in path),
        )
        for path, leaf in _leaves(dtype, (), settings.levels)
    }


def _leaves(
    record: pl.Struct, above: tuple[str, ...], levels: int
) -> Iterator[tuple[tuple[str, ...], pl.DataType]]:
    import polars as pl

    for field in record.fields:
        dtype, path = instance(field.dtype), (*above, field.name)
        if isinstance(dtype, pl.Struct) and len(path) < levels:
            yield from _leaves(dtype, path, levels)
        elif dtype.is_nested() or dtype == pl.Null():
            yield path, pl.String()
        else:
            yield path, dtype


def _plain(name: str) -> bool:
    return bool(name) and not set(name) & set(".'\\")


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
