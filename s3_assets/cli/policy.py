"""`s3-assets policy`: what each connection must be allowed to do, as policies to attach."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from s3_assets.cli.console import print_json, standard_error
from s3_assets.cli.options import ConnectionArgument, Output, OutputAs, WrittenTables, options
from s3_assets.errors import SettingError

if TYPE_CHECKING:
    from s3_assets.permissions import Document
    from s3_assets.registry.models import Registry


def print_policy(
    context: typer.Context,
    connection: ConnectionArgument = None,
    *,
    trust: Annotated[
        bool, typer.Option("--trust", help="Print who may assume the connection's roles instead.")
    ] = False,
    principal: Annotated[
        str | None,
        typer.Option(help="For --trust: ARN of who assumes the first role, or of the token's provider."),
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="For --trust of a web identity: the subject of its tokens.")
    ] = None,
    write: WrittenTables = None,
    sizes: Annotated[
        bool,
        typer.Option("--sizes", help="Also what du needs for whole buckets: CloudWatch, and their list."),
    ] = False,
    output: OutputAs = Output.TABLE,
) -> None:
    """Print the least that IAM must allow for what the registry does; nothing is asked of the network.

    A policy goes to standard output, whom it is for to standard error; as JSON, both are in one list.

    Example: [bold]s3-assets policy lake > policy.json[/bold]

    Example: [bold]s3-assets policy lake --trust --principal arn:aws:iam::111122223333:role/pipeline[/bold]
    """
    from s3_assets.cli.permissions import chosen_connections, service_of, written_tables
    from s3_assets.permissions import policies

    registry = options(context).load()
    names = chosen_connections(registry, connection)
    if trust:
        documents = _trusts(registry, names, principal, subject, alone=connection is not None)
    else:
        written = written_tables(registry, write or ())
        documents = [
            each
            for name in names
            for each in policies(
                registry, name, service_of(registry.connections[name]), written=written, sizes=sizes
            )
        ]
    if output is Output.JSON:
        print_json([_described(each) for each in documents])
        return
    for each in documents:
        _print(each)


def _trusts(
    registry: "Registry", names: list[str], principal: str | None, subject: str | None, *, alone: bool
) -> "list[Document]":
    from s3_assets.permissions import trust_policies

    documents = [
        each
        for name in names
        for each in trust_policies(registry.connections[name], principal, subject=subject)
    ]
    if not documents:
        where = f"the connection '{names[0]}' takes" if alone else "no connection takes"
        raise SettingError(
            f"{where} on {'no' if alone else 'a'} role, so there is no trust policy",
            remedy="Declare assume_role, or auth of type web_identity.",
        )
    return documents


def _print(document: "Document") -> None:
    title = Text.assemble((f"{document.connection}  ", "bold"), f"{document.kind} for {document.holder}")
    console = standard_error()
    console.print(title, soft_wrap=True)
    for note in document.notes:
        console.print(Text.assemble(("  note  ", "dim"), note), soft_wrap=True)
    print_json(document.as_json())


def _described(document: "Document") -> dict[str, Any]:
    return {
        "connection": document.connection,
        "kind": document.kind,
        "holder": document.holder,
        "notes": document.notes,
        "policy": document.as_json(),
    }
