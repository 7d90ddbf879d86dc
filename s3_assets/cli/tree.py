"""`s3-assets tree`: the folders below a place, some levels deep."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text
from rich.tree import Tree

from s3_assets.cli.console import print_json, standard_error, standard_output
from s3_assets.cli.options import Output, OutputAs, options
from s3_assets.cli.places import FolderUrl, Reach, find_folder, reaching
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from s3_assets.objects import Objects

_AT_ONCE = 8


@dataclass
class Branch:
    """A folder: what lies directly in it, as far as its first page and the levels go."""

    name: str
    prefix: str
    folders: "list[Branch]" = field(default_factory=list)
    left_out: int = 0
    objects: int = 0
    bytes: int = 0
    more: bool = False
    """Whether there is more than the first thousand names."""


@reaching
def show_tree(
    context: typer.Context,
    url: FolderUrl,
    levels: Annotated[int, typer.Option("--levels", "-l", min=1, max=10, help="How deep.")] = 3,
    most: Annotated[int, typer.Option("--most", "-n", min=1, help="Folders shown of each folder.")] = 12,
    *,
    reach: Reach,
    output: OutputAs = Output.TABLE,
) -> None:
    """Show the folders below a place as a tree, each with the objects that lie directly in it.

    One request is sent for each folder that is shown.

    Example: [bold]s3-assets tree s3://shop/ --levels 2[/bold]
    """
    from s3_assets.objects import Objects

    place = find_folder(url, reach, options(context))
    root = Branch(f"s3://{place.connection.location.bucket}/{place.key}", place.key)
    with standard_error().status("looking at the folders"):
        _grow(Objects(place.connection), root, levels, most)
    if output is Output.JSON:
        print_json(_described(root))
        return
    tree = Tree(_label(root), guide_style="dim")
    _draw(tree, root)
    standard_output().print(tree)


def _grow(objects: "Objects", root: Branch, levels: int, most: int) -> None:
    """Look into the folders level by level, several at once."""
    ahead = [root]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for level in range(levels + 1):
            pages = list(pool.map(lambda branch: objects.folder_page(branch.prefix), ahead))
            for branch, page in zip(ahead, pages, strict=True):
                files = [each for each in page.objects if each.key != branch.prefix]
                branch.objects, branch.bytes = len(files), sum(each.size for each in files)
                branch.more = page.more
                shown = page.folders[:most] if level < levels else []
                branch.left_out = len(page.folders) - len(shown)
                branch.folders = [Branch(each.removeprefix(branch.prefix), each) for each in shown]
            ahead = [inside for branch in ahead for inside in branch.folders]


def _draw(tree: Tree, branch: Branch) -> None:
    for inside in branch.folders:
        _draw(tree.add(_label(inside)), inside)
    if branch.left_out and branch.folders:
        tree.add(Text(f"and {_number(branch.left_out, 'folder', branch)}", style="dim"))


def _label(branch: Branch) -> Text:
    from s3_assets.progress import readable_bytes

    told = []
    if branch.left_out and not branch.folders:
        told.append(_number(branch.left_out, "folder", branch))
    if branch.objects:
        told.append(f"{_number(branch.objects, 'object', branch)}, {readable_bytes(branch.bytes)}")
    return Text.assemble((branch.name, "bold"), (f"  {', '.join(told)}" if told else "", "dim"))


def _number(number: int, noun: str, branch: Branch) -> str:
    from s3_assets.progress import count

    return f"{count(number, noun)} or more" if branch.more else count(number, noun)


def _described(branch: Branch) -> dict[str, Any]:
    return {
        "name": branch.name,
        "objects": branch.objects,
        "bytes": branch.bytes,
        "more": branch.more,
        "folders_left_out": branch.left_out,
        "folders": [_described(each) for each in branch.folders],
    }
