"""docs/imports.md: its tables are compared with the models, and its examples are run on a server."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import BaseModel

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.movement.casting import Cast
from s3_assets.movement.digest import Digest
from s3_assets.movement.filters import AddTime, Constant, Filters
from s3_assets.movement.json_columns import ExpandJson, JsonField
from s3_assets.movement.placement import Placement
from s3_assets.registry import ImportSettings, Registry
from s3_assets.registry.increments import BatchSettings
from s3_assets.registry.loading import parse_registry
from s3_assets.registry.schedule import ScheduleSettings
from s3_assets.windows import Window

PAGE = (Path(__file__).parent.parent / "docs" / "imports.md").read_text(encoding="utf-8")
SECTIONS: dict[str, dict[str, type[BaseModel]]] = {
    "## What an import says": {"": ImportSettings, "batch.": BatchSettings},
    "## Filters": {"": Filters},
    "### Constants": {"": Constant},
    "### JSON columns": {"": ExpandJson, "columns.": JsonField},
    "### Digests": {"": Digest},
    "### Types": {"": Cast},
    "### Load time": {"": AddTime},
    "## Placement": {"": Placement},
    "## Schedules": {"": ScheduleSettings},
}
EXAMPLES = re.findall(
    r"^```yaml\n(.*?)^```$.*?^```json source\n(.*?)^```$.*?^```json target\n(.*?)^```$",
    PAGE,
    re.MULTILINE | re.DOTALL,
)


def rows(title: str) -> Iterator[tuple[str, str]]:
    """The first two cells of the rows of a section's tables."""
    section = re.split(r"^##", PAGE.split(f"\n{title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
    for line in section.splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("| ").split("|")]
            yield cells[0], cells[1]


def told(model: type[BaseModel], name: str) -> str:
    """How the page tells the default of a field."""
    field = model.model_fields[name]
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default in (None, (), "", {}):
        return "-"
    plain = default.value if isinstance(default, Enum) else default
    return f"`{str(plain).lower() if isinstance(plain, bool) else plain}`"


@pytest.mark.parametrize("title", SECTIONS)
def test_every_field_is_there_with_its_default(title: str) -> None:
    expected = {
        f"`{prefix}{name}`": told(model, name)
        for prefix, model in SECTIONS[title].items()
        for name in model.model_fields
    }

    assert dict(rows(title)) == expected


def test_every_example_has_its_rows() -> None:
    assert PAGE.count("```yaml\n") == len(EXAMPLES) == 5


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_does_what_it_says(
    number: int, s3_server: EmbeddedServer, bucket: str, s3_client: Any
) -> None:
    text, given, expected = EXAMPLES[number]
    place = f'url: "s3://{bucket}/", endpoint: "{s3_server.endpoint_url}", region: us-east-1'
    keys = "{ type: access_key, access_key_id: test, secret_access_key: test }"
    text = text.replace('url: "s3://company-lake/"', f"{place}, auth: {keys}")
    registry = parse_registry(text, Path("s3_assets.yaml"), {})
    (name,) = registry.imports
    job = registry.import_(name)
    s3_client.put_object(Bucket=bucket, Key=f"{job.source.name}/first.jsonl", Body=given.encode())

    window = None
    if job.mode.replaces:
        window = Window(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 4, tzinfo=UTC))
    job.run(window=window)

    wanted = [json.loads(line) for line in expected.splitlines()]
    found = job.target.scan().select(list(wanted[0])).collect()
    assert sorted(map(shown, found.to_dicts())) == sorted(map(shown, wanted))


def shown(row: dict[str, Any]) -> str:
    return json.dumps(row, default=str, sort_keys=True)


def test_the_example_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALT", "grains")
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the page's own example

    registry = names["registry"]
    assert isinstance(registry, Registry)
    frame = pl.LazyFrame({"id": [1], "email": ["a@example.org"], "other": [1]})
    found = registry.import_("orders").shaped(frame).collect()
    assert found.columns == ["id", "email"]
    assert found.rows() == [("1", hmac.new(b"grains", b"a@example.org", hashlib.sha256).hexdigest())]
