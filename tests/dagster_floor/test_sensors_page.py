"""docs/sensors.md: its tables are compared with the models, and its examples are run on a server."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import dagster as dg
import pytest
from pydantic import BaseModel

from s3_assets.builder import build_definitions
from s3_assets.cli.main import application
from s3_assets.embedded.server import REGION, EmbeddedServer
from s3_assets.registry import QueueSettings, Registry
from s3_assets.registry.loading import parse_registry
from s3_assets.registry.schedule import AutomationSettings

PAGE = (Path(__file__).parents[2] / "docs" / "sensors.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)(?: ([\w ]+))?\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
REGISTRIES = [text for language, _, text in BLOCKS if language == "yaml"]
CONSOLE = [text for language, _, text in BLOCKS if language == "console"]
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


def json_of(title: str) -> str:
    (text,) = [str(text) for _, told, text in BLOCKS if told == title]
    return text


def placed(text: str, bucket: str, endpoint: str) -> str:
    """The example, at the test's server."""
    place = f'"s3://{bucket}/", endpoint: "{endpoint}", region: {REGION}, transport: {{ max_retries: 0 }}'
    auth = "auth: { type: access_key, access_key_id: test, secret_access_key: test }"
    inline = re.sub(r'\{ url: "s3://company-lake/" \}', f"{{ url: {place}, {auth} }}", text)
    return inline.replace("  lake:\n    url: s3://company-lake/\n", f"  lake: {{ url: {place}, {auth} }}\n")


def rows(title: str) -> Iterator[tuple[str, str]]:
    section = re.split(r"^##", PAGE.split(f"\n{title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
    for line in section.splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("| ").split("|")]
            yield cells[0], cells[1]


@pytest.mark.parametrize(
    ("title", "model"),
    [("## Notifications of a queue", QueueSettings), ("## Conditions of automation", AutomationSettings)],
)
def test_every_field_is_there_with_its_default(title: str, model: type[BaseModel]) -> None:
    def told(name: str) -> str:
        field = model.model_fields[name]
        if field.is_required():
            return "required"
        return "-" if field.default in (None, ()) else f"`{json.dumps(field.default).strip(chr(34))}`"

    assert dict(rows(title)) == {f"`{name}`": told(name) for name in model.model_fields}


@pytest.mark.parametrize("number", range(len(REGISTRIES)))
def test_every_example_is_a_registry(number: int) -> None:
    registry = parse_registry(REGISTRIES[number], Path("s3_assets.yaml"), {})

    assert build_definitions(registry).sensors


@pytest.fixture
def example(
    tmp_path: Path, bucket: str, s3_server: EmbeddedServer, s3_client: Any, monkeypatch: pytest.MonkeyPatch
) -> Path:
    for day, number in (("05", 1), ("06", 2)):
        body = f'{{"id": {number}, "date": "2026-01-{day}"}}\n'
        s3_client.put_object(Bucket=bucket, Key=f"raw/orders/date=2026-01-{day}/a.jsonl", Body=body.encode())
    (tmp_path / "s3_assets.yaml").write_text(placed(REGISTRIES[0], bucket, s3_server.endpoint_url))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.mark.parametrize("number", range(len(CONSOLE)))
def test_every_command_prints_what_is_shown(
    number: int, example: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert example.is_dir()
    # Columns are as wide as the console has it.
    command, *shown = [" ".join(line.split()) for line in CONSOLE[number].splitlines()]
    with pytest.raises(SystemExit) as end:
        application(args=shlex.split(command.removeprefix("$ "))[1:], prog_name="s3-assets")
    printed = [" ".join(line.split()) for line in capfd.readouterr().out.splitlines()]

    assert not end.value.code
    assert len(printed) == len(shown)
    for line, expected in zip(printed, shown, strict=True):
        assert line.startswith(expected.removesuffix("...")) if "..." in expected else line == expected


def test_the_queue_is_told_by_what_the_page_says(
    s3_server: EmbeddedServer, bucket: str, s3_client: Any
) -> None:
    sqs = boto3.client("sqs", endpoint_url=s3_server.endpoint_url, region_name=REGION, **KEYS)
    url = sqs.create_queue(QueueName=f"lake-events-{uuid4().hex[:8]}")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]

    def here(text: str) -> str:
        arn = "arn:aws:sqs:eu-central-1:111122223333:lake-events"
        return text.replace(arn, attributes["QueueArn"]).replace("company-lake", bucket)

    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": here(json_of("queue policy"))})
    s3_client.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=json.loads(here(json_of("bucket notification")))
    )
    text = placed(REGISTRIES[1], bucket, s3_server.endpoint_url)
    text = text.replace("https://sqs.eu-central-1.amazonaws.com/111122223333/lake-events", url)
    registry: Registry = parse_registry(text, Path("s3_assets.yaml"), {})
    definitions = build_definitions(registry)
    sensor = definitions.resolve_sensor_def("lake_events_queue")
    cursor = None
    requested = []
    with dg.DagsterInstance.ephemeral() as instance:
        for turn in range(2):
            if turn:
                s3_client.put_object(Bucket=bucket, Key="raw/orders/a.jsonl", Body=b'{"id": 1}\n')
            context = dg.build_sensor_context(instance=instance, cursor=cursor, definitions=definitions)
            tick = sensor.evaluate_tick(context)
            cursor = tick.cursor
            requested.append([each.asset_selection for each in tick.run_requests or ()])

    assert requested[1] == [[dg.AssetKey(["lake", "orders"])]]
