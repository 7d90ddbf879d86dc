"""What does not fit together about one export of a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import S3AssetsError
from s3_assets.exports.key_checks import key_problems
from s3_assets.exports.units import ExportMode
from s3_assets.object_options import check_options
from s3_assets.registry.problems import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from s3_assets.connection.settings import S3Connection
    from s3_assets.registry.exports import ExportSettings
    from s3_assets.tables.settings import TableSettings


def own_problems(
    name: str,
    export: ExportSettings,
    connections: Mapping[str, S3Connection],
    tables: Mapping[str, TableSettings],
) -> Iterator[Problem]:
    """Yield what does not fit together; the connection and the table that it names may be missing."""
    connection = connections.get(export.connection)
    if connection is None:
        hint = did_you_mean(export.connection, connections)
        yield _problem(name, "connection", f"there is no connection '{export.connection}'{hint}")
    else:
        try:
            check_options(export.object, connection)
        except S3AssetsError as error:
            yield _problem(name, "object", f"{error.found}; {error.remedy}")
    if export.source is not None and export.source not in tables:
        hint = did_you_mean(export.source, tables)
        yield _problem(name, "source", f"there is no table '{export.source}'{hint}")
        return
    source = tables[export.source] if export.source is not None else None
    yield from _of_codes(name, export) if source is None else _of_mode(name, export, source)
    if connection is not None:
        use = export.key_use(name, connection, source)
        for text in key_problems(export.template(use.mode), use):
            yield _problem(name, "key", text)


def _of_mode(name: str, export: ExportSettings, source: TableSettings) -> Iterator[Problem]:
    """Yield settings of other modes."""
    mode = export.mode_for(source)
    if mode is ExportMode.PARTITIONS and source.partitions is None:
        yield _problem(
            name,
            "mode",
            f"mode 'partitions' exports the partitions of '{export.source}', which declares none; add "
            "'partitions' with its column to it, or set another mode",
        )
    others = {"partitions": "the source's partitions are those of the export"}
    if mode is not ExportMode.PARTITIONS:
        others["partitions_per_run"] = f"mode '{mode}' is not run by partitions"
    yield from _left_out(name, export, others)
    if mode is not ExportMode.INCREMENTAL:
        why = f"mode '{mode}' reads the rows as they are now, in one commit"
        yield from _left_out(name, export, dict.fromkeys(("on_gap", "batch", "max_batches"), why))
    elif export.max_batches is not None and export.batch is None:
        yield _problem(name, "max_batches", "nothing says how large a batch is; add batch")


def _of_codes(name: str, export: ExportSettings) -> Iterator[Problem]:
    """Yield settings of exports that read a table."""
    rows = "without a source the rows are those of an asset of the code"
    read = f"{rows}, which reads them itself"
    others = {
        "filters": f"{rows}, which shapes them itself",
        **dict.fromkeys(("on_gap", "batch", "max_batches"), read),
        "schedule": f"{rows}, which is scheduled there",
        "partitions_per_run": f"{rows}, whose backfill_policy tells it",
        "on_new_data": f"{rows}, and no source is watched",
    }
    if export.mode is ExportMode.FULL:
        others["partitions"] = "mode 'full' is not run by partitions"
    yield from _left_out(name, export, others)


def _left_out(name: str, export: ExportSettings, fields: Mapping[str, str]) -> Iterator[Problem]:
    """Yield those of the fields that say something, with the reason why they must not."""
    silent = ("fail", False, None)
    for field, why in fields.items():
        if getattr(export, field) not in silent:
            yield _problem(name, field, f"{why}; leave {field} out")


def _problem(name: str, field: str, text: str) -> Problem:
    return Problem(("exports", name, field), text)
