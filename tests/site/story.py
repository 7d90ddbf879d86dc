"""A page as its reader follows it: files are saved, commands are run, in order, in one folder."""

import importlib
import re
import runpy
import shlex
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import pytest

from s3_assets.registry.loading import parse_registry
from tests.support.extent import EVERYTHING
from tests.test_readme import LEFT_OUT, PROMPT, assert_accepted, is_shown_by

DOCS = Path(__file__).parents[2] / "docs"
BUCKET = "company-lake"
SERVER = "http://127.0.0.1:9445"
BEFORE = "before: "
"""What the titles of blocks begin with that show other tools: they are not run here."""
STAND_BY_THEMSELVES = ("s3-assets server", "dagster dev", "make", ".", "mkdir", "cd")
"""Commands of a page that the test stands in for, or that do not end: they have tests of their own."""

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
_FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_DIFFERS = (
    (re.compile(r"\b\d+(\.\d+)? s\b"), "0.0 s"),
    (re.compile(r"\b\d{12,}\b"), "0"),
    (re.compile(r"\b\d+(\.\d+)? k?B\b"), "0 B"),
)


class Block(NamedTuple):
    """What stands between two fences."""

    language: str
    title: str
    text: str


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page of the docs."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = [Block(*match.groups(default="")) for match in _FENCE.finditer(text)]
    # Whatever begins a fence is one of these.
    assert len(found) * 2 == len(re.findall(r"^```", text, re.MULTILINE)), page
    return found


@dataclass(frozen=True)
class Reader:
    """Somebody who follows a page in a folder, on a bucket that has another name than the page's."""

    folder: Path
    bucket: str
    endpoint: str
    capture: pytest.CaptureFixture[str]

    def follow(self, page: str) -> None:
        """Do all that the page says."""
        for block in blocks(page):
            if not block.title.startswith(BEFORE):
                self._do(block._replace(text=self.own(block.text)))

    def own(self, text: str) -> str:
        """Return a text of the page with the names that are true here."""
        return text.replace(BUCKET, self.bucket).replace(SERVER, self.endpoint)

    def _do(self, block: Block) -> None:
        if block.title:
            (self.folder / block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            self._type(block.text)
        elif block.language == "yaml":
            assert parse_registry(block.text, self.folder / "s3_assets.yaml", {}).connections
        elif block.language == "python":
            self.run_python(block.text)
        else:
            assert block.language == "text", block.language

    def run_python(self, text: str, name: str = "example") -> dict[str, Any]:
        """Run a block by itself, as a module, and return its names."""
        names: dict[str, Any] = {"__name__": name}
        exec(compile(text, str(self.folder / f"{name}.py"), "exec"), names)  # noqa: S102 - the docs' own lines
        return names

    def _type(self, text: str) -> None:
        command, *shown = text.splitlines()
        if not command.startswith(PROMPT):
            for line in text.splitlines():
                self._command(line)
            return
        printed = self._command(command.removeprefix(PROMPT))
        assert is_shown_by(_alike(printed), _alike("\n".join(shown))), printed

    def _command(self, line: str) -> str:
        """Run a command in this process, as the program that it names would, and return what it printed."""
        program, *arguments = shlex.split(line)
        if line.startswith(STAND_BY_THEMSELVES):
            if program == "s3-assets":
                assert_accepted(arguments)
            return ""
        self.capture.readouterr()
        run = {"s3-assets": _s3_assets, "dagster": _dagster, "python": _python}[program]
        code = run(arguments)
        printed = self.capture.readouterr()
        assert code == 0, f"{line}\n{printed.out}\n{printed.err}"
        return printed.out


def _alike(text: str) -> list[str]:
    """Return the lines of an output without what differs from run to run."""
    for pattern, same in _DIFFERS:
        text = pattern.sub(same, text)
    return [line if line.strip() == LEFT_OUT else " ".join(line.split()) for line in text.splitlines()]


def _ended(run: Callable[[], object]) -> int:
    try:
        run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _s3_assets(arguments: list[str]) -> int:
    from s3_assets.cli.main import application

    return _ended(lambda: application(args=arguments, prog_name="s3-assets"))


def _dagster(arguments: list[str]) -> int:
    """Do what the program does; with EVERYTHING=1 by the program itself, which takes seconds each time."""
    sys.modules.pop("s3_assets.definitions", None)
    with warnings.catch_warnings():
        # Of Dagster's own, about Dagster's own.
        warnings.simplefilter("ignore")
        if EVERYTHING:
            (program,) = entry_points(group="console_scripts", name="dagster")
            return _with_arguments(["dagster", *arguments], program.load())
        return _in_dagster(arguments)


def _in_dagster(arguments: list[str]) -> int:
    options = dict(pairwise(arguments))
    defs: dg.Definitions = importlib.import_module(options["-m"]).defs
    if arguments[0] == "definitions":
        dg.Definitions.validate_loadable(defs)
        return 0
    assert arguments[:2] == ["asset", "materialize"], arguments
    first, _, last = options.get("--partition-range", "").partition("...")
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(name.split("/")) for name in options["--select"].split(",")],
            partition_key=options.get("--partition"),
            tags={RANGE_START: first, RANGE_END: last} if last else None,
            raise_on_error=True,
        )
    return 0 if result.success else 1


def _python(arguments: list[str]) -> int:
    return _with_arguments(arguments, lambda: runpy.run_path(arguments[0], run_name="__main__"))


def _with_arguments(arguments: list[str], run: Callable[[], object]) -> int:
    before, sys.argv = sys.argv, arguments
    try:
        return _ended(run)
    finally:
        sys.argv = before
