"""A project that is made of a bucket: its registry, and the files of Dagster beside it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.cli.discover import look_through
from s3_assets.cli.init_files import HEADER, make_folder, write_project
from s3_assets.cli.init_imports import imports_into, inserted, place_of, refuse_inside, with_imports
from s3_assets.cli.places import Place, Reach, find_place, folder_url
from s3_assets.errors import SettingError

if TYPE_CHECKING:
    from s3_assets.explore.discover import Discovery
    from s3_assets.registry.additions import Added, Inventories
    from s3_assets.registry.models import Registry


class Asked(NamedTuple):
    """What a project is to be made of."""

    url: str
    reach: Reach
    into: str | None
    most_requests: int


@dataclass(frozen=True)
class Project:
    """What became of a folder."""

    place: Place
    discovery: "Discovery"
    added: "Added"
    imports: list[str]
    """Names of the new ones."""
    registry: "Registry"
    written: list[str]
    kept: list[str]
    extended: list[str]
    """Names of files that were there, and have got something new."""


def make_project(file: Path, asked: Asked, say: Callable[[str], None]) -> Project:
    """Look through the bucket, then write the registry `file` and the project's files that are not there yet.

    Raises the errors of reaching S3, and `SettingError` for a place that cannot be imported into; nothing is
    written then.
    """
    from s3_assets.registry.additions import add_found
    from s3_assets.registry.file_changes import change_file
    from s3_assets.registry.loading import load_registry

    before = load_registry(file) if file.is_file() else None
    text = file.read_bytes() if before is not None else None
    place = _known(find_place(asked.url, asked.reach, before), before)
    target = _target(asked, place, before)
    found = look_through(place, before, asked.most_requests, say)
    if target is not None:
        _refuse_around(target, found, before)
    make_folder(file.parent)
    change_file(file, lambda old: _with_connections(old or HEADER, before, [place, target]))
    inventories = _inventories(target) if target is not None else None
    added = add_found(file, place.connection, found.found, inventories=inventories)
    imports = imports_into(load_registry(file), place, target) if target is not None else []
    if target is not None:
        to = target
        change_file(file, lambda old: with_imports(old, to, imports))
    written, kept = write_project(file.parent)
    extended: list[str] = []
    told = written if text is None else kept if file.read_bytes() == text else extended
    told.insert(0, file.name)
    names = [each.source for each in imports]
    return Project(place, found, added, names, load_registry(file), written, kept, extended)


def _known(place: Place, registry: "Registry | None") -> Place:
    """Return the place by the registry's connection, if that is the very one that the options tell."""
    same = registry is not None and registry.connections.get(place.connection.name) == place.connection
    return Place(place.connection, place.key, None) if same else place


def _target(asked: Asked, source: Place, registry: "Registry | None") -> Place | None:
    """Return the folder that is imported into; the bucket that is read is reached as it is for reading."""
    from s3_assets.objects import Objects

    if asked.into is None:
        return None
    reach = replace(asked.reach, anonymous=False)
    place = _known(find_place(folder_url(asked.into), reach, registry), registry)
    if place.connection.location.bucket == source.connection.location.bucket:
        if asked.reach.anonymous:
            raise SettingError(
                "nothing can be imported into a bucket that is read without keys",
                remedy="Name a bucket of yours with --into.",
            )
        place = Place(source.connection, place.key, source.fields)
    # Before anything is written: a bucket that is not there is told, and one that these keys may not see.
    Objects(place.connection).folder_page(place.key)
    return place


def _refuse_around(target: Place, found: "Discovery", before: "Registry | None") -> None:
    old = [place_of(before, name) for name in before.tables if name not in before.targets] if before else []
    refuse_inside(target, [*old, *(each.url for each in found.found if each.kind == "table")])


def _with_connections(text: str, before: "Registry | None", places: list[Place | None]) -> str:
    new = {each.connection.name: each for each in places if each is not None and each.fields is not None}
    for name, place in new.items():
        if before is not None and name in before.connections:
            raise SettingError(
                f"there is a connection '{name}' in the registry already, and it is of another place",
                remedy="Name the connection that reaches it with --connection, or another folder.",
            )
        text = inserted(text, "connections", name, place.fields or {})
    return text


def _inventories(target: Place) -> "Inventories":
    from s3_assets.registry.additions import Inventories

    below = target.key.removeprefix(target.connection.location.key)
    return Inventories(target.connection.name, f"{below}media/")
