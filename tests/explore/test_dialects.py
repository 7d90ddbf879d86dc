"""Hundreds of dialects of text: each is guessed, read as guessed, and compared with what was written."""

from typing import Any

import pytest

from s3_assets.errors import S3AssetsError
from s3_assets.explore.guess import guess, opened
from tests.explore import spellings
from tests.support.extent import EVERYTHING
from tests.tables.formats import Place

DIALECTS = 620 if EVERYTHING else 40
JSON_DIALECTS = max(DIALECTS // 4, len(spellings.SHAPES))


def found_in(place: Place, folder: str, body: bytes) -> tuple[dict[str, Any], list[str], list[Any]]:
    """Return the settings that are guessed for a file, and the columns and rows that these read."""
    place.client.put_object(Bucket=place.bucket, Key=f"{folder}/rows.data", Body=body)
    connection = place.connection()
    try:
        found = guess(connection, f"{folder}/")
        rows = opened(connection, found).scan().collect()
    except S3AssetsError as error:
        return {}, [], [error.found]
    return dict(found.settings), rows.columns, rows.rows()


def test_delimited(place: Place) -> None:
    wrong = {}
    ambiguous = []
    for dialect in spellings.dialects(DIALECTS):
        if dialect.ambiguous:
            ambiguous.append(f"{dialect}: {dialect.ambiguous}")
            continue
        settings, columns, rows = found_in(place, f"delimited/{dialect.number}", spellings.written(dialect))
        expected = spellings.meant(dialect)
        names = [name for name, _ in dialect.columns]
        if dialect.beginning == "no header":
            names = [f"column_{number}" for number in range(1, len(names) + 1)]
        if (columns, rows) != (names, expected):
            first = next(
                (pair for pair in zip(rows, expected, strict=False) if pair[0] != pair[1]), len(rows)
            )
            wrong[str(dialect)] = (settings, first)

    print(f"{DIALECTS - len(ambiguous)} dialects, and {len(ambiguous)} that mean two things")  # noqa: T201
    assert wrong == {}


def test_json(place: Place) -> None:
    wrong = {}
    for dialect in spellings.json_dialects(JSON_DIALECTS):
        settings, columns, rows = found_in(place, f"json/{dialect.number}", spellings.json_written(dialect))
        expected = spellings.json_meant(dialect)
        names = [name for name, _ in spellings.TABLES["shop"]]
        if (columns, rows, settings["format"]) != (names, expected, _format(dialect)):
            first = next(
                (pair for pair in zip(rows, expected, strict=False) if pair[0] != pair[1]), len(rows)
            )
            wrong[str(dialect)] = (settings, first)

    assert wrong == {}


def _format(dialect: spellings.JsonDialect) -> str:
    return "jsonl" if dialect.shape == "lines" else "json"


@pytest.mark.parametrize("kind", ["delimited", "json"])
def test_dialects_are_not_the_same_file_again(kind: str) -> None:
    files = (
        [spellings.written(each) for each in spellings.dialects(DIALECTS)]
        if kind == "delimited"
        else [spellings.json_written(each) for each in spellings.json_dialects(JSON_DIALECTS)]
    )

    assert len(set(files)) == len(files)
