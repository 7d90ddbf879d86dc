"""The sensor of a queue: whatever becomes of messages, the tables end right."""

import json
import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import deltalake
import polars as pl
import pytest

from s3_assets.embedded.server import REGION, EmbeddedServer
from s3_assets.errors import QueueMissingError, UnreachableError
from s3_assets.registry import Registry
from tests.dagster_floor.conftest import RANGE_END, RANGE_START, Lake, Ticking
from tests.servers.programs import free_port
from tests.support.extent import EVERYTHING
from tests.support.notifications import TEST_EVENT, Mailbox, by_eventbridge, by_sns, of_s3

START, DAYS = date(2026, 1, 1), 5
NOTIFICATIONS = 10_000 if EVERYTHING else 300
BY_DAY, ALL, SILENT = "lake/by_day", "lake/all", "lake/silent"


class Post(Ticking):
    """A lake whose sensor is told by a queue."""

    sensor = "events_queue"

    def __init__(self, lake: Lake, mailbox: Mailbox, **settings: Any) -> None:
        super().__init__(lake)
        self.mailbox = mailbox
        daily = {"column": "date", "start": str(START), "end": str(START + timedelta(days=DAYS))}
        connections = lake.registry.model_dump(mode="python", exclude_unset=True)["connections"]

        def table(path: str, form: str, **more: Any) -> dict[str, Any]:
            return {"connection": "lake", "format": form, "path": path, **more}

        registry = Registry.model_validate(
            {
                "connections": connections,
                "tables": {
                    "landing/by_day": table("landing/by_day", "jsonl", partitions=daily),
                    "landing/all": table("landing/a + b", "jsonl"),
                    "landing/silent": table("landing/silent", "jsonl"),
                    BY_DAY: table(BY_DAY, "delta", partitions=daily),
                    ALL: table(ALL, "delta"),
                    SILENT: table(SILENT, "delta"),
                },
                "imports": {
                    "by_day": {"source": "landing/by_day", "target": BY_DAY, "mode": "replace"},
                    "all": {"source": "landing/all", "target": ALL},
                    "silent": {"source": "landing/silent", "target": SILENT},
                },
                "queues": {
                    "events": {"connection": "lake", "queue_url": mailbox.url, "wait_seconds": 0, **settings}
                },
            }
        )
        lake.use(registry)

    def work(self) -> list[str]:
        """Tick, and run what is requested, as the daemon does."""
        requests = self.tick().run_requests or []
        for each in requests:
            (key,) = each.asset_selection
            span = (each.tags[RANGE_START], each.tags[RANGE_END]) if RANGE_START in each.tags else None
            self.lake.run("/".join(key.path), partition=each.partition_key, span=span)
        return sorted("/".join(each.asset_selection[0].path) for each in requests)

    def sweep_is_due(self) -> None:
        self.cursor = json.dumps({**json.loads(self.cursor or ""), "swept": 0.0})

    def put(self, key: str, *numbers: int) -> str:
        """Land a file of one row for each number; the bucket's own key is returned."""
        rows = "".join(f'{{"id": {number}}}\n' for number in numbers)
        if key.startswith("landing/by_day"):
            day = key.split("date=")[1][:10]
            rows = "".join(f'{{"id": {number}, "date": "{day}"}}\n' for number in numbers)
        self.lake.client.put_object(Bucket=self.lake.bucket, Key=f"base/{key}", Body=rows.encode())
        return f"base/{key}"

    def ids(self, name: str) -> list[int]:
        """The rows of a target, as delta-rs reads them."""
        table = deltalake.DeltaTable(self.lake.url(name), storage_options=self.lake.storage_options)
        return sorted(
            pl.DataFrame(deltalake.QueryBuilder().register("t", table).execute("select id from t"))["id"]
        )


@pytest.fixture(scope="module")
def sqs(s3_server: EmbeddedServer) -> Any:
    import boto3

    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client("sqs", endpoint_url=s3_server.endpoint_url, region_name=REGION, **keys)


@pytest.fixture
def mailbox(sqs: Any) -> Iterator[Mailbox]:
    found = Mailbox(sqs, f"events-{uuid4().hex[:12]}")
    yield found
    sqs.delete_queue(QueueUrl=found.url)


@pytest.fixture
def post(lake: Lake, mailbox: Mailbox) -> Post:
    return Post(lake, mailbox)


def test_what_the_server_itself_sends(post: Post, s3_client: Any) -> None:
    """A real server's test event, its notifications of puts and deletes of keys that are hard to write."""
    post.mailbox.notified_by(s3_client, post.lake.bucket)
    post.tick()
    post.put("landing/a + b/100%.jsonl", 1, 2)
    key = post.put("landing/by_day/date=2026-01-02/a.jsonl", 3)
    post.put("landing/by_day/date=2026-01-03/a.jsonl", 4)
    post.put("elsewhere/a.jsonl", 5)

    assert post.work() == [ALL, BY_DAY]
    # What the runs wrote was told, too; nobody reads it.
    assert post.work() == []
    assert (post.ids(ALL), post.ids(BY_DAY)) == ([1, 2], [3, 4])
    s3_client.delete_object(Bucket=post.lake.bucket, Key=key)
    assert post.work() == [BY_DAY]
    assert post.ids(BY_DAY) == [4]
    post.work()
    post.work()
    assert post.mailbox.counts() == (0, 0)


def test_messages_are_deleted_once_the_cursor_is_kept(post: Post) -> None:
    post.tick()
    post.mailbox.send([of_s3(post.lake.bucket, post.put("landing/a + b/a.jsonl", 1))])
    lost = post.look()
    # That tick's end was never kept: its message is not deleted by the next one, and will come again.
    post.tick()
    assert post.mailbox.counts() == (0, 1)
    assert [each.run_key for each in lost.run_requests]
    post.mailbox.send([of_s3(post.lake.bucket, "base/landing/a + b/a.jsonl")])
    kept = post.tick()
    assert [each.run_key for each in kept.run_requests] == [each.run_key for each in lost.run_requests]
    assert post.mailbox.counts() == (0, 2)
    post.tick()
    assert post.mailbox.counts() == (0, 1)


def test_poison(post: Post, capfd: pytest.CaptureFixture[str]) -> None:
    post.tick()
    bodies = [
        "no JSON",
        "[" * 9_000,
        '{"Records": [{}]}',
        TEST_EVENT,
        of_s3("lake", "base/landing/a + b/a.jsonl"),
    ]
    post.mailbox.send(bodies)
    tick = post.tick()
    said = capfd.readouterr().err

    assert "5 messages, 1 of objects of nobody here, 3 unreadable" in tick.skip_message
    assert "unreadable, and left to the queue's redrive policy: message " in said
    assert "received 1 time: the message is no JSON object" in said
    assert 'no JSON"' not in said
    post.tick()
    assert post.mailbox.counts() == (0, 3)

    thrown = Post(post.lake, post.mailbox, on_unreadable="delete")
    thrown.cursor = post.cursor
    thrown.mailbox.send(bodies[:3])
    thrown.tick()
    assert thrown.mailbox.counts() == (0, 6)
    thrown.tick()
    assert thrown.mailbox.counts() == (0, 3)


def test_what_comes_too_often_is_told(post: Post, sqs: Any, capfd: pytest.CaptureFixture[str]) -> None:
    post = Post(post.lake, post.mailbox, max_receives=2)
    post.mailbox.send([TEST_EVENT])
    for _ in range(2):
        assert sqs.receive_message(QueueUrl=post.mailbox.url, VisibilityTimeout=0)["Messages"]
    post.tick()

    assert "1 message came more than 2 times" in capfd.readouterr().err


def test_only_what_was_told_of_is_looked_at(post: Post) -> None:
    post.tick()
    post.put("landing/silent/a.jsonl", 1)
    post.put("landing/a + b/a.jsonl", 2)
    tick = post.look()
    assert "looked at 0 tables: 0 changed" in tick.skip_message
    post.mailbox.send([of_s3(post.lake.bucket, "base/landing/by_day/date=2026-01-01/gone.jsonl")])
    assert "looked at 1 table: 0 changed" in post.tick().skip_message
    post.sweep_is_due()
    assert post.work() == [ALL, SILENT]


def test_a_queue_that_is_not_there(post: Post) -> None:
    url = post.mailbox.url.replace("/events-", "/other-")
    nowhere = Post(post.lake, post.mailbox, queue_url=url)

    with pytest.raises(QueueMissingError, match="there is no such queue"):
        nowhere.look()


def test_a_server_that_nobody_listens_at(post: Post) -> None:
    """What is told is where the queue is, not where the bucket is."""
    server = f"http://127.0.0.1:{free_port()}"
    nowhere = Post(post.lake, post.mailbox, queue_url=f"{server}/000000000000/events")

    with pytest.raises(UnreachableError, match=f"nobody answers at {server}"):
        nowhere.look()


def test_no_other_sensor_looks_at_its_tables(post: Post) -> None:
    assert [each.name for each in post.lake.definitions.sensors or ()] == ["events_queue"]


@pytest.mark.timeout(1800 if EVERYTHING else 180)
def test_doubled_reordered_and_lost(post: Post) -> None:
    """Of many notifications some never come, others twice and in any order, in each of Amazon's shapes."""
    turn = random.Random(8)  # noqa: S311 - the same messages in each run
    post.tick()
    expected: dict[str, list[int]] = {BY_DAY: [], ALL: [], SILENT: []}
    late: list[str] = []
    waves = 3
    for wave in range(waves):
        bodies = list(late)
        for index in range(NOTIFICATIONS // waves):
            number = wave * NOTIFICATIONS + index
            name, folder = turn.choice(
                [
                    (BY_DAY, f"landing/by_day/date={START + timedelta(days=turn.randrange(DAYS))}"),
                    (ALL, f"landing/a + b/{turn.randrange(3)}%"),
                    (SILENT, "landing/silent"),
                ]
            )
            key = post.put(f"{folder}/{number}.jsonl", number)
            expected[name].append(number)
            if name == SILENT or turn.random() < 0.1:
                continue
            body = of_s3(post.lake.bucket, key, sequencer=f"{turn.getrandbits(64):016X}")
            bodies += [body, turn.choice([body, by_sns(body), by_eventbridge(post.lake.bucket, key)])]
        turn.shuffle(bodies)
        # Half of them come with the next wave, behind others that are younger.
        late, bodies = bodies[: len(bodies) // 2], bodies[len(bodies) // 2 :]
        post.mailbox.send(bodies)
        while post.mailbox.counts() != (0, 0):
            post.work()
    post.mailbox.send(late)
    while post.mailbox.counts() != (0, 0):
        post.work()

    assert deltalake.DeltaTable.is_deltatable(post.lake.url(SILENT), post.lake.storage_options) is False
    post.sweep_is_due()
    post.work()
    for name, numbers in expected.items():
        assert post.ids(name) == sorted(numbers)
    assert post.work() == []
