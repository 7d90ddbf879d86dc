"""Drift of the schema: columns that are gone, that came, or that have another type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.checks.outcome import outcome
from s3_assets.tables.schemas import parse_types, widens
from s3_assets.tables.type_names import type_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from s3_assets.checks.outcome import CheckOutcome
    from s3_assets.checks.rules import Rule
    from s3_assets.tables.check_settings import SchemaCheck


def drift(
    rule: Rule,
    settings: SchemaCheck,
    found: pl.Schema,
    known: Mapping[str, str] | None,
    table: str,
) -> CheckOutcome:
    """Compare columns with those that are declared, or else with those that are `known`, as types by name.

    Raises `SchemaMismatchError` for a declared type that nobody knows.
    """
    expected = settings.columns if settings.columns is not None else known
    if expected is None:
        return outcome(rule, "nothing to compare with yet: no columns are declared or known", passed=True)
    types = parse_types(dict(expected), table)
    changes = []
    for name, dtype in types.items():
        if name not in found:
            changes.append(f"{name} is missing")
            continue
        if type_name(found[name]) == type_name(dtype):
            continue
        if settings.on_wider_type == "allow" and widens(dtype, found[name]):
            continue
        changes.append(f"{name} is {type_name(found[name])} instead of {type_name(dtype)}")
    if settings.on_extra_column == "fail":
        changes += [
            f"{name} ({type_name(dtype)}) has come" for name, dtype in found.items() if name not in types
        ]
    words = "; ".join(changes) or f"{len(found)} columns, as expected"
    return outcome(rule, words, passed=not changes)
