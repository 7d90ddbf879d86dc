"""`s3-assets metadata openmetadata`: the registry as OpenMetadata's manifest, the way back of `discover`."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s3_assets.cli.console import note, print_json, standard_output
from s3_assets.cli.names import names_of
from s3_assets.cli.options import Output, OutputAs, options
from s3_assets.cli.places import is_url
from s3_assets.errors import ObjectExistsError, ObjectMissingError, SettingError
from s3_assets.location import Location
from s3_assets.progress import count

if TYPE_CHECKING:
    from s3_assets.explore.openmetadata_written import WrittenManifest
    from s3_assets.registry.models import Registry

_STANDARD_OUTPUT = "-"


def openmetadata(
    context: typer.Context,
    to: Annotated[
        str,
        typer.Argument(
            help="Where to: a file, or a bucket such as s3://shop/, in whose root OpenMetadata looks; "
            "left out: standard output.",
            show_default=False,
        ),
    ] = _STANDARD_OUTPUT,
    connection: Annotated[
        str | None,
        typer.Option(
            "--connection",
            "-c",
            help="Of this connection's bucket alone; left out: of the one that is written to, else all.",
            autocompletion=names_of("connections"),
        ),
    ] = None,
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Write over one that is there.")] = False,
    output: OutputAs = Output.TABLE,
) -> None:
    """Write the registry's tables and media sets as openmetadata.json, and say what it has no words for.

    Of one bucket, paths count from its root; of several, each entry names its bucket (containerName). What
    is there is left alone unless --replace says otherwise. OpenMetadata knows no tables with a log: of
    Delta and Iceberg tables their Parquet files are named.

    Example: [bold]s3-assets metadata openmetadata s3://shop/[/bold]
    """
    registry = options(context).load()
    bucket = _bucket(registry, to, connection)
    made = _manifest(registry, bucket)
    told: dict[str, Any] = {"to": None, "written": False, "lost": list(made.remarks)}
    if is_url(to):
        told |= _upload(registry, to, connection, made.text, replace=replace)
    elif to != _STANDARD_OUTPUT:
        told |= _save(Path(to), made.text, replace=replace)
    for remark in made.remarks:
        note(remark)
    if output is Output.JSON:
        print_json({**told, "manifest": made.text})
    elif told["to"] is None:
        standard_output().out(made.text, end="", highlight=False)
    else:
        entries = count(made.text.count('"dataPath"'), "entry").replace("entrys", "entries")
        state = f"{entries} written" if told["written"] else "the same is there already"
        standard_output().print(f"{told['to']}: {state}", markup=False, soft_wrap=True)


def _bucket(registry: "Registry", to: str, connection: str | None) -> str | None:
    """Return the one bucket that is told of; None: all."""
    if connection is not None and connection not in registry.connections:
        raise SettingError(
            f"there is no connection '{connection}'",
            remedy=f"Name one of the registry: {', '.join(registry.connections) or 'it has none'}.",
        )
    if connection is not None:
        return registry.connections[connection].location.bucket
    if is_url(to):
        return Location.parse(to).bucket
    buckets = {each.location.bucket for each in registry.connections.values()}
    return buckets.pop() if len(buckets) == 1 else None


def _manifest(registry: "Registry", bucket: str | None) -> "WrittenManifest":
    from s3_assets.explore.openmetadata_written import WrittenMedia, WrittenTable, write_manifest

    connections = registry.connections
    tables = [
        WrittenTable(name, each, connections[each.connection]) for name, each in registry.tables.items()
    ]
    media = [
        WrittenMedia(name, connections[each.connection], each.path, each.extensions)
        for name, each in registry.media.items()
    ]
    return write_manifest(tables, media, bucket=bucket)


def _upload(
    registry: "Registry", to: str, connection: str | None, text: str, *, replace: bool
) -> dict[str, Any]:
    """Put the manifest into a bucket's root, unless there is another one."""
    from s3_assets.explore.openmetadata import FILE_NAME
    from s3_assets.objects import Objects

    location = Location.parse(to)
    if location.key not in {"", f"{FILE_NAME}/"}:
        raise SettingError(
            f"OpenMetadata looks for {FILE_NAME} in a bucket's root, not in {location.url}",
            remedy=f"Write s3://{location.bucket}/, or name a file of this machine.",
        )
    found = [
        each
        for name, each in registry.connections.items()
        if each.location.bucket == location.bucket and connection in {None, name}
    ]
    if not found:
        raise SettingError(
            f"no connection of the registry reaches s3://{location.bucket}/",
            remedy="Add one, or write to a file of this machine.",
        )
    objects, body = Objects(found[0]), text.encode()
    url = objects.url(FILE_NAME)
    if replace:
        objects.put(FILE_NAME, body)
    elif not objects.put_if_absent(FILE_NAME, body):
        old = b""
        with suppress(ObjectMissingError):
            old = objects.get(FILE_NAME)
        if old != body:
            raise _taken(url)
        return {"to": url, "written": False}
    return {"to": url, "written": True}


def _save(file: Path, text: str, *, replace: bool) -> dict[str, Any]:
    from s3_assets.registry.file_changes import change_file

    was = ""

    def change(old: str) -> str:
        nonlocal was
        was = old
        return text if replace or not old else old

    change_file(file, change)
    if was and was != text and not replace:
        raise _taken(str(file))
    return {"to": str(file), "written": was != text}


def _taken(place: str) -> ObjectExistsError:
    return ObjectExistsError(
        "another manifest is there already, and is left as it is",
        remedy="Look what it says; --replace writes over it.",
        location=place,
    )
