"""docs/media.md: its tables are compared with the models, and its examples are run on a server."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from s3_assets.cli.main import application
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.media.inventory import COLUMNS
from s3_assets.registry.loading import parse_registry
from s3_assets.registry.media import CopySettings, MediaSettings
from tests.media import samples
from tests.media.media_ground import MediaGround
from tests.test_readme import is_shown_by

PAGE = (Path(__file__).parents[2] / "docs" / "media.md").read_text(encoding="utf-8")


def first_cells(title: str) -> list[tuple[str, str]]:
    """The names and the second cells of the table below a line."""
    table = PAGE.split(f"\n{title}\n")[1].split("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    return [(name, row[1].strip()) for row in rows for name in re.findall("`([a-z_]+)`", row[0])]


@pytest.mark.parametrize(
    ("title", "model"),
    [
        ("| field | default | meaning |", MediaSettings),
        ("| field of `copy_to` | default | meaning |", CopySettings),
    ],
)
def test_every_field_is_there_with_its_default(title: str, model: Any) -> None:
    def told(name: str) -> str:
        field = model.model_fields[name]
        default = field.get_default(call_default_factory=True)
        if field.is_required():
            return "required"
        if default in (None, (), "", {}):
            return "-"
        return f"`{str(default).lower() if isinstance(default, bool) else default}`"

    assert dict(first_cells(title)) == {name: told(name) for name in model.model_fields}


def test_every_column_is_there() -> None:
    assert sorted(name for name, _ in first_cells("| column | meaning |")) == sorted(COLUMNS)


def test_the_examples(s3_server: EmbeddedServer, s3_client: Any, tmp_path: Path) -> None:
    ground = MediaGround(s3_server.endpoint_url, s3_client)
    for index, kind in enumerate(("png", "webp", "jpg")):
        body = samples.image({"jpg": "JPEG"}.get(kind, kind), 10 + index, 10).ljust(800, b"\0")
        s3_client.put_object(Bucket=ground.source, Key=f"uploads/photos/{index}.{kind}", Body=body)
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    keys = "{ type: access_key, access_key_id: test, secret_access_key: test }"
    for name, bucket in (("s3://shop/", ground.source), ("s3://shop-archive/", ground.bucket)):
        place = f'"s3://{bucket}/", endpoint: "{s3_server.endpoint_url}", region: us-east-1, auth: {keys}'
        text = text.replace(f'"{name}"', place)
    file = tmp_path / "s3_assets.yaml"
    file.write_text(text)
    (console,) = re.findall(r"^```console\n\$ s3-assets (.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    command, *shown = console.splitlines()

    done = CliRunner().invoke(application, ["--registry", str(file), *command.split()])

    found = [line.rstrip() for line in done.output.replace(ground.source, "shop").splitlines()]
    assert is_shown_by(found, shown), done.output
    assert len(s3_client.list_objects_v2(Bucket=ground.bucket, Prefix="photos/")["Contents"]) == 3

    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    connection = parse_registry(text, file, {}).connections["shop"]
    code = code.replace('S3Connection(url="s3://shop/")', "shop")
    names: dict[str, Any] = {"shop": connection}
    exec(code, names)  # noqa: S102 - the page's own example

    assert names["outcome"].counts.new == 0
    assert names["outcome"].objects == 3
