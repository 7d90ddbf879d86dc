"""The application: its commands, and how their errors reach a person."""

import warnings
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from typer.core import TyperGroup

from s3_assets.cli import (
    check,
    cursor,
    demo,
    dev,
    discover,
    du,
    export,
    guess,
    history,
    imports,
    ls,
    media,
    plan,
    policy,
    preview,
    registry,
    schema,
    server,
    tree,
)
from s3_assets.cli.console import print_error, standard_error
from s3_assets.cli.options import Options
from s3_assets.errors import S3AssetsError


class _Commands(TyperGroup):
    """Shows our own errors as messages, and leaves tracebacks to what nobody foresaw."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as the class above has it
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            try:
                return super().invoke(ctx)
            except S3AssetsError as error:
                if ctx.params.get("debug"):
                    raise
                print_error(error)
                raise typer.Exit(1) from None


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    del filename, lineno, file, line
    # Warnings of libraries are not the user's business; those of the connection are.
    if category is UserWarning:
        standard_error().print(f"warning: {message}", style="yellow", markup=False, soft_wrap=True)


application = typer.Typer(
    cls=_Commands,
    name="s3-assets",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@application.callback()
def main(
    context: typer.Context,
    registry_file: Annotated[
        Path | None,
        typer.Option("--registry", "-r", help="The registry; left out: s3_assets.yaml here or above."),
    ] = None,
    *,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
) -> None:
    """Dagster assets from tables and files on S3, moved exactly once."""
    context.obj = Options(registry_file, debug=debug)


application.command("demo")(demo.run_demo)
application.command("dev")(dev.run_dev)
application.add_typer(server.application, name="server")
application.command("validate")(registry.validate)
application.command("tables")(registry.list_tables)
application.command("import")(imports.run_import)
application.command("export")(export.run_export)
application.command("media")(media.run_media)
application.command("plan")(plan.plan)
application.command("history")(history.history)
application.add_typer(cursor.application, name="cursor")
application.command("guess")(guess.guess)
application.command("discover")(discover.discover)
application.command("ls")(ls.list_place)
application.command("tree")(tree.show_tree)
application.command("du")(du.disk_usage)
application.command("schema")(schema.schema)
application.command("preview")(preview.preview)
application.command("check")(check.check)
application.command("policy")(policy.print_policy)

if __name__ == "__main__":
    application(prog_name="s3-assets")
