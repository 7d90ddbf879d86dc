"""`s3-assets head`: an object as it is: what the server says of it, and its first lines or bytes."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from s3_assets.cli.console import facts, note, print_json, standard_error, standard_output
from s3_assets.cli.options import Options, Output, OutputAs, options
from s3_assets.cli.places import Place, Reach, TableOrUrl, find_place, is_url, reaching, registry_for
from s3_assets.errors import ObjectMissingError, SettingError, UnsupportedError

if TYPE_CHECKING:
    from s3_assets.explore.beginnings import Beginning
    from s3_assets.registry.models import Registry

_BYTES = 64 * 1024
_MOST_BYTES = 16 * 1024 * 1024
_LONGEST = 2_000


@reaching
def head(
    context: typer.Context,
    place: TableOrUrl,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, max=10_000, help="How many lines, or rows of a dump.")
    ] = 10,
    length: Annotated[
        int,
        typer.Option("--bytes", "-b", min=1, max=_MOST_BYTES, help="How many bytes are fetched at most."),
    ] = _BYTES,
    *,
    reach: Reach,
    output: OutputAs = Output.TABLE,
) -> None:
    """Show an object as it is: its headers and metadata, and its first lines, unpacked but not read as rows.

    Of a folder, or of a table of files, the first object is shown. Of Parquet and Avro files, what footer or
    header says; of other binary files, the first bytes. One request fetches all of it, two for Parquet.

    Example: [bold]s3-assets head s3://shop/landing/orders.csv.gz --lines 3[/bold]
    """
    from s3_assets.explore.beginnings import beginning_of

    given = options(context)
    with standard_error().status("looking at the object"):
        found = _object(given, place, reach)
        began = beginning_of(found.connection, found.key, lines, length)
    url = f"s3://{found.connection.location.bucket}/{found.key}"
    if output is Output.JSON:
        print_json(_described(url, began))
    else:
        _print(url, began)
    if began.packing.startswith("tar"):
        note("the lines are those of the first file in the archive")


def _object(given: Options, place: str, reach: Reach) -> Place:
    if not is_url(place):
        if reach.fields or reach.connection:
            raise SettingError(
                f"'{place}' is a table of the registry, which says how it is reached",
                remedy="Leave the options of a URL out.",
            )
        return _first_file(given.load(), place)
    found = find_place(place, reach, registry_for(given, reach))
    if found.key and not found.key.endswith("/"):
        return found
    return Place(found.connection, _first_key(found), found.fields)


def _first_key(folder: Place) -> str:
    """Return the first object of a folder that has a byte, as its first page tells."""
    from s3_assets.objects import Objects
    from s3_assets.tables.files import hidden

    objects = Objects(folder.connection)
    there = [each for each in objects.folder_page(folder.key, deep=True).objects if each.size]
    # What begins with a dot or an underscore is shown where there is nothing else.
    shown = [each for each in there if not any(map(hidden, each.key.removeprefix(folder.key).split("/")))]
    if not there:
        raise ObjectMissingError(
            "there is no object with a byte in it",
            remedy="Look with `s3-assets ls` what is there.",
            connection=folder.connection.name,
            location=objects.url(folder.key),
        )
    return (shown or there)[0].key


def _first_file(registry: "Registry", name: str) -> Place:
    from s3_assets.tables.folder_table import FolderTable

    table = registry.table(name)
    if not isinstance(table, FolderTable):
        raise UnsupportedError(
            f"'{name}' is a {table.settings.format} table, which has no first file",
            remedy=f"`s3-assets metadata show {name}` tells of the table; name an object to see its bytes.",
        )
    first = next(table.folder.first_files(), None)
    if first is None:
        raise ObjectMissingError(
            "there is no data file", remedy="Look with `s3-assets ls` what is there.", table=name
        )
    return Place(table.connection, str(first["key"]), None)


def _print(url: str, began: "Beginning") -> None:
    from s3_assets.progress import readable_bytes

    answer, console = began.answer, standard_output()
    console.print(url, style="bold", markup=False, soft_wrap=True)
    packed = "" if began.packing in {"none", began.kind} else f", packed: {began.packing}"
    charset = f", {began.charset}" if began.charset else ""
    rows = [
        ("size", f"{answer.size:,} bytes" + f" ({readable_bytes(answer.size)})" * (answer.size >= 1000)),
        ("changed", f"{answer.modified:%Y-%m-%d %H:%M:%S}Z"),
        ("etag", answer.etag.strip('"')),
        ("content type", answer.content_type or "-"),
        ("storage class", answer.storage_class),
    ]
    rows += [("version", answer.version)] if answer.version else []
    rows += [("encryption", answer.encryption)] if answer.encryption else []
    rows += [*answer.headers.items(), *((f"metadata {name}", each) for name, each in answer.metadata.items())]
    rows += [("holds", f"{began.kind}{packed}{charset}"), *began.told]
    console.print(facts(*((name, _visible(value)) for name, value in rows)))
    for each in began.lines or began.dump:
        typer.echo(_visible(each))
    if began.more:
        console.print("...", style="dim")


def _visible(text: str) -> str:
    """Return a line that does nothing to a terminal, and is not endless."""
    shown = "".join(each if each.isprintable() or each == "\t" else f"\\x{ord(each):02x}" for each in text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}... ({len(shown):,} characters)"


def _described(url: str, began: "Beginning") -> dict[str, Any]:
    answer = began.answer
    return {
        "url": url,
        "size": answer.size,
        "changed": answer.modified.isoformat(),
        "etag": answer.etag,
        "content_type": answer.content_type,
        "storage_class": answer.storage_class,
        "version": answer.version,
        "encryption": answer.encryption,
        "headers": dict(answer.headers),
        "metadata": dict(answer.metadata),
        "kind": began.kind,
        "packing": began.packing,
        "charset": began.charset,
        "told": dict(began.told),
        "lines": list(began.lines),
        "more": began.more,
        "dump": list(began.dump),
        "bytes_fetched": len(answer.body),
    }
