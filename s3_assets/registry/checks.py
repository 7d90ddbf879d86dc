"""Checks of a registry's tables: columns that they do not have, and what cannot be told when it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.checks.rules import rules
from s3_assets.registry.problems import Problem, did_you_mean
from s3_assets.tables.check_settings import FreshnessCheck, RowCountCheck
from s3_assets.tables.settings import FolderSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from s3_assets.checks.rules import Rule
    from s3_assets.tables.any_settings import AnyTableSettings


def check_problems(tables: Mapping[str, AnyTableSettings]) -> Iterator[Problem]:
    """Yield what is wrong with the checks of each table."""
    for name, table in tables.items():
        declared = rules(table.checks)
        if not declared:
            continue
        known = _columns(table)
        taken: dict[str, Rule] = {}
        for rule in declared:
            here = ("tables", name, "checks", *rule.path)
            if rule.name in taken:
                yield Problem(here, f"another check of the table is called '{rule.name}' as well; rename one")
            taken[rule.name] = rule
            if known is not None and rule.path != ("schema",):
                for column in (each for each in rule.columns if each not in known):
                    hint = did_you_mean(column, sorted(known))
                    yield Problem(here, f"the table has no column '{column}'{hint}")
            yield from _early(here, rule, table)


def _columns(table: AnyTableSettings) -> set[str] | None:
    """Return the columns of a table as far as its settings say them; None if they do not say all."""
    schema = table.checks.schema_ if table.checks is not None else None
    columns: set[str] | None = None
    if isinstance(table, FolderSettings) and table.columns is not None:
        columns = {*table.columns, *table.reader_columns, *(table.partition_by or ())}
    elif schema is not None and schema.columns is not None and schema.on_extra_column == "fail":
        columns = {*schema.columns}
    if columns is not None and table.partitions is not None:
        columns.add(table.partitions.column)
    return columns


def _early(here: tuple[str | int, ...], rule: Rule, table: AnyTableSettings) -> Iterator[Problem]:
    settings = rule.settings
    if isinstance(settings, RowCountCheck) and settings.per == "partition" and table.partitions is None:
        yield Problem((*here, "per"), "the table declares no partitions; add them, or leave per out")
    if not settings.before_commit:
        return
    if isinstance(settings, FreshnessCheck) and settings.column is None:
        yield Problem(
            (*here, "before_commit"),
            "the time of a commit is not known before it; name a column, or leave before_commit out",
        )
    if isinstance(table, FolderSettings):
        partitions = table.partitions
        read_only = {
            "reader_columns": bool(table.reader_columns),
            "max_files": table.max_files is not None,
            "partitions.folders": partitions is not None and partitions.folders is not None,
        }
        found = next((field for field, there in read_only.items() if there), None)
        if found is not None:
            yield Problem(
                (*here, "before_commit"),
                f"a table with {found} is never written, so that nothing is ever committed; leave it out",
            )
