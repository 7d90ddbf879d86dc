"""The steps of the demo, in their order."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from s3_assets.cli.demo_checks import compare, revenue, version_and_rows
from s3_assets.cli.demo_crash import Crash, kill_while_writing
from s3_assets.cli.demo_ending import print_next, print_summary
from s3_assets.cli.demo_pipeline import Materialized, Pipeline, last_partition
from s3_assets.cli.demo_server import DemoServer, start_server
from s3_assets.cli.demo_story import Story
from s3_assets.embedded import demo_data
from s3_assets.embedded.demo_landing import Landed, Landing
from s3_assets.errors import RegistryError, SettingError
from s3_assets.progress import readable_bytes

if TYPE_CHECKING:
    import polars as pl

TABLES = ("landing/orders", "landing/payments", "lake/orders", "lake/payments", "marts/daily_revenue")
ORDERS, PAYMENTS, LAKE_ORDERS, LAKE_PAYMENTS, REVENUE = TABLES
_CRASHED = "orders"


@dataclass
class Demo:
    """What the steps share."""

    registry_file: Path
    folder: Path
    rows: int
    running: ExitStack
    story: Story = field(default_factory=Story)
    landed: list[dict[str, Landed]] = field(default_factory=list)
    runs: list[dict[str, Materialized]] = field(default_factory=list)

    def start(self, *, port: int | None, keep: bool, fresh: bool) -> None:
        """Start the server and empty its bucket."""
        self.story.title(
            "s3-assets demo",
            "Two sources on S3, imported into Delta tables by Dagster, killed on the way, each row checked.",
        )
        with self.story.step("An S3 server of its own"):
            self.demo: DemoServer = start_server(self.folder, self.registry_file, port=port, keep=keep)
            self.running.enter_context(self.demo.server)
            _require_tables(self.demo, self.registry_file)
            self.landing = Landing(self.demo.server.endpoint_url, self.bucket)
            self.landing.make_bucket()
            if not fresh and (found := len(self.landing.sizes(""))):
                raise SettingError(
                    f"the bucket '{self.bucket}' holds {found:,} objects, and the demo begins with none",
                    remedy="Leave --no-fresh out, or name another --folder.",
                )
            removed = self.landing.empty()
            self.story.say(
                f"{self.demo.server.endpoint_url}, bucket {self.bucket}, data in {self.folder.name}/"
            )
            if self.demo.moved_from is not None:
                self.story.say(f"(another program has port {self.demo.moved_from})")
            if removed:
                self.story.say(f"removed the {removed:,} objects of the last demo")

    def play(self) -> None:
        """Run all steps; what did not hold is in the story's `failed`."""
        self._land(1, "The first wave lands")
        self._import("First import, through Dagster")
        self._land(2, "The second wave lands, with rows for days that were delivered before")
        crash = self._crash()
        self._look(crash)
        self._import("Run again, through Dagster", crash)
        self._check()
        self._import("And once more")
        self._transform()

    def tell_what_next(self, *, keep: bool) -> None:
        """Sum up, and say where to look."""
        print_summary(self.story, self.landed, self.runs)
        print_next(self.story, self.demo, keep=keep)

    @property
    def bucket(self) -> str:
        """The bucket of the demo's tables."""
        return self.demo.registry.table(ORDERS).location.bucket

    @cached_property
    def pipeline(self) -> Pipeline:
        """Dagster, loaded when it is first needed."""
        pipeline = Pipeline(self.demo.registry)
        self.running.callback(pipeline.close)
        return pipeline

    @cached_property
    def orders(self) -> "pl.DataFrame":
        """All orders that are delivered."""
        return demo_data.orders(self.rows)

    @cached_property
    def payments(self) -> "pl.DataFrame":
        """All payments that are delivered."""
        return demo_data.payments(self.orders)

    def _key(self, table: str) -> str:
        return self.demo.registry.table(table).location.key

    def _url(self, table: str) -> str:
        return self.demo.registry.table(table).location.url

    def _land(self, wave: int, title: str) -> None:
        with self.story.step(title):
            landed = {
                ORDERS: self.landing.land_orders(self.orders.filter(wave=wave), self._key(ORDERS)),
                PAYMENTS: self.landing.land_payments(self.payments.filter(wave=wave), self._key(PAYMENTS)),
            }
            self.landed.append(landed)
            rows = [
                (name, f"{each.rows:,}", str(each.files), readable_bytes(each.bytes), _late(each))
                for name, each in landed.items()
            ]
            self.story.table(("source", "rows", "files", "size", "late"), rows)

    def _import(self, title: str, crash: Crash | None = None) -> None:
        with self.story.step(title):
            told = self.pipeline.run(LAKE_ORDERS, LAKE_PAYMENTS)
            self.runs.append(told)
            self.story.table(
                ("target", "files read", "new rows", "files", "size", "version", "seconds"),
                [
                    (
                        name,
                        str(each.read_files),
                        f"{each.rows:,}",
                        str(each.files),
                        readable_bytes(each.bytes),
                        each.version,
                        f"{each.seconds:.1f}",
                    )
                    for name, each in told.items()
                ],
            )
            if crash is not None and crash.left:
                self._check_swept(crash)
            if len(self.runs) > 2:
                nothing = all(each.rows == 0 for each in told.values())
                self.story.check("nothing new, nothing written, no new version", holds=nothing)

    def _crash(self) -> Crash:
        with self.story.step(f"A second import, killed while it writes: s3-assets import {_CRASHED}"):
            crash = kill_while_writing(
                self.registry_file, _CRASHED, lambda: self._files(LAKE_ORDERS), lambda: self._state()[0]
            )
            if crash.left:
                self.story.say(f"kill -9 after {crash.seconds:.1f} s, at the first file that it wrote")
            elif crash.exit_code == 0:
                self.story.say("it was quicker than the kill and has ended: nothing to repair this time")
            elif crash.in_time:
                self.story.say("kill -9 came when it had just committed: nothing to repair this time")
            else:
                self.story.say(crash.output)
                self.story.check("the import ran until it was killed", holds=False)
        return crash

    def _look(self, crash: Crash) -> None:
        with self.story.step("What is on S3 now"):
            version, rows = self._state()
            if not crash.left:
                self.story.say(f"{LAKE_ORDERS} is at version {version} with {rows:,} rows")
                return
            self.story.say(
                f"{len(crash.left)} data files of the killed import, which no commit names, such as"
            )
            self.story.say(crash.left[0], style="dim")
            before = self.runs[0][LAKE_ORDERS]
            self.story.check(
                f"readers still see version {version} with {rows:,} rows, as before",
                holds=(str(version), rows) == (before.version, before.total_rows),
            )

    def _check_swept(self, crash: Crash) -> None:
        left = set(crash.left) & self._files(LAKE_ORDERS)
        self.story.check(f"the {len(crash.left)} files that the killed import left are gone", holds=not left)

    def _check(self) -> None:
        with self.story.step("Exactly once? Polars alone reads the tables, and compares every row"):
            for table, frame, key in (
                (LAKE_ORDERS, self.orders, "order_id"),
                (LAKE_PAYMENTS, self.payments, "payment_id"),
            ):
                told = compare(self._url(table), self.landing.storage_options, frame.drop("wave"), key)
                self.story.check(
                    f"{table}: {told.expected:,} rows delivered, {told.found:,} found, "
                    f"{told.duplicates:,} doubled, every value {'equal' if told.equal else 'NOT equal'}",
                    holds=told.equal and told.duplicates == 0,
                )

    def _transform(self) -> None:
        first, last = demo_data.FIRST_DATE.isoformat(), last_partition()
        with self.story.step(f"Your transformation, demo/revenue.py, for {first} to {last} in one run"):
            told = self.pipeline.run(REVENUE, partitions=(first, last))[REVENUE]
            self.story.say(
                f"{REVENUE}: {told.total_rows:,} rows for {demo_data.DAYS} days, "
                f"from {told.read_files} files, version {told.version}"
            )
            import polars as pl

            found = pl.scan_delta(self._url(REVENUE), storage_options=self.landing.storage_options).collect()
            expected = revenue(self.orders)
            total = float(found["revenue"].sum())
            self.story.check(
                f"revenue of all days {total:,.2f}, of all delivered orders {expected:,.2f}",
                holds=abs(total - expected) < 0.01 * found.height
                and int(found["orders"].sum()) == self.orders.height
                and found["date"].n_unique() == demo_data.DAYS,
            )

    def _files(self, table: str) -> set[str]:
        return {key for key in self.landing.sizes(self._key(table) + "date=") if key.endswith(".parquet")}

    def _state(self) -> tuple[int, int]:
        return version_and_rows(self._url(LAKE_ORDERS), self.landing.storage_options)


def _late(landed: Landed) -> str:
    if not landed.late_rows:
        return "-"
    return f"{landed.late_rows:,} rows for {len(landed.late_dates)} earlier days"


def _require_tables(demo: DemoServer, registry_file: Path) -> None:
    missing = [name for name in TABLES if name not in demo.registry.tables]
    if missing or _CRASHED not in demo.registry.imports:
        raise RegistryError(
            f"{registry_file} is not the demo's registry: it lacks {', '.join(missing) or 'its imports'}",
            remedy="Run the demo in the clone, or name its registry: s3-assets --registry FILE demo.",
        )
