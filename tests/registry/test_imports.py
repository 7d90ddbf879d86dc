"""Imports as the registry declares them: short forms, what does not fit together, secrets, schedules."""

from pathlib import Path
from typing import Any

import pytest

from s3_assets.errors import RegistryError
from s3_assets.movement.filters import Constant
from s3_assets.movement.imports import ImportMode
from s3_assets.registry import ImportSettings, Registry
from s3_assets.registry.cron import Cron
from s3_assets.registry.loading import parse_registry
from s3_assets.registry.schedule import ScheduleSettings
from s3_assets.tables.positions import Limit

HEAD = """\
connections: { s3: { url: s3://bucket/ } }
tables:
  raw: { connection: s3, path: raw, format: parquet }
  dated:
    { connection: s3, path: dated, format: parquet, partitions: &daily { column: day, start: 2026-01-01 } }
  out: { connection: s3, path: out, format: delta }
  daily: { connection: s3, path: daily, format: delta, partitions: *daily }
imports:
"""


def parsed(text: str, environment: dict[str, str] | None = None) -> Registry:
    return parse_registry(HEAD + text, Path("/where/r.yaml"), environment or {})


def test_everything_at_once() -> None:
    registry = parsed(
        """\
  one:
    source: raw
    target: daily
    filters:
      add: { channel: web, since: 2026-01-05, from_environment: { env: CHANNEL } }
      digest: [email]
      expand_json: { payload: { columns: { user.id: int64 } }, rest: }
      cast: { price: "decimal[18, 2]" }
      add_time: loaded_at
    placement: { column: created_at, unit: milliseconds }
    on_gap: full_refresh
    batch: { files: 100, bytes: 1000000 }
    max_batches: 3
    schedule: "@daily"
""",
        {"CHANNEL": "shop"},
    )

    job = registry.import_("one")
    settings = registry.imports["one"]
    assert settings.on_new_data is False
    assert settings.schedule == ScheduleSettings(cron="@daily")
    assert (job.mode, job.on_gap, job.limit, job.max_batches) == (
        ImportMode.APPEND,
        "full_refresh",
        Limit(100, 1_000_000),
        3,
    )
    assert job.filters is not None
    assert job.filters.add["from_environment"] == Constant(value="shop")
    assert list(job.filters.digest) == ["email"]
    assert list(job.filters.expand_json) == ["payload", "rest"]
    assert job.placement is not None
    assert job.placement.unit == "milliseconds"
    assert Registry.model_validate(registry.model_dump(exclude_unset=True)) == registry


def test_new_data_starts_what_has_no_schedule_unless_it_is_told() -> None:
    def starts(**more: Any) -> bool:
        return ImportSettings.model_validate({"source": "a", "target": "b", **more}).on_new_data

    assert starts()
    assert not starts(schedule="@hourly")
    assert starts(schedule="@hourly", on_new_data=True)


def test_the_salt_is_a_secret() -> None:
    registry = parsed(
        "  one: { source: raw, target: out, filters: { digest: { email: { salt: { file: salt.txt } } } } }\n"
    )
    filters = registry.imports["one"].filters
    assert filters is not None
    assert filters.digest["email"].salt.file == Path("/where/salt.txt")  # type: ignore[union-attr]

    with pytest.raises(RegistryError) as caught:
        parsed(
            "  one: { source: raw, target: out, filters: { digest: { a: { salt: grains-of-it, x: 1 } } } }\n"
        )
    assert "grains" not in str(caught.value)


PROBLEMS: dict[str, tuple[str, str]] = {
    "a key for an append": (
        "target: out, key: [id]",
        "key: mode 'append' tells no rows apart; leave key out",
    ),
    "a mirror without a key": (
        "target: out, mode: mirror",
        "key: mode 'mirror' tells rows apart by their key",
    ),
    "a mirror of what is there now": (
        "target: out, mode: mirror, key: [id], read_mode: current",
        "read_mode: mode 'mirror' reads 'changes', not 'current'; leave read_mode out",
    ),
    "a mirror of a sample": (
        "target: out, mode: mirror, key: [id], filters: { expand_json: { j: { levels: 2 } } }",
        "filters.expand_json.j: mode 'mirror' compares rows of several reads",
    ),
    "a mirror by partitions": (
        "target: out, mode: mirror, key: [id], partitions_per_run: 1",
        "partitions_per_run: mode 'mirror' is not run by partitions",
    ),
    "a gap in a replacement": (
        "target: out, mode: replace, on_gap: full_refresh",
        "on_gap: mode 'replace' reads all rows, and knows no gap; leave on_gap out",
    ),
    "batches of a replacement": (
        "target: out, mode: replace_on_new_data, batch: { files: 1 }",
        "batch: mode 'replace_on_new_data' is one commit; leave batch out",
    ),
    "batches of no size": ("target: out, max_batches: 2", "max_batches: nothing says how large a batch is"),
    "an empty batch": ("target: out, batch: {}", "batch: give files, bytes, or both"),
    "a placement without partitions": (
        "target: out, placement: { column: at }",
        "placement: 'out' has no partitions; add 'partitions' to it, or leave placement out",
    ),
    "a replacement by load time": (
        "target: daily, mode: replace, placement: {}",
        "placement: replace reads the rows of the partitions of the run, and no row has a load time yet",
    ),
    "a replacement of what cannot be told": (
        "target: daily, mode: replace_on_new_data",
        "mode: replace_on_new_data reads the partitions of the run, and 'raw' declares none",
    ),
    "a type": (
        "target: out, filters: { cast: { a: integer } }",
        "filters.cast.a.type: 'integer' is not a type; use one of boolean",
    ),
    "a filter": (
        "target: out, filters: { dropp: [a] }",
        "filters.dropp: there is no such field; did you mean 'drop'",
    ),
    "a cron": (
        "target: out, schedule: '61 * * * *'",
        "schedule: '61' is no minute of a cron; it goes from 0 to 59",
    ),
    "a zone": (
        "target: out, schedule: { cron: '@daily', timezone: Berlin }",
        "schedule.timezone: 'Berlin' is not an IANA time zone",
    ),
    "once, later": (
        "target: out, schedule: { cron: once, delay_minutes: 5 }",
        "schedule: a run once has no time, and so no delay",
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_what_does_not_fit_together(case: str) -> None:
    settings, message = PROBLEMS[case]
    with pytest.raises(RegistryError) as caught:
        parsed(f"  one: {{ source: raw, {settings} }}\n")

    (problem,) = caught.value.problems
    assert problem.startswith("/where/r.yaml:9:")
    assert f"imports.one.{message}" in problem


def test_a_placement_tells_the_rows_of_a_partition() -> None:
    parsed("  one: { source: raw, target: daily, mode: replace, placement: { column: at } }\n")
    parsed("  one: { source: dated, target: daily, mode: replace }\n")


@pytest.mark.parametrize(
    ("cron", "minutes", "later"),
    [
        ("@hourly", 0, ["0 * * * *"]),
        ("@hourly", 75, ["15 * * * *"]),
        ("@daily", 30, ["30 0 * * *"]),
        ("@weekly", 61, ["1 1 * * 0"]),
        ("@monthly", 1439, ["59 23 1 * *"]),
        ("10,50 0 * * *", 15, ["25 0 * * *", "5 1 * * *"]),
        ("*/15 8-9 * * *", 10, ["10,25,40,55 8,9 * * *"]),
        ("*/15 8-9 * * *", 20, ["20,35,50 8,9 * * *", "5 9,10 * * *"]),
        ("30 23 * * fri-sat", 60, ["30 0 * * 0,6"]),
        ("0 23 * * 7", 60, ["0 0 * * 1"]),
        ("0 23 1,15 jan-mar *", 60, ["0 0 2,16 1,2,3 *"]),
        ("0 12 31 12 *", 60, ["0 13 31 12 *"]),
    ],
)
def test_crons_are_moved_on_the_clock(cron: str, minutes: int, later: list[str]) -> None:
    assert sorted(str(each) for each in Cron.parse(cron).later(minutes)) == sorted(later)


@pytest.mark.parametrize(
    ("cron", "message"),
    [
        ("@yearly", "'@yearly' is no schedule; write @hourly"),
        ("* * * *", "is no schedule"),
        ("5-1 * * * *", "'5-1' is no minute"),
        ("*/0 * * * *", "is no minute"),
        ("0 0 * * mon-xyz", "is no day of the week"),
        ("0 0 1 * mon", "names days of the month and of the week"),
        ("0 0 32 * *", "'32' is no day of the month"),
    ],
)
def test_crons_that_cannot_be_read(cron: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("*", r"\*")):
        Cron.parse(cron)


@pytest.mark.parametrize("cron", ["0 23 31 * *", "0 23 * 2 *"])
def test_a_delay_into_a_day_without_a_name(cron: str) -> None:
    with pytest.raises(ValueError, match="write the later time as a cron"):
        Cron.parse(cron).later(60)
