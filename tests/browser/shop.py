"""The demo's shop with an export behind it: its registry, its bucket, and a Dagster instance of its own."""

import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
import yaml
from deltalake import DeltaTable

from s3_assets.cli.demo_pipeline import Pipeline
from s3_assets.embedded import demo_data
from s3_assets.embedded.demo_landing import Landing
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.registry.loading import load_registry

ORDERS, PAYMENTS, REVENUE = "lake/orders", "lake/payments", "marts/daily_revenue"
REPORT = "reports/daily_revenue"
DELIVERIES = ((0, 3), (4, 7), (8, 10))
"""Days of the first wave. The second, with late rows and the days after these, is left to tests."""
OF_LATER = pl.col("wave") == demo_data.WAVES[1]
REVENUE_DAYS, REPORT_DAYS = (0, 6), (0, 4)
"""The days of which there are partitions."""
BACKFILL_DAYS = (7, 8)
"""Days that are left to tests, and to whose orders the second wave adds nothing."""

CLONE = Path(__file__).parents[2]
ROWS = 30_000
BUCKET = "shop"
EXPORT = {
    "source": "marts/daily_revenue",
    "connection": "shop",
    "path_prefix": "reports",
    "format": "csv",
    "group": "reports",
    "description": "What the shop took, files for each day.",
}
DESCRIPTIONS = {
    "payment_id": "The payment provider's number.",
    "order_id": "What was paid for.",
    "paid_at": "When the money was confirmed, in UTC.",
    "amount": "Of the whole order, in euros.",
}
PREVIEW_ROWS = 5
# Runs start at once, without a queue that only the daemon works off.
COORDINATOR = """
run_coordinator:
  module: dagster.core.run_coordinator
  class: DefaultRunCoordinator
"""


@dataclass(frozen=True)
class Shop:
    """A folder as a user has it, whose processes reach the bucket with `variables`."""

    home: Path
    landing: Landing
    variables: Mapping[str, str]
    orders: pl.DataFrame
    payments: pl.DataFrame
    parts: list[pl.Expr] = field(default_factory=list)
    """Filters that are true of what was delivered."""

    def work(self, pipeline: Pipeline) -> None:
        """Deliver the first wave, and import each delivery."""
        for first, last in DELIVERIES:
            self.deliver(~OF_LATER & pl.col("date").is_between(day(first), day(last)))
            pipeline.run(ORDERS, PAYMENTS)

    def report(self, pipeline: Pipeline) -> None:
        """Transform and export some days."""
        for table, days in ((REVENUE, REVENUE_DAYS), (REPORT, REPORT_DAYS)):
            first, last = map(day, days)
            pipeline.run(table, partitions=(first.isoformat(), last.isoformat()))

    def deliver(self, part: pl.Expr) -> None:
        """Land the orders and payments that the filter is true of."""
        self.parts.append(part)
        self.landing.land_orders(self.orders.filter(part), "landing/orders/")
        self.landing.land_payments(self.payments.filter(part), "landing/payments/")

    def delivered(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return those of the orders or payments that were delivered."""
        return rows.filter(pl.any_horizontal(self.parts)).drop("wave")

    def table(self, name: str) -> DeltaTable:
        """A table as delta-rs sees it, without any code of ours."""
        return DeltaTable(f"s3://{BUCKET}/{name}", storage_options=self.landing.storage_options)

    def rows(self, name: str) -> pl.DataFrame:
        """All rows of a table as Polars sees them, without any code of ours."""
        return pl.read_delta(f"s3://{BUCKET}/{name}", storage_options=self.landing.storage_options)

    def exported_days(self) -> int:
        """The days of which there are exported files."""
        return len({key.rpartition("/")[0] for key in self.landing.sizes("reports/") if key.endswith(".csv")})

    @contextmanager
    def pipeline(self) -> Iterator[Pipeline]:
        """Dagster in this process, on the instance that the UI shows."""
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            for name, value in self.variables.items():
                patch.setenv(name, value)
            # The demo's own code uses what Dagster calls beta.
            warnings.simplefilter("ignore", dg.BetaWarning)
            pipeline = Pipeline(load_registry(self.home / "s3_assets.yaml"))
        try:
            yield pipeline
        finally:
            pipeline.close()


def day(number: int) -> date:
    """Return a day of the shop."""
    return demo_data.FIRST_DATE + timedelta(days=number)


def open_shop(home: Path, server: EmbeddedServer) -> Shop:
    """Make the folder and the bucket; nothing is delivered yet."""
    shutil.copytree(CLONE / "demo", home / "demo", ignore=shutil.ignore_patterns("__pycache__"))
    (home / "s3_assets.yaml").write_text(yaml.safe_dump(_registry()))
    instance = (CLONE / "dagster.yaml").read_text().replace(".dagster", str(home / ".dagster"))
    (home / "dagster.yaml").write_text(instance + COORDINATOR)
    landing = Landing(server.endpoint_url, BUCKET)
    landing.make_bucket()
    orders = demo_data.orders(ROWS)
    variables = {
        "DAGSTER_HOME": str(home),
        "S3_ASSETS_REGISTRY": str(home / "s3_assets.yaml"),
        "S3_ASSETS_DEMO_ENDPOINT": server.endpoint_url,
        "PYTHONWARNINGS": "ignore",
        "TZ": "UTC",
    }
    return Shop(home, landing, variables, orders, demo_data.payments(orders))


def _registry() -> dict[str, Any]:
    """Return the demo's registry with an export, previews, and groups by the tables' names."""
    registry: dict[str, Any] = yaml.safe_load((CLONE / "s3_assets.yaml").read_text())
    for name, table in registry["tables"].items():
        table["group"] = name.partition("/")[0]
    registry["tables"][PAYMENTS]["column_descriptions"] = DESCRIPTIONS
    # Orders are the sensor's, payments are imported by hand.
    registry["imports"]["payments"]["on_new_data"] = False
    return {
        **registry,
        "exports": {REPORT: EXPORT},
        "preview": {"rows": PREVIEW_ROWS},
        "watch": {"every_seconds": 5},
    }
