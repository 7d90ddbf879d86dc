"""The values of a text table's columns: which stand for null, and which formats their moments have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.explore.cells import NULLS, TELLING_NULLS
from s3_assets.explore.findings import Finding
from s3_assets.explore.moments import Formats, choose, epoch_unit, find_formats
from s3_assets.progress import count
from s3_assets.tables import text_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

Columns = dict[str, list[str]]
"""Each column's values as they stand in the text, in their order."""

_EPOCH = "%s"
_EXPLICIT_NULL = "\\N"
_DECIMAL_COMMA = re.compile(r"[+-]?\d{1,3}(\.?\d{3})*,\d+")
_DIGITS = re.compile(r"\d+")
_STAMP_DIGITS = (8, 12, 14)


class Values(NamedTuple):
    """Null values and formats as settings have them (None: the default), and the evidence."""

    null_values: tuple[str, ...] | None
    formats: dict[str, str]
    types: dict[str, pl.DataType]
    """Of delimited text: what the values are once nulls are left out, quoted or not."""
    findings: list[Finding]


def of_columns(columns: Mapping[str, Sequence[str]], *, delimited: bool) -> Values:
    """Return what the values tell; JSON has nulls of its own, and needs formats even for ISO."""
    import polars as pl

    null_values, findings = _nulls(columns) if delimited else (None, [])
    nulls = set(null_values if null_values is not None else ("",)) if delimited else set()
    present = {name: [each for each in values if each not in nulls] for name, values in columns.items()}
    formats, told = _formats(present, delimited=delimited)
    types = {
        name: text_values.guess(pl.Series(each, dtype=pl.String), formats.get(name))
        for name, each in present.items()
        if each
    }
    return Values(null_values, formats, types, [*findings, *told])


def _nulls(columns: Mapping[str, Sequence[str]]) -> tuple[tuple[str, ...] | None, list[Finding]]:
    seen: dict[str, list[str]] = {}
    for name, values in columns.items():
        distinct = set(values)
        tokens = [token for token in NULLS if token in distinct]
        telling = [token for token in tokens if token in TELLING_NULLS]
        if tokens and _typed([each for each in distinct if each and each not in NULLS]):
            telling = tokens
        for token in telling:
            seen.setdefault(token, []).append(name)
    if not seen:
        return None, []
    empty = [name for name, values in columns.items() if "" in values]
    keep_empty = _EXPLICIT_NULL not in seen or any(
        _typed([each for each in set(columns[name]) if each and each not in NULLS]) for name in empty
    )
    chosen = (*(("",) if keep_empty else ()), *seen)
    told = ", ".join(f"{token!r} in {', '.join(names[:3])}" for token, names in seen.items())
    return chosen, [Finding("null_values", f"beside values of other kinds stand {told}")]


def _typed(values: Sequence[str]) -> bool:
    """Tell whether values are something else than text."""
    import polars as pl

    if not values:
        return False
    texts = pl.Series(values, dtype=pl.String)
    return text_values.guess(texts, None) != pl.String or bool(find_formats(values)) or _comma(values)


def _formats(
    columns: Mapping[str, Sequence[str]], *, delimited: bool
) -> tuple[dict[str, str], list[Finding]]:
    found: dict[str, Formats] = {}
    findings: list[Finding] = []
    for name, values in columns.items():
        layouts, told = _layouts(name, values, delimited=delimited)
        if layouts:
            found[name] = Formats(layouts, tuple(values))
        findings += told
    chosen = choose(found)
    told = [
        Finding("formats", f"{name}: {evidence}", doubt)
        for name, (layout, evidence, doubt) in chosen.items()
        if layout != _EPOCH
    ]
    return {name: layout for name, (layout, _, _) in chosen.items()}, [*findings, *told]


def _layouts(name: str, values: Sequence[str], *, delimited: bool) -> tuple[tuple[str, ...], list[Finding]]:
    """Return the formats that read the values of a column that needs one, and what else is said of it.

    The reader finds ISO 8601 by itself in delimited text, not in JSON.
    """
    import polars as pl

    plain = text_values.guess(pl.Series(values, dtype=pl.String), None)
    if delimited and plain.is_integer():
        unit = epoch_unit(name, values)
        if unit == "seconds":
            return (_EPOCH,), [_epoch_seconds(name, values)]
        if unit:
            return (), [_epoch(name, values, unit)]
        return (find_formats(values) if _may_be_stamps(values) else ()), []
    if not delimited and plain.is_integer():
        return (find_formats(values) if _may_be_stamps(values) else ()), []
    if plain != pl.String and (delimited or not plain.is_temporal()):
        return (), []
    layouts = find_formats(values)
    return layouts, [_decimal_comma(name, values)] if not layouts and _comma(values) else []


def _may_be_stamps(values: Sequence[str]) -> bool:
    lengths = {len(each) for each in values}
    return len(lengths) == 1 and lengths <= set(_STAMP_DIGITS) and all(map(_DIGITS.fullmatch, values))


def _comma(values: Sequence[str]) -> bool:
    """Tell whether values are numbers with a decimal comma; one without a comma may be among them."""
    return any("," in each for each in values) and all(
        _DECIMAL_COMMA.fullmatch(each) or _DIGITS.fullmatch(each.lstrip("+-")) for each in values
    )


def _decimal_comma(name: str, values: Sequence[str]) -> Finding:
    example = next(each for each in values if "," in each)
    return Finding(
        "columns",
        f"{name}: numbers with a decimal comma, such as {example!r}, are read as strings",
        doubt=True,
    )


def _epoch_seconds(name: str, values: Sequence[str]) -> Finding:
    return Finding(
        "formats",
        f"{name}: {count(len(values), 'integer')} such as {values[0]} are seconds since 1970 (UTC), between "
        "2000 and 2100; without the format they are integers",
        doubt=True,
    )


def _epoch(name: str, values: Sequence[str], unit: str) -> Finding:
    return Finding(
        "columns",
        f"{name}: integers such as {values[0]} seem to be {unit} since 1970, and stay integers",
        doubt=True,
    )
