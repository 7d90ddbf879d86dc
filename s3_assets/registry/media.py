"""Media sets as the registry declares them, and what does not fit together about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from s3_assets.errors import S3AssetsError
from s3_assets.media.inventory import COLUMNS
from s3_assets.media.selection import MediaSelection
from s3_assets.object_options import ObjectOptions, check_options
from s3_assets.registry.problems import Problem, did_you_mean
from s3_assets.registry.schedule import Started
from s3_assets.relative_path import Globs, RelativePath

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from s3_assets.connection.settings import S3Connection
    from s3_assets.media.media_set import MediaSet
    from s3_assets.registry.imports import ImportSettings
    from s3_assets.tables.settings import TableSettings
    from s3_assets.tables.table import Table

# Formats whose commits carry a cursor and keep every type of the inventory.
_FORMATS = ("delta", "iceberg", "parquet")


# What media sets could take for their own.
_FILES_OF_TABLES = ("part-00000.parquet", "_delta_log/0.json", "metadata/0.metadata.json", "metadata/0.avro")


class CopySettings(ObjectOptions):
    """Where objects are copied to, and how copies are written; what is left out is as in the source."""

    connection: str = Field(description="Name of the connection that writes the copies.")
    path_prefix: RelativePath = Field(
        description="Folder below the connection's url; paths below it are the source's."
    )
    on_deleted: Literal["keep", "delete"] = Field(
        default="keep", description="What becomes of the copy of an object that was deleted."
    )

    def options(self) -> ObjectOptions:
        """Return how the copies are written."""
        return ObjectOptions(**{name: getattr(self, name) for name in ObjectOptions.model_fields})


class MediaSettings(Started):
    """A media set: the objects of a prefix become rows of an inventory, and copies if that is asked for."""

    connection: str = Field(description="Name of the connection that reaches the objects.")
    path: RelativePath = Field(default="", description="Folder below the connection's url.")
    patterns: Globs = Field(
        default=(), description="Globs of paths below it, such as scans/**/*.tif; left out: all."
    )
    extensions: tuple[str, ...] = Field(default=(), description="Such as jpg, png; left out: all.")
    exclude: Globs = Field(default=(), description="Globs of what is left out of these.")
    target: str = Field(description="Name of the table that is the inventory; it is the asset.")
    copy_to: CopySettings | None = Field(default=None, description="Left out: nothing is copied.")
    on_deleted: Literal["mark", "remove", "fail"] = Field(
        default="mark", description="What becomes of the row of an object that was deleted."
    )
    max_deleted: int | None = Field(
        default=None, ge=0, description="Refuse a run that finds more objects gone than these."
    )
    on_archived: Literal["note", "fail"] = Field(
        default="note", description="What to do about objects whose bodies cannot be read (Glacier)."
    )
    at_once: int = Field(default=16, ge=1, le=256, description="Objects that are looked at in parallel.")
    batch: int = Field(default=20_000, ge=1, description="Objects of one commit.")

    @field_validator("extensions")
    @classmethod
    def _endings(cls, extensions: tuple[str, ...]) -> tuple[str, ...]:
        for each in extensions:
            if not each.strip(".") or "/" in each or "*" in each:
                raise ValueError(f"'{each}' is not an extension, such as jpg; patterns take globs")
        return extensions

    @property
    def selection(self) -> MediaSelection:
        """Which objects are taken."""
        return MediaSelection(self.patterns, self.extensions, self.exclude)

    def open(self, name: str, connections: Mapping[str, S3Connection], target: Table[Any]) -> MediaSet:
        """Return the media set, ready to run."""
        from s3_assets.media.copies import Copies
        from s3_assets.media.media_set import MediaSet
        from s3_assets.media.source import MediaSource

        copies = None
        if self.copy_to is not None:
            copies = Copies(
                name,
                connections[self.copy_to.connection],
                self.copy_to.path_prefix,
                self.copy_to.options(),
                self.copy_to.on_deleted,
            )
        return MediaSet(
            name,
            MediaSource(connections[self.connection], self.path, self.selection),
            target,
            copies,
            self.on_deleted,
            self.max_deleted,
            self.on_archived,
            self.at_once,
            self.batch,
        )


def media_problems(
    media: Mapping[str, MediaSettings],
    connections: Mapping[str, S3Connection],
    tables: Mapping[str, TableSettings],
    imports: Mapping[str, ImportSettings],
) -> Iterator[Problem]:
    """Yield what does not fit together; a table is the inventory of one media set, and no import's target."""
    taken = {each.target: f"the import '{name}'" for name, each in imports.items()}
    scheduled = {
        name.replace("/", "_"): f"the import '{name}'" for name, each in imports.items() if each.schedule
    }
    for name, each in media.items():
        yield from _references(name, each, connections, tables)
        this = f"the media set '{name}'"
        other = taken.setdefault(each.target, this)
        if other != this:
            yield _problem(
                name, "target", f"{other} writes '{each.target}' already; give each a target of its own"
            )
        if each.schedule is not None:
            # Names of Dagster's schedules know no slashes.
            other = scheduled.setdefault(name.replace("/", "_"), this)
            if other != this:
                yield _problem(name, "schedule", f"its name in Dagster would be that of {other}; rename it")
        if each.target in tables:
            yield from _target(name, each, tables[each.target])
    yield from _places(media, connections, tables)


def _references(
    name: str,
    each: MediaSettings,
    connections: Mapping[str, S3Connection],
    tables: Mapping[str, TableSettings],
) -> Iterator[Problem]:
    if each.connection not in connections:
        hint = did_you_mean(each.connection, connections)
        yield _problem(name, "connection", f"there is no connection '{each.connection}'{hint}")
    if each.target not in tables:
        yield _problem(
            name, "target", f"there is no table '{each.target}'{did_you_mean(each.target, tables)}"
        )
    copy_to = each.copy_to
    if copy_to is None:
        return
    if copy_to.connection not in connections:
        hint = did_you_mean(copy_to.connection, connections)
        yield Problem(
            ("media", name, "copy_to", "connection"), f"there is no connection '{copy_to.connection}'{hint}"
        )
        return
    try:
        check_options(copy_to.options(), connections[copy_to.connection])
    except S3AssetsError as error:
        yield Problem(("media", name, "copy_to"), f"{error.found}; {error.remedy}")


def _target(name: str, each: MediaSettings, table: TableSettings) -> Iterator[Problem]:
    format_ = str(getattr(table, "format", ""))
    if format_ not in _FORMATS:
        yield _problem(
            name,
            "target",
            f"'{each.target}' is {format_}, which keeps no inventory; take {', '.join(_FORMATS)}",
        )
    partitions = table.partitions
    if partitions is not None and partitions.column not in COLUMNS:
        yield _problem(
            name,
            "target",
            f"'{each.target}' has partitions by '{partitions.column}', which is no column of an inventory; "
            "take first_seen, or leave partitions out",
        )


class _Place:
    """A folder that somebody reads or writes: `where` tells servers, buckets and folders apart."""

    def __init__(self, connection: S3Connection, path: str, what: str) -> None:
        self.where = f"{connection.endpoint or ''}|{connection.location.folder(path).url}"
        self.what = what

    def meets(self, other: _Place) -> bool:
        """Tell whether one lies in the other."""
        return self.where.startswith(other.where) or other.where.startswith(self.where)


def _places(
    media: Mapping[str, MediaSettings],
    connections: Mapping[str, S3Connection],
    tables: Mapping[str, TableSettings],
) -> Iterator[Problem]:
    """Yield folders that meet: what a media set writes must not be what one reads, nor a table's."""
    sources = {
        name: _Place(connections[each.connection], each.path, f"the source of the media set '{name}'")
        for name, each in media.items()
        if each.connection in connections
    }
    copies = {
        name: _Place(
            connections[each.copy_to.connection],
            each.copy_to.path_prefix,
            f"the copies of the media set '{name}'",
        )
        for name, each in media.items()
        if each.copy_to is not None and each.copy_to.connection in connections
    }
    folders = {
        name: _Place(connections[each.connection], each.path, f"the table '{name}'")
        for name, each in tables.items()
        if each.connection in connections
    }
    for name, each in media.items():
        if each.target not in folders:
            continue
        source = _read_with(folders[each.target], media, sources)
        if source is not None:
            text = f"'{each.target}' and {source} lie in one another; give the table another path"
            yield _problem(name, "target", text)
    for name, place in copies.items():
        others = [
            *sources.values(),
            *folders.values(),
            *(each for other, each in copies.items() if other < name),
        ]
        met = [other.what for other in others if place.meets(other)]
        if met:
            yield Problem(
                ("media", name, "copy_to", "path_prefix"),
                f"the copies and {met[0]} lie in one another; choose another path_prefix",
            )


def _read_with(
    target: _Place, media: Mapping[str, MediaSettings], sources: Mapping[str, _Place]
) -> str | None:
    """Return the source that lies in a table's folder, or that would take the table's files for its own."""
    for name, source in sources.items():
        if source.where.startswith(target.where):
            return source.what
        inside = target.where.removeprefix(source.where)
        takes = media[name].selection.takes
        if target.where.startswith(source.where) and any(
            takes(f"{inside}{file}") for file in _FILES_OF_TABLES
        ):
            return source.what
    return None


def _problem(name: str, field: str, text: str) -> Problem:
    return Problem(("media", name, field), text)
