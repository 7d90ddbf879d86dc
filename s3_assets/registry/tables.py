"""Tables of a registry: what does not fit together about each of them, and about where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import S3AssetsError
from s3_assets.registry.problems import Problem, did_you_mean
from s3_assets.tables.partitioning import check_format

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from s3_assets.connection.settings import S3Connection
    from s3_assets.tables.any_settings import AnyTableSettings


def table_problems(
    tables: Mapping[str, AnyTableSettings],
    connections: Mapping[str, S3Connection],
    targets: Collection[str],
) -> Iterator[Problem]:
    """Yield what is wrong; `targets` are the tables that are written."""
    for name, table in tables.items():
        connection = connections.get(table.connection)
        if connection is None:
            hint = did_you_mean(table.connection, connections)
            yield Problem(
                ("tables", name, "connection"), f"there is no connection '{table.connection}'{hint}"
            )
        else:
            yield from _encryption(name, table, connection)
        yield from _partitions(name, table)
    yield from _places(tables, connections, targets)


def _places(
    tables: Mapping[str, AnyTableSettings],
    connections: Mapping[str, S3Connection],
    targets: Collection[str],
) -> Iterator[Problem]:
    """Two tables at one place, or one inside the other, are refused where one of them is written."""
    places: list[tuple[str, str]] = []
    for name, table in tables.items():
        connection = connections.get(table.connection)
        if connection is not None:
            where = connection.location.folder(table.path)
            places.append((f"{connection.endpoint or ''}|{where.url}", name))
    # Sorted, a folder comes before what lies in it: those around the present one form a stack, and each
    # table is looked at once.
    around: list[tuple[str, str]] = []
    for place, name in sorted(places):
        while around and not place.startswith(around[-1][0]):
            around.pop()
        written = next((each for each in reversed(around) if {name, each[1]} & {*targets}), None)
        if written is not None:
            inside = "are at one place" if place == written[0] else "lie inside each other"
            yield Problem(
                ("tables", name, "path"),
                f"the tables '{written[1]}' and '{name}' {inside}; give each its own path",
            )
        around.append((place, name))


def _encryption(name: str, table: AnyTableSettings, connection: S3Connection) -> Iterator[Problem]:
    """Engines read ranges of files, which encryption on the client does not have."""
    if connection.encryption.client_side is not None:
        engines = "Polars and delta-rs" if table.format == "delta" else "Polars"
        yield Problem(
            ("tables", name, "connection"),
            f"'{table.connection}' has encryption.client_side, and {engines} cannot read or write "
            f"{table.format} tables through it; use encryption.server_side, or another connection",
        )


def _partitions(name: str, table: AnyTableSettings) -> Iterator[Problem]:
    partitions = table.partitions
    if partitions is not None and partitions.format is not None:
        try:
            check_format(partitions, partitions.format, name)
        except S3AssetsError as error:
            yield Problem(("tables", name, "partitions", "format"), str(error))
