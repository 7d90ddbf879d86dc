"""`sensor list` and `sensor try`: what a tick would do, told beforehand; then it is done."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest

from s3_assets.builder import build_definitions
from s3_assets.embedded.server import REGION, EmbeddedServer
from s3_assets.registry.loading import load_registry
from tests.cli.conftest import Command
from tests.support.notifications import Mailbox

Land = Callable[..., None]

CODE = """\
import dagster as dg


@dg.sensor(asset_selection="*")
def own(context):
    raise RuntimeError("ran")
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "home"
    found.mkdir()
    (found / "dagster.yaml").write_text("telemetry: { enabled: false }\n")
    monkeypatch.setenv("DAGSTER_HOME", str(found))
    return found


def change(registry: Path, *lines: str) -> None:
    registry.write_text(registry.read_text() + "".join(f"{line}\n" for line in lines))


def tried(run: Command, *arguments: object) -> dict[str, Any]:
    answer = run("sensor", "try", *arguments, "--output", "json")
    assert answer.code == 0, answer.err
    return dict(json.loads(answer.out))


def partitions(told: dict[str, Any]) -> set[tuple[str, str | None]]:
    return {(each["assets"][0], each["partitions"]) for each in told["requests"]}


def test_what_the_next_tick_does(run: Command, registry: Path, land: Land, home: Path) -> None:
    """Told twice, and the same: what was tried changed nothing. The real tick then requests just that."""
    land("2026-01-05", 1, 2)
    expected = {("lake/orders", None), ("lake/days", "2026-01-05")}

    first, told = tried(run, "lake_sources"), tried(run, "lake_sources")
    assert first["requests"] == told["requests"]
    assert partitions(told) == expected
    assert told["reports"] == ["landing/orders"]
    # A listing for the version, one for the partitions, and a table that is not there yet.
    assert 2 <= told["s3_requests"] <= 8
    assert told["cursor"] == "none: Dagster's instance has no tick of it"

    definitions = build_definitions(load_registry(registry))
    with dg.DagsterInstance.get() as instance:
        context = dg.build_sensor_context(instance=instance, definitions=definitions)
        tick = definitions.resolve_sensor_def("lake_sources").evaluate_tick(context)
    keys = {each.run_key for each in tick.run_requests or ()}
    assert {each["run_key"] for each in told["requests"]} == keys
    text = run("sensor", "try", "lake_sources").out
    assert "lake_sources: 2 runs requested" in text
    assert "run          lake/days 2026-01-05" in text


def test_what_there_is(run: Command, registry: Path, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(CODE)
    text = registry.read_text().replace("target: lake/feed }", "target: lake/feed, schedule: '@daily' }")
    text = text.replace("target: lake/orders }", "target: lake/orders, automation: eager }")
    registry.write_text(f"{text}code: [own.py]\n")

    answer = run("sensor", "list", "--output", "json")

    assert {each["name"]: (each["kind"], each["declared_by"]) for each in json.loads(answer.out)} == {
        "default_automation_condition_sensor": ("automation", None),
        "feed_schedule": ("schedule", "imports.feed"),
        "lake_sources": ("sensor", "connections.lake"),
        "own": ("sensor", None),
    }
    assert "0 0 * * * (UTC)" in run("sensor", "list").out
    refused = run("sensor", "try", "own")
    assert refused.code == 1
    assert "dagster sensor preview own" in refused.err
    assert "no sensor or schedule 'lake_source'; did you mean 'lake_sources'" in run(
        "sensor", "try", "lake_source"
    ).err.replace("\n", " ")


def test_a_schedule_at_any_time(run: Command, registry: Path) -> None:
    text = registry.read_text().replace(
        "mode: replace }",
        "mode: replace, schedule: { cron: '@daily', timezone: Asia/Tokyo, delay_minutes: 90 } }",
    )
    registry.write_text(text)

    told = tried(run, "days_schedule", "--at", "2026-01-08T01:30")

    assert (told["at"], partitions(told)) == ("2026-01-08T01:30:00+09:00", {("lake/days", "2026-01-06")})
    following = tried(run, "days_schedule")
    assert following["at"].endswith("T01:30:00+09:00")
    assert "leave --at out" in run("sensor", "try", "lake_sources", "--at", "2026-01-08").err.lower()


def test_a_queue_keeps_its_messages(
    run: Command, registry: Path, land: Land, s3_server: EmbeddedServer, s3_client: Any, bucket: str
) -> None:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    sqs = boto3.client("sqs", endpoint_url=s3_server.endpoint_url, region_name=REGION, **keys)
    mailbox = Mailbox(sqs, f"{bucket}-events")
    mailbox.notified_by(s3_client, bucket)
    change(registry, "queues:", f"  events: {{ connection: lake, queue_url: '{mailbox.url}' }}")
    land("2026-01-05", 1, 2)
    before = mailbox.counts()

    told = tried(run, "events_queue")

    assert partitions(told) == {("lake/orders", None), ("lake/days", "2026-01-05")}
    assert before == mailbox.counts() == (2, 0)
    (message, *_) = sqs.receive_message(QueueUrl=mailbox.url, AttributeNames=["ApproximateReceiveCount"])[
        "Messages"
    ]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_discovery_writes_nothing(run: Command, registry: Path, land: Land, home: Path) -> None:
    change(registry, "discovery:", "  all: { connection: lake, path: landing, write_to: s3_assets.yaml }")
    land("2026-01-05", 1, 2)
    text = registry.read_text().replace("path: landing/orders", "path: elsewhere")
    registry.write_text(text)

    told = [tried(run, "all_discovery")["says"] for _ in range(2)]

    # What was reported is not new the next time; this was not reported.
    assert [each.split(" (")[0] for each in told] == ["1 new", "1 new"]
    assert registry.read_text() == text
