"""A preview shows values as they are, whatever they hold, and no more of them than it may."""

from datetime import UTC, datetime

import polars as pl

from s3_assets.metadata.preview import Preview
from s3_assets.tables.settings import PreviewSettings
from tests.support.markdown import cells

NASTY = "a|b\\|c `d` *e* <img src=x onerror=alert(1)> [f](javascript:g) &amp; _h_ i_j"


def test_cells_of_every_type() -> None:
    frame = pl.DataFrame(
        {
            "text": [NASTY, None],
            "lines": ["one\n\n# two\u202e\x00", "x" * 1_000],
            "bytes": [b"123", b""],
            "list": [list(range(20)), []],
            "record": [{"a": "|", "b": [1]}, {"a": None, "b": []}],
            "at": [datetime(2026, 1, 1, 12, 30, tzinfo=UTC), None],
        }
    )
    preview = Preview(PreviewSettings(rows=2))
    for batch in (frame.head(0), frame.head(1), frame.tail(1), frame):
        preview.look(batch)

    titles, first, second = cells(preview.metadata()["s3_assets/preview"].value)
    assert titles == frame.columns
    assert first == [
        f"{NASTY[:39]}…",
        "one # two",
        "3 bytes",
        "[0, 1, 2, 3, 4, 5, 6, 7]",
        "{'a': '|', 'b': [1]}",
        "2026-01-01 12:30:00+00:00",
    ]
    assert second == ["markup", f"{'x' * 39}…", "0 bytes", "[]", "{'a': None, 'b': []}", "markup"]
    assert preview.metadata()["s3_assets/preview"].value.count("*null*") == 2


def test_wide_rows_are_cut() -> None:
    preview = Preview(PreviewSettings(rows=1, exclude=("c0",)))
    preview.look(pl.DataFrame({f"c{number}": [number] for number in range(40)}))

    shown = preview.metadata()["s3_assets/preview"].value
    assert cells(shown)[0] == [f"c{number}" for number in range(1, 31)]
    assert "and 9 more columns" in shown
