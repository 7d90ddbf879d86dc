"""Which engine runs the rows of imports and exports, and what does not fit together about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from s3_assets.connection.references import REMEDY, written_out
from s3_assets.registry.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from s3_assets.connection.settings import S3Connection
    from s3_assets.registry.exports import ExportSettings
    from s3_assets.registry.imports import ImportSettings
    from s3_assets.tables.settings import TableSettings


class RunBy(BaseModel):
    """Who runs the rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True)

    engine: Literal["polars", "ray"] = Field(
        default="polars",
        description="polars: the process of the run; ray: workers of the cluster that `ray` names.",
    )

    @property
    def distributed(self) -> bool:
        """Whether workers of a cluster run them."""
        return self.engine != "polars"


def engine_problems(
    connections: Mapping[str, S3Connection],
    tables: Mapping[str, TableSettings],
    imports: Mapping[str, ImportSettings],
    exports: Mapping[str, ExportSettings],
) -> Iterator[Problem]:
    """Yield what workers could not be asked to do, and secrets that would be sent to them."""
    sent: dict[str, str] = {}
    for name, each in imports.items():
        if not each.distributed:
            continue
        yield from _of_filters(("imports", name), each)
        for table in (each.source, each.target):
            if table in tables:
                sent.setdefault(tables[table].connection, f"import '{name}'")
    for name, export in exports.items():
        if not export.distributed:
            continue
        yield from _of_export(name, export)
        sent.setdefault(export.connection, f"export '{name}'")
        if export.source is not None and export.source in tables:
            sent.setdefault(tables[export.source].connection, f"export '{name}'")
    for name, whom in sent.items():
        for path in written_out(connections[name]) if name in connections else ():
            yield Problem(
                ("connections", name, *path),
                f"the {whom} runs on Ray, and this secret would be sent to its workers. {REMEDY}",
            )


def _of_export(name: str, settings: ExportSettings) -> Iterator[Problem]:
    path = ("exports", name)
    if settings.source is None:
        yield Problem(
            (*path, "engine"), "without a source there is nothing that could be cut; leave engine out"
        )
    elif settings.split is None:
        yield Problem(
            (*path, "engine"),
            "each worker writes files of its own, and without 'split' a unit is one file; add split",
        )
    yield from _of_filters(path, settings)


def _of_filters(path: tuple[str, ...], settings: ImportSettings | ExportSettings) -> Iterator[Problem]:
    if settings.filters is None:
        return
    for column, each in settings.filters.expand_json.items():
        if each.columns is None:
            yield Problem(
                (*path, "filters", "expand_json", column),
                "each worker reads other rows, which a sample may give other columns; declare columns",
            )
    for secret in written_out(settings.filters):
        yield Problem((*path, "filters", *secret), f"this secret would be sent to workers. {REMEDY}")
