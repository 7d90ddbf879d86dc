"""docs/tables.md: its tables are compared with the models, and its examples are loaded.

A section joins with a line in SECTIONS: the models that it tells of, by the prefix of their fields' names.
"""

import json
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest
from pydantic import BaseModel

from s3_assets.registry.loading import parse_registry
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.settings import (
    AvroSettings,
    DeltaSettings,
    FolderSettings,
    Partitions,
    PreviewSettings,
    TableSettings,
    TypedSettings,
)
from s3_assets.tables.text_settings import DelimitedSettings, ObjectsSettings, TextSettings

PAGE = (Path(__file__).parent.parent / "docs" / "tables.md").read_text(encoding="utf-8")
# A section, the models of its fields, and the models whose fields another section tells.
SECTIONS: dict[str, tuple[dict[str, type[BaseModel]], type[BaseModel] | None]] = {
    "## What all tables share": (
        {"": TableSettings, "partitions.": Partitions, "preview.": PreviewSettings},
        None,
    ),
    "## Folders of files": ({"": FolderSettings}, TableSettings),
    "### Files that disagree": ({"": TypedSettings}, FolderSettings),
    "### Avro": ({"": AvroSettings}, TypedSettings),
    "### Text": ({"": TextSettings}, FolderSettings),
    "### Delimited text": ({"": DelimitedSettings}, TextSettings),
    "### JSON and JSON Lines": ({"": ObjectsSettings}, TextSettings),
    "## Delta tables": ({"": DeltaSettings}, TableSettings),
    "## Iceberg tables": ({"": IcebergSettings}, TableSettings),
}
# Each format has its own.
BY_FORMAT = "suffixes"


def section(title: str) -> str:
    return re.split(r"^##", PAGE.split(f"\n{title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def rows(title: str) -> Iterator[tuple[str, str]]:
    """The first two cells of the rows of a section's tables."""
    for line in section(title).splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("| ").split("|")]
            yield cells[0], cells[1]


def told(model: type[BaseModel], name: str) -> str:
    """How the page tells the default of a field."""
    field = model.model_fields[name]
    if name == BY_FORMAT:
        return "by format"
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default in (None, (), "", {}) or default == PreviewSettings():
        return "-"
    plain = default.value if isinstance(default, Enum) else default
    if isinstance(plain, tuple):
        return f"`{json.dumps(plain)}`"
    return f"`{str(plain).lower() if isinstance(plain, bool) else plain}`"


@pytest.mark.parametrize("title", SECTIONS)
def test_every_field_is_there_with_its_default(title: str) -> None:
    models, known = SECTIONS[title]
    expected = {
        f"`{prefix}{name}`": told(model, name)
        for prefix, model in models.items()
        for name in model.model_fields
        if (known is None or name not in known.model_fields) and (prefix or name != "format")
    }

    assert dict(rows(title)) == expected


EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_is_a_registry(number: int) -> None:
    registry = parse_registry(EXAMPLES[number], Path("s3_assets.yaml"), {})

    assert registry.tables


def test_there_are_examples() -> None:
    assert EXAMPLES
