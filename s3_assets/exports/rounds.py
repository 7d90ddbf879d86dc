"""A run of an export that begins again when another run was faster."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from s3_assets.errors import CursorError
from s3_assets.exports.attempt import Attempt
from s3_assets.exports.committing import require_unmoved
from s3_assets.exports.cursor_time import cursor_time, needs_cursor
from s3_assets.exports.key_template import KeyValues
from s3_assets.exports.keys import UnitKeys
from s3_assets.exports.log import log_folder
from s3_assets.exports.manifest import read_manifest, read_manifests
from s3_assets.exports.outcome import ExportOutcome
from s3_assets.exports.state import open_state
from s3_assets.exports.sweep import sweep_abandoned
from s3_assets.exports.units import ExportMode, Unit
from s3_assets.incremental.publishing import StreamMovedError
from s3_assets.tables.conditional_puts import require_conditional_puts

if TYPE_CHECKING:
    from collections.abc import Callable

    from s3_assets.exports.export import Export
    from s3_assets.exports.manifest import Manifest
    from s3_assets.exports.state import State
    from s3_assets.exports.work import Request, Work

_ROUNDS = 10


def until_committed(export: Export, request: Request, plan: Callable[[State], Work]) -> ExportOutcome:
    """Plan and write on the export's newest state, and again on a newer one as long as another run moved it.

    Raises `StreamMovedError` if that was so in every round, or if a stream that was read before is no longer
    where it was; what `plan` raises; and what an attempt raises.
    """
    started = time.monotonic()
    destination = export.destination
    require_conditional_puts(export.connection, log_folder(destination))
    conflict: StreamMovedError | None = None
    for round_ in range(1, _ROUNDS + 1):
        state = open_state(destination)
        if round_ == 1:
            sweep_abandoned(destination, export.abandon_after)
        try:
            work = plan(state)
        except CursorError:
            # Swept by a faster run of the same stream, or really gone: the newest state tells.
            if open_state(destination).number == state.number:
                raise
            continue
        # Those of a frame that somebody made are not planned anew.
        require_unmoved(export, state, work.streams)
        try:
            outcome = _once(export, request, state, work)
        except StreamMovedError as error:
            conflict = error
        else:
            return replace(outcome, seconds=time.monotonic() - started, rounds=round_)
    raise conflict or StreamMovedError("the export moves on faster than it is read", table=export.name)


def _once(export: Export, request: Request, state: State, work: Work) -> ExportOutcome:
    """Write what was planned."""
    remarks = (*state.remarks, *work.remarks)
    since = work.streams[0].since if work.streams else None
    if work.nothing:
        return ExportOutcome(export.name, plan=work.plan, remarks=(*remarks, *_told_by(work)))
    pattern = export.template.pattern(_values(export, request, work))
    unit = Unit.of(
        export.destination,
        export.mode,
        partition_key=request.partition_key,
        pattern=pattern,
        number=state.number + 1,
    )
    before = _before(export, unit, work)
    keys = UnitKeys.of(
        export.destination,
        pattern,
        (file.key for manifest in before for file in manifest.files),
        unit=unit.name,
        appends=export.mode is ExportMode.INCREMENTAL,
    )
    attempt = Attempt(export, request, state, work, unit, keys, before)
    entry, manifest = attempt.run()
    until = next(iter(attempt.cursors.values()), None)
    return ExportOutcome(
        export.name,
        (manifest,),
        len(entry.removals),
        work.plan,
        since,
        until,
        remarks=(*remarks, *_told_by(work)),
    )


def _values(export: Export, request: Request, work: Work) -> KeyValues:
    source = export.source
    cursor = None
    if request.window is not None:
        cursor = request.window.start
    elif needs_cursor(export.template):
        cursor = cursor_time(source, [read.until for read in work.streams])
    return KeyValues(
        moment=request.moment,
        run=request.run,
        extension=export.format.extension,
        stream_name=export.name,
        source_connection=(source.connection.name or "") if source is not None else "",
        target_connection=export.connection.name or "",
        cursor=cursor,
        partition_key=request.partition_key,
    )


def _before(export: Export, unit: Unit, work: Work) -> list[Manifest]:
    """Return the manifests of what this commit replaces."""
    if work.anew:
        return read_manifests(export.destination)
    if export.mode is ExportMode.INCREMENTAL:
        return []
    found = read_manifest(export.destination, unit.manifest)
    return [found] if found is not None else []


def _told_by(work: Work) -> tuple[str, ...]:
    return work.plan.remarks if work.plan is not None else ()
