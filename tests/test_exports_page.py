"""docs/exports.md: its tables are compared with the models and the macros, its keys are rendered."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from s3_assets.exports.formats import AvroFormat, CsvFormat, JsonLinesFormat, ParquetFormat
from s3_assets.exports.key_template import KeyTemplate, KeyValues
from s3_assets.exports.macros import MACROS
from s3_assets.exports.units import ExportMode
from s3_assets.object_options import ObjectOptions
from s3_assets.registry import ExportSettings
from s3_assets.registry.exports import KEYS, SplitSettings
from s3_assets.registry.increments import BatchSettings

PAGE = (Path(__file__).parent.parent / "docs" / "exports.md").read_text(encoding="utf-8")
TEXT = {*CsvFormat.model_fields} & {*JsonLinesFormat.model_fields} - {"format", "float_precision"}


def rows(title: str) -> dict[str, list[str]]:
    """The rows of a section's first table that begin with a name: the name, and the cells behind it."""
    section = re.split(r"^##", PAGE.split(f"\n{title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
    section = section[section.index("|") :].partition("\n\n")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {first.strip(): [cell.strip() for cell in others] for first, *others in lines}


def told(model: type[BaseModel], name: str) -> str:
    """How the page tells the default of a field."""
    field = model.model_fields[name]
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default in (None, (), "", {}) or isinstance(default, BaseModel):
        return "-"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def fields(model: type[BaseModel], names: set[str] | None = None, prefix: str = "") -> dict[str, str]:
    kept = model.model_fields.keys() - {"format"} if names is None else names
    return {f"`{prefix}{name}`": told(model, name) for name in kept}


EXPECTED = {
    "## What an export says": {
        **fields(ExportSettings, {*ExportSettings.model_fields}),
        **fields(SplitSettings, prefix="split."),
        **fields(BatchSettings, prefix="batch."),
    },
    "### Text": fields(CsvFormat, TEXT),
    "### csv": fields(CsvFormat, {*CsvFormat.model_fields} - TEXT - {"format"}),
    "### jsonl": fields(JsonLinesFormat, {*JsonLinesFormat.model_fields} - TEXT - {"format"}),
    "### Parquet": fields(ParquetFormat),
    "### Avro": fields(AvroFormat),
    "## Objects": fields(ObjectOptions),
}


@pytest.mark.parametrize("title", EXPECTED)
def test_every_field_is_there_with_its_default(title: str) -> None:
    assert {name: cells[0] for name, cells in rows(title).items()} == EXPECTED[title]


def test_text_formats_have_the_same_defaults() -> None:
    assert fields(CsvFormat, TEXT) == fields(JsonLinesFormat, TEXT)


def test_every_macro_is_there_as_it_is_written() -> None:
    values = KeyValues(
        moment=datetime(2025, 4, 14, 11, 23, 45, tzinfo=UTC),
        extension="csv.gz",
        stream_name="sales_by_day",
        source_connection="lake",
        target_connection="lake",
        run="fad1983d-7446-45c4-bb46-4578affe02d5",
        cursor=datetime(2024, 3, 1, 2, 3, 4, tzinfo=UTC),
        partition_key="2024-03-01",
    )

    expected = {f"`{{{name}}}`": f"`{KeyTemplate.parse(f'{{{name}}}').render(values, 0)}`" for name in MACROS}
    assert {name: cells[0] for name, cells in rows("### Macros").items()} == expected


def test_the_keys_of_exports_that_name_none() -> None:
    assert {name: cells[0] for name, cells in rows("## Keys").items()} == {
        f"`{mode}`": f"`{key}`" for mode, key in KEYS.items()
    }
    assert rows("## Modes").keys() == {f"`{mode}`" for mode in ExportMode}
