"""The discovery sensor: each new table is reported once, whatever happens to ticks, and written on demand."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from s3_assets.registry import Registry
from s3_assets.registry.loading import load_registry
from s3_assets.sensors.discovery import discovery_sensor
from tests.dagster_floor.conftest import key
from tests.support.proxy import RequestProxy

CSV = b"id;name\n1;Zoe\n2;Bo\n"
HOUR = 3600
_PLACE = "landing"


class Watched:
    """A bucket, a registry with a place, and the sensor with the cursor that the daemon would keep."""

    def __init__(self, endpoint: str, bucket: str, client: Any, instance: dg.DagsterInstance) -> None:
        self.bucket, self.client, self.instance = bucket, client, instance
        self.cursor: str | None = None
        self.now = 1_000_000.0
        self.connections = {
            "shop": {
                "url": f"s3://{bucket}/",
                "endpoint": endpoint,
                "region": "us-east-1",
                "auth": {"type": "access_key", "access_key_id": "test", "secret_access_key": "unseen"},
            }
        }
        self.tables: dict[str, Any] = {}
        self.exports: dict[str, Any] = {}
        self.place: dict[str, Any] = {"connection": "shop"}

    @property
    def registry(self) -> Registry:
        sections: dict[str, Any] = {
            "connections": self.connections,
            "tables": self.tables,
            "exports": self.exports,
            "discovery": {_PLACE: self.place},
        }
        return Registry(**sections)

    def put(self, *keys: str, body: bytes = CSV) -> None:
        for each in keys:
            self.client.put_object(Bucket=self.bucket, Key=each, Body=body)

    def tick(self, *, lost: bool = False, taken: Collection[str] = ()) -> str:
        """Evaluate a tick, an hour after the last one; of one that is lost the cursor was not kept."""
        sensor = discovery_sensor(self.registry, _PLACE, taken, clock=lambda: self.now)
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        found = sensor.evaluate_tick(context)
        if not lost:
            self.cursor = found.cursor
        self.now += HOUR
        return str(found.skip_message)

    def observations(self, name: str) -> list[dict[str, Any]]:
        """Return the metadata of what was reported of an asset, the newest first."""
        records = self.instance.fetch_observations(key(name), limit=100).records
        return [
            {name: each.value for name, each in record.asset_observation.metadata.items()}
            for record in records
            if record.asset_observation is not None
        ]

    def reported(self) -> dict[str, int]:
        """Return how often each asset was reported."""
        names = ["/".join(each.path) for each in self.instance.get_asset_keys()]
        return {name: len(self.observations(name)) for name in names}


@pytest.fixture
def watched(s3_server: Any, bucket: str, s3_client: Any, instance: dg.DagsterInstance) -> Watched:
    return Watched(s3_server.endpoint_url, bucket, s3_client, instance)


def test_what_is_new_is_reported_once(watched: Watched) -> None:
    watched.tables["orders"] = {"connection": "shop", "path": "orders", "format": "csv", "delimiter": ";"}
    watched.put("orders/date=2026-01-05/a.csv", *(f"raw/people/day=2026-01-0{day}/a.csv" for day in (5, 6)))
    watched.put("pictures/1.png", "pictures/2.png", body=b"\x89PNG")

    first, second = watched.tick(), watched.tick()

    assert first.startswith("2 new (pictures, raw/people); 1 known; ")
    assert second.startswith("nothing new; 3 known; ")
    assert watched.reported() == {"pictures_inventory": 1, "raw/people": 1}
    (told,) = watched.observations("raw/people")
    assert told["dagster/uri"] == f"s3://{watched.bucket}/raw/people/"
    assert (told["s3_assets/format"], told["s3_assets/partitions"]) == ("csv", "day, day")
    assert told["s3_assets/evidence"].startswith("2 files of .csv")
    columns = [(each.name, each.type) for each in told["dagster/column_schema"].columns]
    assert columns == [("id", "int64"), ("name", "string"), ("day", "date")]
    # The entry that it shows is the one that reads the rows.
    entry = yaml.safe_load(told["s3_assets/entry"].removeprefix("```yaml\n").removesuffix("```"))
    watched.tables |= entry["tables"]
    rows = watched.registry.table("raw/people").scan().select("id", "name").collect()
    assert sorted(rows.rows()) == [(1, "Zoe"), (1, "Zoe"), (2, "Bo"), (2, "Bo")]
    assert watched.tick().startswith("nothing new; 3 known; ")
    assert "unseen" not in (watched.cursor or "")


def test_it_rests_between_looks(watched: Watched) -> None:
    watched.put("a/x.csv")
    watched.tick()
    watched.now -= 600

    assert watched.tick() == "the next look begins in 600 s"


def test_what_the_registry_writes_is_not_new_and_names_are_not_given_twice(watched: Watched) -> None:
    watched.exports = {"made": {"connection": "shop", "path_prefix": "out/made", "format": {"format": "csv"}}}
    watched.put("out/made/x.csv", "mine/x.csv")

    told = watched.tick(taken={"mine"})

    assert told.startswith("1 new (mine_csv); 1 known; ")


def test_a_tick_that_ends_before_its_cursor_is_kept(watched: Watched) -> None:
    watched.put("a/x.csv", "b/x.csv")

    lost, again = watched.tick(lost=True), watched.tick()

    assert lost.startswith("2 new")
    assert again.startswith("nothing new; 0 known")
    assert watched.reported() == {"a": 1, "b": 1}


def test_a_look_of_many_ticks(watched: Watched) -> None:
    names = {f"kind_{chr(97 + number)}/table" for number in range(8)}
    watched.put(*(f"{each}/x.csv" for each in names), "tmp/x/y.csv", "kind_a/tmp/x.csv")
    watched.place |= {"most_requests": 10, "exclude": ["**/tmp"]}

    ticks = [watched.tick() for _ in range(8)]

    assert set(watched.reported().items()) == {(name, 1) for name in names}
    parts = [each for each in ticks if "left for the next tick" in each]
    assert len(parts) >= 2
    # What is begun is looked at to its end, eight folders at once.
    assert all(_requests(each) <= 10 + 8 * 4 for each in ticks)
    assert ticks[-1].startswith("nothing new; ")


def test_what_is_gone_is_told_once(watched: Watched) -> None:
    watched.put("a/x.csv", "b/x.csv")
    watched.tick()
    watched.client.delete_object(Bucket=watched.bucket, Key="a/x.csv")

    gone, later = watched.tick(), watched.tick()
    watched.put("a/x.csv")
    back = watched.tick()

    assert gone.startswith("nothing new; 1 gone (a); 1 known; ")
    assert later.startswith("nothing new; 1 known; ")
    assert back.startswith("1 new (a); ")
    assert [each.get("s3_assets/gone", False) for each in watched.observations("a")] == [False, True, False]


def test_nothing_new_costs_requests_for_folders_alone(
    proxy: RequestProxy, bucket: str, s3_client: Any, instance: dg.DagsterInstance
) -> None:
    watched = Watched(proxy.endpoint, bucket, s3_client, instance)
    watched.put(*(f"{folder}/{number}.csv" for folder in "abc" for number in range(2)))
    watched.tick()
    requests = []
    for more in (0, 40):
        watched.put(*(f"{folder}/{number}.csv" for folder in "abc" for number in range(2, 2 + more)))
        proxy.reset()
        watched.tick()
        requests.append(proxy.count())

    # Two manifests that are not there, the root, and three folders.
    assert requests == [6, 6]


def test_written_to_the_registry(watched: Watched, tmp_path: Path) -> None:
    file = tmp_path / "s3_assets.yaml"
    file.write_text(yaml.safe_dump({"connections": watched.connections}) + "# the end\n")
    watched.place["write_to"] = str(file)
    watched.put("a/x.csv", "pictures/1.png")
    lost = watched.tick(lost=True)
    text = file.read_text()
    watched.put("b/x.csv")
    again = watched.tick()

    assert lost.startswith("2 new (a, pictures)")
    assert again.startswith("1 new (b); 2 known")
    assert watched.reported() == {"a": 1, "b": 1, "pictures_inventory": 1}
    assert set(load_registry(file).tables) == {"a", "b", "pictures_inventory"}
    assert text.startswith("connections:")
    assert "# the end" in file.read_text()


def test_a_file_that_cannot_be_written(watched: Watched, tmp_path: Path) -> None:
    file = tmp_path / "later" / "s3_assets.yaml"
    watched.place["write_to"] = str(file)
    watched.put("a/x.csv")
    refused, again = watched.tick(), watched.tick()
    file.parent.mkdir()
    file.write_text("connections: {")
    broken = watched.tick()
    file.write_text(yaml.safe_dump({"connections": watched.connections}))
    written = watched.tick()

    assert "nothing was written to s3_assets.yaml: " in refused
    assert [each.partition(";")[0] for each in (refused, again, broken, written)] == [
        "1 new (a)", "nothing new", "nothing new", "nothing new",
    ]  # fmt: skip
    assert "this is not YAML" in broken
    assert watched.reported() == {"a": 1}
    assert set(load_registry(file).tables) == {"a"}


def _requests(summary: str) -> int:
    words = summary.replace(";", "").split()
    return int(words[words.index("requests") - 1]) if "requests" in words else 0
