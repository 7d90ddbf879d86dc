"""A tick of a sensor over many tables, none of which changed; and the loading of their definitions."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg

from benchmarks import definitions, ticks
from benchmarks.ground import BUCKET, Ground
from benchmarks.suite import job, mine
from benchmarks.suite.job import Contestant, Job, WrongResultError

TABLES = 1_000
DEFINED = 10_000
_NO_SENSORS = "comes without sensors"
_SENSORS: list[Any] = []


class Tick(Job):
    """A third each of Delta tables, Iceberg tables and folders; the first look was before.

    It was in another process, or, `again`, one more was in this one: a code server stays from tick to tick.
    """

    def __init__(self, *, again: bool = False, behind: str = "") -> None:
        self.again, self.behind = again, behind
        self.name = f"sensor tick, nothing changed{', not the first of a process' if again else ''}"
        self.places: dict[str, list[str]] = {}
        self.absent = {
            "dlt": "is started by somebody else",
            "DuckDB": "is started by somebody else",
            "dagster-deltalake": _NO_SENSORS,
            "dagster-iceberg": _NO_SENSORS,
            "dagster-polars": _NO_SENSORS,
        }

    def contestants(self) -> Sequence[Contestant]:
        here = "benchmarks.suite.watching"
        return [
            job.ours(f"{here}:ours", "dagster", "s3_assets.builder"),
            job.script("dagster-aws, `get_objects`", f"{here}:by_keys", "dagster", "dagster_aws.s3.sensor"),
        ]

    def fill(self, ground: Ground, size: float) -> None:
        each = max(int(TABLES * size) // len(ticks.FORMATS), 1)
        self.places = {form: [f"ticks/{form}/{number}/" for number in range(each)] for form in ticks.FORMATS}
        ticks.fill(ground, self.places)
        self.what = f"{each * len(ticks.FORMATS):,} tables"

    def arguments(self, ground: Ground, contestant: Contestant, folder: Path) -> dict[str, Any]:
        del contestant
        place = {"place": ground.place, "places": self.places, "state": str(folder)}
        return {**place, "again": self.again}

    def begin(self, ground: Ground, contestant: Contestant, folder: Path) -> None:
        told = {**self.arguments(ground, contestant, folder), "again": False}
        found = self.execute(contestant, told).answer
        count = sum(map(len, self.places.values()))
        if found != count:
            raise WrongResultError(f"{contestant.name}: {found} of {count} tables in the first look")

    def verify(self, ground: Ground, contestant: Contestant, answer: Any) -> None:  # noqa: ANN401
        del ground
        if answer != 0:
            raise WrongResultError(f"{contestant.name}: {answer} tables that did not change")

    def clear(self, ground: Ground) -> None:
        ticks.clear(ground)


def prepare_ours(place: Mapping[str, str], places: dict[str, list[str]], state: str, *, again: bool) -> None:
    kept = Path(state) / "cursor"
    cursor = kept.read_text() if kept.exists() else None
    _SENSORS.append(ticks.Sensor(Ground(**place), places, cursor))
    if again:
        ours(place, places, state, again=again)


def ours(place: Mapping[str, str], places: dict[str, list[str]], state: str, *, again: bool) -> int:
    """One look at each table's version; the cursor is kept as Dagster's daemon keeps it."""
    del place, places, again
    changed = _SENSORS[0].tick()
    (Path(state) / "cursor").write_text(_SENSORS[0].cursor or "")
    return int(changed)


def prepare_by_keys(
    place: Mapping[str, str], places: dict[str, list[str]], state: str, *, again: bool
) -> None:
    import boto3
    from dagster_aws.s3.sensor import get_objects

    ground = Ground(**place)
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=ground.endpoint,
        aws_access_key_id=ground.key_id,
        aws_secret_access_key=ground.secret,
        region_name="us-east-1",
    )
    below = {"delta": "_delta_log/", "iceberg": "metadata/", "parquet": ""}

    @dg.sensor(asset_selection=["watched"])
    def keys(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        seen = json.loads(context.cursor) if context.cursor else {}
        found = []
        for form, folders in places.items():
            for folder in folders:
                since = datetime.fromisoformat(seen[folder]) if folder in seen else None
                prefix = folder + below[form]
                new = get_objects(BUCKET, prefix, since_last_modified=since, client=client)
                if new:
                    seen[folder] = max(each["LastModified"] for each in new).isoformat()
                    found.append(dg.AssetMaterialization(folder.strip("/").split("/")))
        return dg.SensorResult(asset_events=found, cursor=json.dumps(seen))

    _SENSORS.append(keys)
    if again:
        by_keys(place, places, state, again=again)


def by_keys(place: Mapping[str, str], places: dict[str, list[str]], state: str, *, again: bool) -> int:
    """A sensor as one would write it: the objects below each table that are newer than the newest seen."""
    del place, places, again
    kept = Path(state) / "cursor"
    with dg.DagsterInstance.ephemeral() as instance:
        cursor = kept.read_text() if kept.exists() else None
        watched = dg.Definitions(assets=[dg.AssetSpec("watched")], sensors=_SENSORS)
        context = dg.build_sensor_context(instance=instance, cursor=cursor, definitions=watched)
        found = _SENSORS[0].evaluate_tick(context)
    kept.write_text(found.cursor)
    return len(found.asset_events)


class Definitions(Job):
    """A registry's file becomes Dagster's graph: every command, run and code server does that at first."""

    name = "definitions loading"

    def __init__(self, *, behind: str = "") -> None:
        self.behind = behind
        self.number = 0
        self._folder = Path()
        others = "its assets are plain ones, written by hand"
        self.absent = {
            "dlt": "declares no assets",
            "DuckDB": "declares no assets",
            "dagster-deltalake": others,
            "dagster-iceberg": others,
            "dagster-polars": others,
        }

    def contestants(self) -> Sequence[Contestant]:
        return [
            job.ours(
                "benchmarks.suite.mine:load_definitions", "dagster", *mine.LIBRARIES, "s3_assets.builder"
            ),
            job.script("plain `@asset`", "benchmarks.suite.by_hand:load_definitions", "dagster"),
        ]

    def fill(self, ground: Ground, size: float) -> None:
        del ground
        self.number = max(int(DEFINED * size) // 2 * 2, 2)
        self.what = f"{self.number:,} assets"
        self._folder = Path(tempfile.mkdtemp(prefix="definitions-"))
        (self._folder / "s3_assets.yaml").write_text(definitions.registry(self.number))

    def arguments(self, ground: Ground, contestant: Contestant, folder: Path) -> dict[str, Any]:
        del ground, contestant, folder
        return {"file": str(self._folder / "s3_assets.yaml"), "count": self.number}

    def verify(self, ground: Ground, contestant: Contestant, answer: Any) -> None:  # noqa: ANN401
        del ground
        if answer != self.number:
            raise WrongResultError(f"{contestant.name}: {answer} assets, not {self.number}")

    def clear(self, ground: Ground) -> None:
        del ground
        (self._folder / "s3_assets.yaml").unlink()
        self._folder.rmdir()
