"""Names, cells and types are anybody's text: pages show it, terminals print it, and neither obeys it."""

import io
import shlex

import polars as pl
import pytest
from rich.table import Table
from rich.text import Text

from s3_assets.check_events import outcome_metadata
from s3_assets.checks.outcome import CheckOutcome
from s3_assets.cli import console as console_of
from s3_assets.errors import ObjectMissingError
from s3_assets.media.preview import types_table
from s3_assets.metadata.runs import notes_metadata
from s3_assets.sensors.discovery_events import _one_word

HOSTILE = (
    *(
        "<img src=x onerror=alert(1)>",
        "[click](javascript:alert(1))",
        "a | b",
        "`code`",
        "![x](http://host/pixel.png)",
    ),
    *("line\n# heading", "a\r\n\r\n<script>", "&lt;b&gt;", "**bold**", "~~gone~~", "\\<b>"),
)
OBEYED = ("\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\r", "\x08" * 9, "\u202egnp.exe", "a\x00b", "\x7f")


def cells_of(markdown: str) -> list[str]:
    return markdown.splitlines()[2:]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_page_shows_text_as_it_is(text: str) -> None:
    outcome = CheckOutcome(
        *("known", False, "error", True, "none", "1 row"), failed_rows=1, examples=({"id": text},)
    )
    shown = [
        str(outcome_metadata(outcome)["s3_assets/examples"].value),
        str(notes_metadata([f"orders: the first: {text}"])["s3_assets/notes"].value),
        types_table(pl.DataFrame({"type": [text], "objects": [1], "bytes": [2]})),
    ]

    for markdown in shown:
        lines = cells_of(markdown) if markdown.startswith("|") else markdown.splitlines()
        assert len(lines) == 1
        assert not set("<>`[]*~") & set(lines[0].replace("[...]", "")), lines[0]
        assert "&lt" not in lines[0]


@pytest.mark.parametrize("text", OBEYED, ids=ascii)
def test_a_terminal_obeys_nothing_that_it_is_shown(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr("sys.stderr", said)
    console_of.print_error(
        ObjectMissingError(f"no {text}", remedy=f"try {text}", location=f"s3://bucket/{text}")
    )
    console_of.note(text)
    table = Table()
    table.add_column("key")
    table.add_row(Text(text))
    console_of.standard_error().print(table)

    assert not {each for each in said.getvalue() if each != "\n" and not each.isprintable()}
    # Rich leaves some out by itself; what begins a sequence is to be seen.
    assert "\x1b" not in text or "\\x1b" in said.getvalue()


def test_its_own_styles_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    said = io.StringIO()
    monkeypatch.setattr("sys.stderr", said)
    console_of.print_error(ObjectMissingError("no \x1b[2J"))

    assert "\x1b[1;31merror: " in said.getvalue()
    assert "no \\x1b[2J" in said.getvalue()


@pytest.mark.parametrize(
    "name", ["a b", "$(reboot)", "`reboot`", "'; reboot; '", "a\n```\nreboot", "\x1b[2J"]
)
def test_a_command_to_copy_holds_no_other(name: str) -> None:
    word = _one_word(f"s3://bucket/{name}/")

    assert len(shlex.split(f"s3-assets discover {word}")) == 3
    assert "\n" not in word
    assert word.isprintable()
