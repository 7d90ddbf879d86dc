"""Exports: rows of a table, or of a frame that somebody made, become files below a prefix.

A run writes uploads that nobody sees, commits them all by one entry of a log, and completes them; the unit's
manifest comes last. What lies where, and what a reader may rely on, is told in `docs/exports-protocol.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from s3_assets.errors import SettingError
from s3_assets.exports.destination import Destination
from s3_assets.exports.manifest import Manifest, read_manifests
from s3_assets.exports.outcome import ExportOutcome
from s3_assets.exports.planning import given, planned, read_new
from s3_assets.exports.rounds import until_committed
from s3_assets.exports.state import look_at, open_state
from s3_assets.exports.units import ExportMode, partition_key_of
from s3_assets.exports.work import Request
from s3_assets.exports.writing import Split
from s3_assets.incremental.publishing import StreamRead
from s3_assets.incremental.run_notes import began
from s3_assets.movement.load import Load
from s3_assets.object_options import ObjectOptions
from s3_assets.tables.naming import naming
from s3_assets.tables.table import Capability, ReadMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.engines.engine import Engine
    from s3_assets.exports.formats import ExportFormat
    from s3_assets.exports.key_template import KeyTemplate
    from s3_assets.movement.filters import Filters
    from s3_assets.progress import Progress
    from s3_assets.tables.positions import Limit
    from s3_assets.tables.table import Plan, Table
    from s3_assets.windows import Window

__all__ = ["Export", "ExportMode", "ExportOutcome"]

NOTE = "export"
"""The note of a commit that says which export made it."""


@dataclass(frozen=True)
class Export:
    """One export, ready to run: nothing is asked of a server before it does.

    `prefix` is a path below the connection's url; keys of the template lie below it.
    """

    name: str
    connection: S3Connection
    template: KeyTemplate
    format: ExportFormat
    mode: ExportMode = ExportMode.FULL
    prefix: str = ""
    source: Table[Any] | None = None
    """None if the rows come from whoever calls `write`."""
    filters: Filters | None = None
    """What becomes of the columns of the source's rows; `write` takes frames as they are."""
    split: Split = field(default_factory=lambda: Split(None, None))
    options: ObjectOptions = field(default_factory=ObjectOptions)
    empty: Literal["none", "file"] = "none"
    """What a unit without rows has: no file, or one with the columns, as far as its format tells them."""
    success: bool = False
    """Whether a `_SUCCESS` is put into the folder of a unit's first file."""
    on_gap: Literal["fail", "full_refresh"] = "fail"
    limit: Limit | None = None
    """Of an incremental export: how much of the source one commit takes."""
    max_batches: int | None = None
    engine: Engine | None = None
    """Who reads the source and writes the files, each worker its own; None: this process. Needs a split."""
    abandon_after: timedelta = timedelta(days=1)
    """So old are uploads that are given up, of attempts of which nothing is known."""

    @cached_property
    def destination(self) -> Destination:
        """Where its files go."""
        return Destination(self.connection, self.prefix, self.name)

    @cached_property
    def file_options(self) -> ObjectOptions:
        """The settings of its files: what was declared, and what the format says."""
        return self.options.with_defaults(
            content_type=self.format.content_type, content_encoding=self.format.content_encoding
        )

    @property
    def stream(self) -> str:
        """The stable id of the cursor: the export's name, then the source's."""
        return f"{self.name}/{self.read_source.name}"

    def run(
        self,
        *,
        window: Window | None = None,
        partition_key: str | None = None,
        moment: datetime | None = None,
        run: str | None = None,
        notes: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> ExportOutcome:
        """Export what the mode says: all rows, the window's, or what is new.

        `window` is one partition, and goes with the mode partitions alone; `partition_key`, left out, is as
        Dagster writes it. `moment` is the load time (left out: now), `run` the run's id. An incremental
        export with a limit commits batch by batch; what was committed before an error stays.

        Raises `KeyTakenError` before anything is visible if a key has an object that is not the unit's own,
        `StreamMovedError` if another run was faster time and again, and what the source raises, such as a
        `HistoryGapError`.
        """
        if (window is not None) != (self.mode is ExportMode.PARTITIONS):
            raise SettingError(
                f"the export '{self.name}' is of mode {self.mode}, and "
                + ("no window was given" if window is None else f"the window {window} was given"),
                remedy="Give a window to an export of mode partitions, and to no other.",
            )
        request = self._request(window, partition_key, moment, run, notes, progress)
        load = Load(self.name, self.read_source.name, request.moment, "export")
        with naming(self.read_source, otherwise=self.name), load.reading():
            outcome = self._run(request, load)
        return replace(outcome, origins=load.origins)

    def write(
        self,
        frame: pl.LazyFrame,
        *,
        window: Window | None = None,
        partition_key: str | None = None,
        streams: Sequence[StreamRead] = (),
        sources: Sequence[tuple[Table[Any], Plan]] = (),
        moment: datetime | None = None,
        run: str | None = None,
        notes: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> ExportOutcome:
        """Export a frame that somebody made, with the new positions of the streams that it was made of.

        Of mode partitions, its rows are the partition's, which `partition_key` or `window` names. `streams`
        come from `read_stream`; `sources` say in the manifest where the rows come from. Raises
        `StreamMovedError` if one of the streams was committed since it was read, and what `run` raises.
        """
        named = window is not None or partition_key is not None
        if named != (self.mode is ExportMode.PARTITIONS):
            raise SettingError(
                f"the export '{self.name}' is of mode {self.mode}, and "
                + ("a partition was named" if named else "no partition was named"),
                remedy="Name the partition of an export of mode partitions, and of no other.",
            )
        request = self._request(window, partition_key, moment, run, notes, progress)
        work = given(frame, streams, sources)
        return until_committed(self, request, lambda _: work)

    def read_stream(
        self, stream: str, source: Table[Any], mode: ReadMode = ReadMode.ADDED
    ) -> tuple[Plan, StreamRead]:
        """Plan what is new for a stream, from the cursor that the export holds, to `write` what comes of it.

        What a crashed run has left unfinished is finished first.
        """
        state = open_state(self.destination)
        since = state.cursor(stream)
        plan = source.plan(mode, since=since.position if since else None)
        return plan, StreamRead(state.cursors(stream), since, plan.until, plan.files, plan.bytes)

    def manifest(self, unit: str) -> Manifest | None:
        """Return the manifest of a unit, None if it has none: its name is as manifests tell it."""
        return next((each for each in self.manifests() if each.unit == unit), None)

    def manifests(self) -> list[Manifest]:
        """Return the manifests of all units, in the order of their commits; nothing is changed."""
        return read_manifests(self.destination)

    def committed(self, stream: str) -> int | None:
        """Return the number of a stream's last commit, to look at it: nothing is changed."""
        return look_at(self.destination).get(stream)

    @property
    def read_source(self) -> Table[Any]:
        """The table that it reads; raises `SettingError` if it has none."""
        if self.source is None:
            raise SettingError(
                f"the export '{self.name}' has no source",
                remedy="Name its source, or write frames with it.",
            )
        return self.source

    def _run(self, request: Request, load: Load) -> ExportOutcome:
        if self.mode is not ExportMode.INCREMENTAL:
            return until_committed(self, request, lambda _: planned(self, request, load))
        self.read_source.require(Capability.READ_ADDED)
        found = until_committed(self, request, lambda state: read_new(self, state, load))
        batches = 1
        while found.more and not found.nothing_new:
            if batches == self.max_batches:
                told = f"{batches:,} batches were exported (max_batches), and there is more for the next run"
                return replace(found, remarks=(*found.remarks, told))
            later = until_committed(self, request, lambda state: read_new(self, state, load))
            found = found.then(later)
            batches += 1
            if later.nothing_new:
                break
        return found

    def _request(
        self,
        window: Window | None,
        partition_key: str | None,
        moment: datetime | None,
        run: str | None,
        notes: Mapping[str, str] | None,
        progress: Progress | None,
    ) -> Request:
        if window is not None:
            single = partition_key_of(window)
            partition_key = partition_key or single
        now = datetime.now(UTC)
        return Request(
            moment or now,
            run or str(uuid4()),
            partition_key,
            window,
            {NOTE: self.name, **began(now), **(notes or {})},
            progress,
        )
