"""What `ls` prints: a table of what fits a screen or two, lines of what is more, and buckets."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from rich.table import Table as Grid
from rich.text import Text

from s3_assets.cli.console import print_json, standard_output
from s3_assets.cli.options import Output

if TYPE_CHECKING:
    from s3_assets.connection.adapters.boto_buckets import Bucket
    from s3_assets.objects import ObjectInfo

Listed = tuple[str, "ObjectInfo | None"]
"""A name, and the object; None: a folder."""

_LINES_AT_ONCE = 1000


def described(listed: Listed) -> dict[str, Any]:
    """Return an entry for programs."""
    name, each = listed
    if each is None:
        return {"name": name, "kind": "folder"}
    changed = each.modified.isoformat()
    return {"name": name, "kind": "object", "size": each.size, "changed": changed, "etag": each.etag}


def print_grid(found: Iterable[Listed]) -> None:
    """Print entries as a table, whose columns are as wide as they need to be."""
    grid = Grid(box=None, header_style="bold", pad_edge=False)
    grid.add_column("size", justify="right")
    grid.add_column("changed")
    grid.add_column("name", overflow="fold")
    for name, each in found:
        style = "bold" if each is None else ""
        grid.add_row(*_size_and_change(each), Text(name, style=style))
    standard_output().print(grid)


def print_lines(found: Iterable[Listed]) -> None:
    """Print entries as they come."""
    write = _writer()
    for lines in _batched(_line(name, each) for name, each in found):
        write("".join(f"{line}\n" for line in lines))


def print_many_as_json(prefix: str, found: Iterable[Listed], more: Callable[[], bool]) -> None:
    """Print entries for programs as they come, as one document; `more` is asked at the end."""
    write = _writer()
    write(f'{{\n  "prefix": {json.dumps(prefix)},\n  "entries": [')
    comma = "\n"
    for lines in _batched(f"    {json.dumps(described(each))}" for each in found):
        write(comma + ",\n".join(lines))
        comma = ",\n"
    write(f'\n  ],\n  "more": {json.dumps(more())}\n}}\n')


def print_buckets(found: "Iterable[Bucket]", output: Output) -> None:
    """Print buckets: when they were made, where the server tells it their region, and their names."""
    if output is Output.JSON:
        print_json({"buckets": [each._asdict() for each in found]})
        return
    grid = Grid(box=None, header_style="bold", pad_edge=False)
    for column in ("made", "region", "bucket"):
        grid.add_column(column)
    for each in found:
        made = f"{each.created:%Y-%m-%d %H:%M:%S}Z" if each.created else "-"
        grid.add_row(made, each.region or "-", Text(f"s3://{each.name}/", style="bold"))
    standard_output().print(grid)


def _writer() -> Callable[[str], None]:
    """Return what writes to standard output as it is: Rich takes three times as long for a line as S3."""
    console = standard_output()

    def write(text: str) -> None:
        try:
            console.file.write(text)
            console.file.flush()
        except BrokenPipeError:
            console.on_broken_pipe()

    return write


def _line(name: str, each: "ObjectInfo | None") -> str:
    size, changed = _size_and_change(each)
    shown = name if name.isprintable() else "".join(map(_printable, name))
    return f"{size:>10} {changed:<20} {shown}"


def _size_and_change(each: "ObjectInfo | None") -> tuple[str, str]:
    from s3_assets.progress import readable_bytes

    if each is None:
        return "-", "-"
    return readable_bytes(each.size), f"{each.modified.isoformat(' ', 'seconds')[:19]}Z"


def _printable(character: str) -> str:
    """Write out what would move a terminal's cursor or end the line."""
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def _batched(lines: Iterator[str]) -> Iterator[list[str]]:
    while some := list(islice(lines, _LINES_AT_ONCE)):
        yield some
