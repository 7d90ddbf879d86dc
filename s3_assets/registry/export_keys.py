"""The exports of a registry beside each other and beside tables: nobody's keys may be another's."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.exports.key_checks import folder_of, key_problems
from s3_assets.exports.key_space import KeySpace, PartitionKeys
from s3_assets.exports.key_template import KeyTemplate, Text
from s3_assets.exports.meeting import common_key, key_inside
from s3_assets.exports.units import ExportMode
from s3_assets.registry.export_checks import own_problems
from s3_assets.registry.problems import Problem
from s3_assets.tables.partitioning import key_format
from s3_assets.windows import Every

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from s3_assets.connection.settings import S3Connection
    from s3_assets.registry.exports import ExportSettings
    from s3_assets.registry.imports import ImportSettings
    from s3_assets.registry.media import MediaSettings
    from s3_assets.tables.settings import TableSettings

SUCCESS = "_SUCCESS"


def export_problems(
    exports: Mapping[str, ExportSettings],
    connections: Mapping[str, S3Connection],
    tables: Mapping[str, TableSettings],
    imports: Mapping[str, ImportSettings],
    media: Mapping[str, MediaSettings],
) -> Iterator[Problem]:
    """Yield what does not fit together: of each export, of two of them, and of one and a table."""
    scheduled = {
        name.replace("/", "_"): f"the {kind} '{name}'"
        for kind, section in (("import", imports), ("media set", media))
        for name, each in section.items()
        if each.schedule is not None
    }
    for name, each in exports.items():
        if name in tables:
            text = "a table is called so, and both would be one asset; rename the export"
            yield Problem(("exports", name), text)
        if each.schedule is not None:
            this = f"the export '{name}'"
            # Names of Dagster's schedules know no slashes.
            other = scheduled.setdefault(name.replace("/", "_"), this)
            if other != this:
                text = f"its name in Dagster would be that of {other}; rename the export"
                yield Problem(("exports", name, "schedule"), text)
        yield from own_problems(name, each, connections, tables)
    found = [files for name, each in exports.items() for files in _files(name, each, connections, tables)]
    yield from _meetings(found)
    yield from _folders(found, connections, tables, media)


class _Files(NamedTuple):
    """Files of an export: those with its rows, or its `_SUCCESS`."""

    export: str
    place: str
    """The server and bucket."""
    keys: KeySpace
    what: str


def _files(
    name: str,
    export: ExportSettings,
    connections: Mapping[str, S3Connection],
    tables: Mapping[str, TableSettings],
) -> Iterator[_Files]:
    """Yield what an export writes; nothing for one whose keys are wrong by themselves."""
    connection = connections.get(export.connection)
    source = tables.get(export.source) if export.source is not None else None
    if connection is None or (export.source is not None and source is None):
        return
    use = export.key_use(name, connection, source)
    template = export.template(use.mode)
    if any(True for _ in key_problems(template, use)):
        return
    partition_keys = None
    if use.partitions is not None and use.mode is ExportMode.PARTITIONS:
        utc = use.partitions.timezone == "UTC"
        repeated = not utc and use.partitions.every is Every.HOUR
        partition_keys = PartitionKeys(key_format(use.partitions.every), utc, repeated)
    one_off = use.mode is ExportMode.FULL

    def space(each: KeyTemplate) -> KeySpace:
        return KeySpace(use.folder, each, use.names, partition_keys, one_off)

    place = f"{connection.endpoint or ''}|{connection.location.bucket}"
    yield _Files(name, place, space(template), "files")
    if export.success_file:
        success = KeyTemplate((*folder_of(template).pieces, Text(SUCCESS)))
        yield _Files(name, place, space(success), SUCCESS)


def _meetings(found: list[_Files]) -> Iterator[Problem]:
    """Yield pairs of exports that can write one key, once each."""
    told: set[tuple[str, str]] = set()
    for one, other in combinations(found, 2):
        pair = one.export, other.export
        if one.place != other.place or pair in told or one.export == other.export:
            continue
        key = common_key(one.keys, other.keys)
        if key is None:
            continue
        told.add(pair)
        text = (
            f"the exports '{one.export}' and '{other.export}' can both write '{key}'; put "
            "{stream_name} into the keys, or give each its own path_prefix"
        )
        yield Problem(("exports", other.export, "key"), text)


def _folders(
    found: list[_Files],
    connections: Mapping[str, S3Connection],
    tables: Mapping[str, TableSettings],
    media: Mapping[str, MediaSettings],
) -> Iterator[Problem]:
    """Yield exports into folders of tables, and of copies: readers would take their files for their own."""
    folders = [
        *((f"the table '{name}'", each.connection, each.path) for name, each in tables.items()),
        *(
            (f"the copies of the media set '{name}'", each.copy_to.connection, each.copy_to.path_prefix)
            for name, each in media.items()
            if each.copy_to is not None
        ),
    ]
    for what, connection_name, path in folders:
        connection = connections.get(connection_name)
        if connection is None:
            continue
        folder = connection.location.folder(path)
        place = f"{connection.endpoint or ''}|{folder.bucket}"
        for each in found:
            key = key_inside(each.keys, folder.key) if each.place == place else None
            if key is not None:
                yield Problem(
                    ("exports", each.export, "key"),
                    f"the key '{key}' lies in the folder of {what}, '{folder.key}'; choose another "
                    "path_prefix or key",
                )
