"""Names as `history`, `plan` and `cursor` are given them: an import's, or that of a table that is written."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.errors import RegistryError, SettingError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from s3_assets.connection.settings import S3Connection
    from s3_assets.exports.streams import ExportStream
    from s3_assets.incremental.cursor_edit import OpenStream, StreamState
    from s3_assets.location import Location
    from s3_assets.registry.models import Registry
    from s3_assets.windows import Window


_SPAN = "%Y%m%dT%H%M%SZ"
_SHOWN = 5


class StreamName(NamedTuple):
    """A stream by the tables that it goes from and to; that of one partition has its span behind an @."""

    source: str
    target: str

    @property
    def table(self) -> str:
        """The source's name in the registry."""
        return self.source.partition("@")[0]

    @property
    def window(self) -> "Window | None":
        """The partition of the asset whose cursor it is; None if it is that of all."""
        from s3_assets.windows import Window

        start, _, end = self.source.partition("@")[2].partition("-")
        if not end:
            return None
        return Window(_moment(start), _moment(end))

    @property
    def id(self) -> str:
        """What the cursor is kept under."""
        return f"{self.target}/{self.source}"


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _SPAN).replace(tzinfo=UTC)


def is_export(registry: "Registry", name: str) -> bool:
    """Tell whether an export is meant: an import or media set of that name comes first."""
    return name in registry.exports and name not in {*registry.imports, *registry.media}


def state_of(registry: "Registry", stream: StreamName) -> "StreamState":
    """Return a stream's state; raises `TableMissingError` if there is no table yet that could have it."""
    from s3_assets.exports.streams import look_at_stream
    from s3_assets.incremental.cursor_edit import look_at

    if stream.target in registry.exports:
        return look_at_stream(registry.export(stream.target), stream.id)
    return look_at(registry.table(stream.target), stream.id)


def open_of(registry: "Registry", stream: StreamName) -> "OpenStream | ExportStream":
    """Open a stream to move it; raises `TableMissingError` as `state_of` does."""
    from s3_assets.exports.streams import look_at_stream
    from s3_assets.incremental.cursor_edit import open_stream

    if stream.target in registry.exports:
        return look_at_stream(registry.export(stream.target), stream.id)
    return open_stream(registry.table(stream.target), stream.id)


def target_of(registry: "Registry", name: str) -> str:
    """Return the table that an import or media set writes, or the table or export of that name.

    Raises `RegistryError` for any other name.
    """
    for section in (registry.imports, registry.media):
        if name in section:
            return section[name].target
    if name in registry.tables or name in registry.exports:
        return name
    known = {*registry.imports, *registry.media, *registry.tables, *registry.exports}
    raise _unknown(name, known, "import, no table and no export")


def import_of(registry: "Registry", name: str) -> str:
    """Return the import of that name, or the one that writes that table; else raises `RegistryError`."""
    if name in registry.imports:
        return name
    found = next((each for each, one in registry.imports.items() if one.target == name), None)
    if found is None:
        if name in registry.tables:
            raise SettingError(
                f"no import writes the table '{name}', so that nothing says what its next run reads",
                remedy="Name an import, or a table that one writes.",
                table=name,
            )
        raise _unknown(
            name, {*registry.imports, *(each.target for each in registry.imports.values())}, "import"
        )
    return found


def streams_of(registry: "Registry", name: str, source: str | None) -> list[StreamName]:
    """Return the streams of an import, or of all that goes into a table; with a source, that one alone.

    Of a table one listing finds the streams of assets, of which the registry says nothing.
    """
    from s3_assets.incremental.cursor_edit import streams_at

    target = target_of(registry, name)
    known = [StreamName(each.source, target) for each in registry.imports.values() if each.target == target]
    if name not in registry.imports:
        start = f"{target}/"
        found = [each for each in streams_at(*_place(registry, target)) if each.startswith(start)]
        known += [StreamName(each.removeprefix(start), target) for each in found]
    known = list(dict.fromkeys(known))
    if source is None:
        return known
    chosen = [each for each in known if source in {each.source, each.table}]
    if not chosen:
        there = f"there are {_few(known)}" if known else "it has none"
        raise SettingError(f"'{name}' has no stream from '{source}'; {there}", remedy="Name one of these.")
    return chosen


def _place(registry: "Registry", target: str) -> "tuple[S3Connection, Location]":
    """Return the folder beside which the cursors of a table or export lie."""
    if target in registry.exports:
        destination = registry.export(target).destination
        return destination.connection, destination.location
    table = registry.table(target)
    return table.files_connection, table.location


def stream_of(registry: "Registry", name: str, source: str | None) -> StreamName:
    """Return the one stream that is meant; raises `SettingError` if there are several, or none."""
    found = streams_of(registry, name, source)
    if len(found) == 1:
        return found[0]
    if not found:
        raise SettingError(
            f"nothing is read into '{name}' with a cursor", remedy="Name an import, or the asset that reads."
        )
    raise SettingError(
        f"'{name}' has {len(found)} streams, from {_few(found)}",
        remedy="Say which with --source.",
    )


def _few(streams: "Sequence[StreamName]") -> str:
    more = f" and {len(streams) - _SHOWN:,} more" if len(streams) > _SHOWN else ""
    return ", ".join(each.source for each in streams[:_SHOWN]) + more


def _unknown(name: str, known: "Collection[str]", kinds: str) -> RegistryError:
    from s3_assets.registry.problems import did_you_mean

    return RegistryError(
        f"there is no {kinds} '{name}'{did_you_mean(name, known)}", remedy="Name one of the registry."
    )
