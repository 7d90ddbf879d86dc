"""Conditions of the registry, evaluated by Dagster on what our sensor reports of sources."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from s3_assets.builder import build_definitions
from s3_assets.registry import Registry
from tests.dagster_floor.conftest import key

DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]


def declared(**settings: Any) -> Registry:
    daily = {"column": "date", "start": "2026-01-01"}
    return Registry.model_validate(
        {
            "connections": {"lake": {"url": "s3://shop/"}},
            "tables": {
                "landing": {"connection": "lake", "format": "csv", "path": "landing", "partitions": daily},
                "whole": {"connection": "lake", "format": "delta", "path": "whole"},
                "dated": {"connection": "lake", "format": "delta", "path": "dated", "partitions": daily},
                "inventory": {"connection": "lake", "format": "delta", "path": "inventory"},
            },
            "imports": {
                "whole": {"source": "landing", "target": "whole", **settings},
                "dated": {"source": "landing", "target": "dated", "mode": "replace", **settings},
            },
            "media": {"scans": {"connection": "lake", "path": "scans", "target": "inventory", **settings}},
            "exports": {
                "out": {
                    "source": "whole", "connection": "lake", "path_prefix": "out", "format": "csv",
                    "mode": "full", **settings,
                }
            },
        }
    )  # fmt: skip


class Days:
    """Evaluations one after the other, as Dagster's daemon makes them."""

    def __init__(
        self,
        definitions: dg.Definitions,
        instance: dg.DagsterInstance,
        names: Sequence[str] = ("whole", "dated", "inventory", "out"),
    ) -> None:
        self.definitions, self.instance, self.names = definitions, instance, names
        self.cursor: Any = None

    def at(self, moment: str) -> dict[str, list[str | None]]:
        """What is requested at a moment, by asset."""
        found: Any = dg.evaluate_automation_conditions(
            self.definitions,
            self.instance,
            dg.AssetSelection.assets(*map(key, self.names)),
            cursor=self.cursor,
            evaluation_time=datetime.fromisoformat(moment).replace(tzinfo=UTC),
        )
        self.cursor = found.cursor
        requested = {name: sorted(found.get_requested_partitions(key(name)), key=str) for name in self.names}
        return {name: each for name, each in requested.items() if each}

    def observed(self, version: str, name: str = "landing") -> None:
        tags = {"dagster/data_version": version}
        self.instance.report_runless_asset_event(dg.AssetObservation(key(name), tags=tags))


@pytest.mark.parametrize(("every", "dated"), [(False, DAYS[-1:]), (True, DAYS)])
def test_eager_runs_once_for_each_new_version(
    instance: dg.DagsterInstance, every: bool, dated: list[str]
) -> None:
    automation = {"condition": "eager", "all_partitions": every}
    days = Days(build_definitions(declared(automation=automation)), instance)
    assert days.at("2026-01-04T10:00") == {}

    days.observed("1")
    assert days.at("2026-01-04T10:01") == {"whole": [None], "dated": dated, "out": [None]}
    days.observed("1")
    assert days.at("2026-01-04T10:02") == {}


def test_on_missing_runs_a_partition_that_begins(instance: dg.DagsterInstance) -> None:
    days = Days(build_definitions(declared(automation="on_missing")), instance)
    days.observed("1")

    assert [days.at(f"2026-01-0{day}T10:00") for day in (4, 5, 5)] == [{}, {"dated": ["2026-01-04"]}, {}]


def test_on_cron_waits_for_what_is_upstream(instance: dg.DagsterInstance) -> None:
    automation = {"condition": "on_cron", "cron": "@daily", "timezone": "Asia/Tokyo"}
    days = Days(build_definitions(declared(automation=automation)), instance)
    days.at("2026-01-04T14:00")

    # Midnight in Tokyo: what has nothing upstream runs at once, the others with the next version.
    assert days.at("2026-01-04T15:01") == {"inventory": [None]}
    days.observed("2")
    assert days.at("2026-01-04T15:02").keys() == {"whole", "dated", "out"}


@pytest.mark.filterwarnings("ignore:Virtual assets is currently in preview:dagster.PreviewWarning")
def test_a_view_of_yours_is_looked_through(instance: dg.DagsterInstance) -> None:
    """What Dagster calls virtual is never run: an update below it is one above it."""

    @dg.asset(
        key="report",
        deps=["recent"],
        automation_condition=dg.AutomationCondition.eager().resolve_through_virtual(),
    )
    def report() -> None: ...

    definitions = dg.Definitions.merge(
        build_definitions(declared(automation="eager")),
        dg.Definitions(assets=[report, dg.AssetSpec("recent", deps=["landing"], is_virtual=True)]),
    )
    days = Days(definitions, instance, ["report"])
    assert days.at("2026-01-04T10:00") == {}
    days.observed("1")

    assert days.at("2026-01-04T10:01") == {"report": [None]}


def test_one_thing_starts_it() -> None:
    assert declared(automation="eager").imports["whole"].on_new_data is False
    names = [each.name for each in build_definitions(declared(automation="eager")).sensors or ()]
    assert names == ["lake_sources"]
    for wrong, told in (
        ({"automation": "eager", "schedule": "@daily"}, "give 'schedule' or 'automation'"),
        ({"automation": "eager", "on_new_data": True}, "leave on_new_data out"),
        ({"automation": {"condition": "on_cron"}}, "on_cron needs it"),
        ({"automation": {"condition": "eager", "cron": "@daily"}}, "'cron' belongs to on_cron"),
        ({"automation": {"condition": "on_cron", "cron": "61 * * * *"}}, "is no minute"),
    ):
        with pytest.raises(ValueError, match=told):
            declared(**wrong)
