"""`s3-assets guess`: what lies at a place on S3, as the entry of a registry."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from s3_assets.cli.console import print_json, standard_error, standard_output
from s3_assets.cli.options import Options, Output, OutputAs, WriteTo, options, short
from s3_assets.cli.places import Place, Reach, find_place, reaching, registry_for

if TYPE_CHECKING:
    from s3_assets.explore.findings import Guess


@reaching
def guess(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="A folder or an object: s3://bucket/path/.")],
    name: Annotated[
        str | None, typer.Option(help="The table's name; left out: after its last two folders.")
    ] = None,
    write: WriteTo = None,
    *,
    reach: Reach,
    output: OutputAs = Output.TABLE,
) -> None:
    """Find out how files are read, and print the registry entry that reads them, with the evidence.

    Format, compression, charset, dialect, header, types, formats of timestamps and partitions are told from a
    bounded look: at most 13 list pages, and the first megabyte of at most ten files.

    Example: [bold]s3-assets guess s3://shop/landing/orders/ --write s3_assets.yaml[/bold]
    """
    from s3_assets.explore.entry import name_of

    given = options(context)
    if write is not None:
        given = Options(write, debug=given.debug)
    place = find_place(url, reach, registry_for(given, reach))
    with standard_error().status("looking at the files"):
        found = place.guess()
    single = (found.single or "").partition(".")[0]
    chosen = name or name_of(f"{found.path}{single}", place.connection.location.bucket)
    if write is not None:
        from s3_assets.cli.registry_file import add_table

        line = add_table(write, chosen, place, found)
        told = f"the table '{chosen}' is in {short(write.absolute())}, line {line}; {found.looked_at}"
        standard_error().print(told, markup=False, soft_wrap=True)
    elif output is Output.TABLE:
        standard_output().print(_text(chosen, place, found), markup=False, soft_wrap=True, end="")
    if output is Output.JSON:
        print_json(_described(chosen, place, found))


def _text(name: str, place: Place, found: "Guess") -> str:
    from s3_assets.explore.entry import connection_entry, table_entry

    text = f"tables:\n{table_entry(name, place.connection.name, found)}"
    if place.fields is None:
        return text
    return f"connections:\n{connection_entry(place.connection.name, place.fields)}{text}"


def _described(name: str, place: Place, found: "Guess") -> dict[str, Any]:
    from s3_assets.explore.types import type_name

    return {
        "name": name,
        "connection": place.connection.name,
        "settings": dict(found.settings),
        "columns": [{"name": column, "type": type_name(dtype)} for column, dtype in found.columns.items()],
        "findings": [
            {"about": each.about, "evidence": each.evidence, "doubt": each.doubt} for each in found.findings
        ],
        "looked_at": found.looked_at,
        "files": list(found.files),
    }
