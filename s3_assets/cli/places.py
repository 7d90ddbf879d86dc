"""Places as commands are given them: a table's name in the registry, or a URL and how it is reached."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s3_assets.cli.options import Options
from s3_assets.errors import RegistryError, SettingError
from s3_assets.location import Location

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection
    from s3_assets.explore.findings import Guess
    from s3_assets.registry.models import Registry
    from s3_assets.tables.table import Table

ConnectionName = Annotated[
    str | None,
    typer.Option(
        "--connection", "-c", help="Of a URL: the registry's connection; left out: the one whose url fits."
    ),
]
Endpoint = Annotated[str | None, typer.Option(help="Of a URL: the URL of an S3-compatible server.")]
Region = Annotated[str | None, typer.Option(help="Of a URL: the region; left out: as the AWS chain has it.")]
Profile = Annotated[str | None, typer.Option(help="Of a URL: a profile of the AWS files.")]
Anonymous = Annotated[bool, typer.Option("--anonymous", help="Of a URL: send requests unsigned.")]


@dataclass(frozen=True)
class Reach:
    """How a URL is reached, as the options say it."""

    connection: str | None
    endpoint: str | None
    region: str | None
    profile: str | None
    anonymous: bool

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of a connection that is in no registry."""
        if self.profile and self.anonymous:
            raise SettingError("--profile and --anonymous exclude each other", remedy="Use one of both.")
        auth = {"type": "profile", "profile": self.profile} if self.profile else None
        told = {
            "endpoint": self.endpoint,
            "region": self.region,
            "auth": {"type": "anonymous"} if self.anonymous else auth,
        }
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True)
class Place:
    """A key or folder of a bucket, and the connection that reaches it."""

    connection: "S3Connection"
    key: str
    fields: dict[str, Any] | None
    """What a registry has to say of the connection; None if it is one of the registry."""

    def guess(self) -> "Guess":
        """Return what lies there."""
        from s3_assets.explore.guess import guess

        return guess(self.connection, self.key)


def is_url(text: str) -> bool:
    """Tell a URL from a table's name."""
    return "://" in text


def find_place(url: str, reach: Reach, registry: "Registry | None") -> Place:
    """Return the place of a URL, reached by a connection of the registry or by the options alone.

    Raises `SettingError` for a connection that does not reach it.
    """
    location = Location.parse(url)
    key = location.key if url.endswith("/") else location.key.rstrip("/")
    if reach.fields and reach.connection:
        raise SettingError(
            "--connection names all that --endpoint, --region, --profile and --anonymous say",
            remedy="Leave these out, or --connection.",
        )
    if registry is not None and not reach.fields:
        found = _of_registry(location, reach.connection, registry)
        if found is not None:
            return Place(found, key, None)
    return _in_no_registry(location, key, reach)


def registry_for(options: Options, reach: Reach) -> "Registry | None":
    """Return the registry, if there is one and it is needed to reach a URL."""
    if reach.connection is None and (reach.fields or not _has_registry(options)):
        return None
    return options.load()


def open_place(options: Options, place: str, reach: Reach) -> "tuple[Table[Any], Guess | None]":
    """Return the table of that name in the registry, or the one that is guessed of a URL."""
    if not is_url(place):
        if reach.fields or reach.connection:
            raise SettingError(
                f"'{place}' is a table of the registry, which says how it is reached",
                remedy="Leave the options of a URL out.",
            )
        return options.load().table(place), None
    from s3_assets.explore.guess import opened

    found = find_place(place, reach, registry_for(options, reach))
    guess = found.guess()
    return opened(found.connection, guess), guess


def _has_registry(options: Options) -> bool:
    try:
        return options.path().is_file()
    except RegistryError:
        return False


def _of_registry(location: Location, name: str | None, registry: "Registry") -> "S3Connection | None":
    if name is not None and name not in registry.connections:
        raise SettingError(
            f"there is no connection '{name}'",
            remedy=f"Name one of the registry: {', '.join(registry.connections) or 'it has none'}.",
        )
    fitting = [
        each
        for each in registry.connections.values()
        if name in {None, each.name}
        and each.location.bucket == location.bucket
        and location.key.startswith(each.location.key)
    ]
    if name is not None and not fitting:
        raise SettingError(
            f"the connection '{name}' is of {registry.connections[name].url}, which {location.url} is not in",
            remedy="Name another connection.",
        )
    return max(fitting, key=lambda each: len(each.location.key), default=None)


def _in_no_registry(location: Location, key: str, reach: Reach) -> Place:
    from s3_assets.explore.entry import plain_name
    from s3_assets.registry.models import Registry

    name = plain_name(location.bucket)
    fields = {"url": f"s3://{location.bucket}/", **reach.fields}
    sections: dict[str, Any] = {"connections": {name: fields}}
    connection = Registry(**sections).connections[name]
    return Place(connection, key, fields)
