"""Imports into Delta tables below one folder, for each table of a registry that has none yet."""

from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.cli.places import Place
from s3_assets.errors import SettingError
from s3_assets.location import Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from s3_assets.registry.models import Registry


class NewImport(NamedTuple):
    """An import that is to be added: its name is that of its source."""

    source: str
    target: str
    path: str
    """Of the target, below its connection's url."""
    partitions: dict[str, Any] | None


def refuse_inside(target: Place, places: "Iterable[str]") -> None:
    """Raise `SettingError` if a table at one of these URLs would read what is imported."""
    folder = _url(target)
    around = next((each for each in places if folder.startswith(each)), None)
    if around is not None:
        raise SettingError(
            f"{folder} lies inside of a table, {around}, which would read what is imported",
            remedy="Name another folder, or another bucket, with --into.",
        )


def imports_into(registry: "Registry", place: Place, target: Place) -> list[NewImport]:
    """Return an import for each table below `place` that nothing here writes or imports yet.

    What lies below the target's folder gets none.
    """
    taken = {*registry.tables, *registry.media, *registry.exports}
    begin, below = _beginning(target), target.key.removeprefix(target.connection.location.key)
    found = []
    for name in _sources(registry, place):
        if place_of(registry, name).startswith(_url(target)):
            continue
        chosen = next(each for each in _names(f"{begin}/{name}") if each not in taken)
        taken.add(chosen)
        found.append(NewImport(name, chosen, f"{below}{name}/", _partitions(registry, name)))
    return found


def with_imports(text: str, target: Place, imports: list[NewImport]) -> str:
    """Return the registry's text with these imports and the tables that they write."""
    for each in imports:
        told = f"every row of {each.source}, once; made by the first run"
        table: dict[str, Any] = {"connection": target.connection.name, "path": each.path, "format": "delta"}
        table |= {"partitions": each.partitions} if each.partitions else {}
        job = {"source": each.source, "target": each.target, "mode": "append"}
        text = inserted(text, "tables", each.target, table, told=told)
        text = inserted(text, "imports", each.source, job)
    return text


def inserted(text: str, section: str, name: str, settings: "Mapping[str, Any]", *, told: str = "") -> str:
    """Return the registry's text with an entry more; `told` is its comment."""
    from s3_assets.explore.entry import plain_entry
    from s3_assets.explore.insertion import insert

    return insert(text, section, lambda indent: plain_entry(name, settings, told=told, indent=indent))


def place_of(registry: "Registry", name: str) -> str:
    """Return the URL of a table's folder."""
    settings = registry.tables[name]
    path = getattr(settings, "warehouse_path", None) or settings.path
    return registry.connections[settings.connection].location.folder(path).url


def _sources(registry: "Registry", place: Place) -> list[str]:
    from s3_assets.builder import tables_of_code

    written = registry.targets | (tables_of_code(registry) if registry.code else frozenset())
    imported = {each.source for each in registry.imports.values()} | {*registry.imports}
    return [
        name
        for name in registry.tables
        if name not in written | imported and place_of(registry, name).startswith(_url(place))
    ]


def _url(place: Place) -> str:
    return f"s3://{place.connection.location.bucket}/{place.key}"


def _beginning(target: Place) -> str:
    """Return what the targets' names begin with: the last part of the folder, or the bucket."""
    from s3_assets.explore.entry import plain_name

    folder = Location.parse(_url(target))
    return plain_name(folder.key.rstrip("/").rpartition("/")[2] or folder.bucket)


def _names(wanted: str) -> "Iterator[str]":
    yield wanted
    yield from (f"{wanted}_{number}" for number in count(2))


def _partitions(registry: "Registry", name: str) -> dict[str, Any] | None:
    """Return the source's partitions as a target has them: the folders of files are the source's alone."""
    partitions = registry.tables[name].partitions
    if partitions is None:
        return None
    told = partitions.model_dump(exclude_defaults=True, exclude={"column", "every", "folders"})
    return {"column": partitions.column, "every": str(partitions.every), **told}
