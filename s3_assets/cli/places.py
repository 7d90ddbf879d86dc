"""Places as commands are given them: a table's name in the registry, or a URL and how it is reached."""

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s3_assets.cli.names import names_of
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
        "--connection",
        "-c",
        help="Of a URL: the registry's connection; left out: the one whose url fits.",
        autocompletion=names_of("connections"),
    ),
]
Endpoint = Annotated[str | None, typer.Option(help="Of a URL: the URL of an S3-compatible server.")]
Region = Annotated[str | None, typer.Option(help="Of a URL: the region; left out: as the AWS chain has it.")]
Profile = Annotated[str | None, typer.Option(help="Of a URL: a profile of the AWS files.")]
_TOKEN = "session_token"  # noqa: S105 - the name of a field
_KEYS = ("access_key_id", "secret_access_key", _TOKEN)

Anonymous = Annotated[bool, typer.Option("--anonymous", help="Of a URL: send requests unsigned.")]
FolderUrl = Annotated[str, typer.Argument(help="A bucket or a folder: s3://bucket/ or s3://bucket/path/.")]
FolderUrlOrNone = Annotated[
    str | None,
    typer.Argument(help="A bucket or a folder: s3://bucket/ or s3://bucket/path/; left out: all buckets."),
]
TableOrUrl = Annotated[
    str,
    typer.Argument(
        help="A table's name in the registry, or s3://bucket/path/.", autocompletion=names_of("tables")
    ),
]


@dataclass(frozen=True)
class Reach:
    """How a URL is reached, as the options say it."""

    connection: str | None
    endpoint: str | None
    region: str | None
    profile: str | None
    anonymous: bool
    keys_from: str | None = None
    """What the names of the environment variables begin with that hold the keys."""

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of a connection that is in no registry."""
        ways = {"--profile": self.profile, "--anonymous": self.anonymous, "--keys-from": self.keys_from}
        given = [option for option, value in ways.items() if value]
        if len(given) > 1:
            raise SettingError(f"{' and '.join(given)} exclude each other", remedy="Use one of both.")
        told = {"endpoint": self.endpoint, "region": self.region, "auth": self._auth()}
        return {name: value for name, value in told.items() if value is not None}

    def _auth(self) -> dict[str, Any] | None:
        if self.anonymous:
            return {"type": "anonymous"}
        if self.profile:
            return {"type": "profile", "profile": self.profile}
        if self.keys_from is None:
            return None
        keys = {name: f"{self.keys_from}_{name.upper()}" for name in _KEYS}
        # Temporary keys alone have one.
        optional = [name for name, variable in keys.items() if name != _TOKEN or os.environ.get(variable)]
        return {"type": "access_key", **{name: {"env": keys[name]} for name in optional}}


_OPTIONS = (
    inspect.Parameter("connection", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=ConnectionName),
    inspect.Parameter("endpoint", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Endpoint),
    inspect.Parameter("region", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Region),
    inspect.Parameter("profile", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Profile),
    inspect.Parameter("anonymous", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Anonymous),
)


def reaching(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of how a URL is reached, in the place of its keyword `reach`, a `Reach`."""

    @wraps(command)
    def with_reach(**given: Any) -> None:  # noqa: ANN401 - whatever else the command takes
        reach = Reach(**{each.name: given.pop(each.name) for each in _OPTIONS})
        command(reach=reach, **given)

    own = inspect.signature(command)
    expanded = [
        one for each in own.parameters.values() for one in (_OPTIONS if each.name == "reach" else (each,))
    ]
    # Typer makes a command's options of its signature.
    with_reach.__signature__ = own.replace(parameters=expanded)  # type: ignore[attr-defined]
    return with_reach


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


def find_folder(url: str, reach: Reach, options: Options) -> Place:
    """Return the folder of a URL, with or without a slash at its end; raises as `find_place`."""
    return find_place(folder_url(url), reach, registry_for(options, reach))


def find_account(reach: Reach, options: Options) -> "S3Connection":
    """Return a connection of the server whose buckets are meant: what it says of a bucket is of no account.

    Raises `SettingError` for a registry whose connections reach several servers, or with several identities.
    """
    registry = registry_for(options, reach)
    if reach.connection is not None and registry is not None:
        return _named(reach.connection, registry)
    if registry is None or reach.fields or not registry.connections:
        return _in_no_registry(Location.parse("s3://buckets/"), "", reach).connection
    ways = {each.model_copy(update={"name": "", "url": ""}): each for each in registry.connections.values()}
    if len(ways) > 1:
        raise SettingError(
            f"the registry's connections lead to different servers, or identities: "
            f"{', '.join(registry.connections)}",
            remedy="Name one with --connection.",
        )
    return next(iter(ways.values()))


def folder_url(url: str) -> str:
    """Return the URL with a slash at its end."""
    return url if url.endswith("/") else f"{url}/"


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


def _named(name: str, registry: "Registry") -> "S3Connection":
    if name not in registry.connections:
        raise SettingError(
            f"there is no connection '{name}'",
            remedy=f"Name one of the registry: {', '.join(registry.connections) or 'it has none'}.",
        )
    return registry.connections[name]


def _of_registry(location: Location, name: str | None, registry: "Registry") -> "S3Connection | None":
    if name is not None:
        _named(name, registry)
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
    from pydantic import ValidationError

    from s3_assets.connection.settings import S3Connection
    from s3_assets.explore.entry import plain_name

    name = plain_name(location.bucket)
    fields: dict[str, Any] = {"url": f"s3://{location.bucket}/", **reach.fields}
    try:
        connection = S3Connection(name=name, **fields)
    except ValidationError:
        # The registry has the words for it; its models are many, and take long to load.
        from s3_assets.registry.models import Registry

        sections: dict[str, Any] = {"connections": {name: fields}}
        connection = Registry(**sections).connections[name]
    return Place(connection, key, fields)
