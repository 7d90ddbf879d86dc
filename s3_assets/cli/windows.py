"""Windows as people write them: partition keys such as 2026-01-05, one of them or the first and the last."""

from datetime import date, datetime, time
from typing import TYPE_CHECKING

from s3_assets.errors import SettingError
from s3_assets.windows import Every, Window, next_start, time_zone

if TYPE_CHECKING:
    from s3_assets.exports.export import Export
    from s3_assets.movement.imports import Import
    from s3_assets.tables.settings import Partitions

_FORMATS = {Every.HOUR: ("%Y-%m-%d-%H:%M", "%Y-%m-%dT%H:%M"), Every.MONTH: ("%Y-%m-%d", "%Y-%m")}
_EXAMPLES = {Every.HOUR: "2026-01-05-13:00", Every.MONTH: "2026-01"}


def window_of(job: "Import", window: str | None, first: str | None, last: str | None) -> Window | None:
    """Return the partitions that an import's options name; raises `SettingError` where they fit nothing."""
    from s3_assets.movement.imports import ImportMode

    if window is None and first is None and last is None:
        return None
    if not job.mode.replaces:
        act = "mirrors its source" if job.mode is ImportMode.MIRROR else "appends what is new"
        raise SettingError(
            f"the import '{job.name}' {act}, whatever its date",
            remedy="Leave --partition, --from and --to out, or set mode: replace.",
            table=job.target.name,
        )
    return table_window(job.target.name, job.target.settings.partitions, window, first, last)


def table_window(
    name: str, partitions: "Partitions | None", window: str | None, first: str | None, last: str | None
) -> Window | None:
    """Return the partitions of a table that options name; raises `SettingError` where they fit nothing."""
    if window is None and first is None and last is None:
        return None
    _require_ends(window, first, last)
    if partitions is None:
        raise SettingError(
            "partitions were asked for, and the table declares none",
            remedy="Add 'partitions' with its column to the table.",
            table=name,
        )
    return parse_window(partitions, window or first or "", window or last or "")


def export_windows(
    export: "Export", window: str | None, first: str | None, last: str | None
) -> list[Window | None]:
    """Return the partitions that an export's options name, one by one; None is a run of all.

    Raises `SettingError` where they do not fit its mode.
    """
    from s3_assets.exports.export import ExportMode

    named = not (window is None and first is None and last is None)
    if export.mode is not ExportMode.PARTITIONS:
        if named:
            raise SettingError(
                f"the export '{export.name}' is of mode {export.mode}, and is not run by partitions",
                remedy="Leave --partition, --from and --to out, or set mode: partitions.",
                table=export.name,
            )
        return [None]
    if not named:
        raise SettingError(
            f"the export '{export.name}' is run by partitions, and none was named",
            remedy="Give --partition, or --from and --to.",
            table=export.name,
        )
    _require_ends(window, first, last)
    partitions = export.read_source.settings.partitions
    if partitions is None:
        raise SettingError("the source declares no partitions", remedy="Add them.", table=export.name)
    whole = parse_window(partitions, window or first or "", window or last or "")
    return [Window(start, next_start(start, whole.every), whole.every) for start in whole.steps()]


def _require_ends(window: str | None, first: str | None, last: str | None) -> None:
    if window is not None and (first or last):
        raise SettingError("--partition names one, --from and --to a range", remedy="Use one of both.")
    if window is None and not (first and last):
        raise SettingError("a range has two ends", remedy="Give both --from and --to.")


def parse_window(partitions: "Partitions", first: str, last: str) -> Window:
    """Return the window of the partitions from `first` to `last`, both included.

    Raises `SettingError` for a key that cannot be read or is not where a partition starts.
    """
    start, end = _start(partitions, first), _start(partitions, last)
    if end < start:
        raise SettingError(f"the range ends at {last}, before it starts at {first}", remedy="Swap them.")
    return Window(start, next_start(end, partitions.every), partitions.every)


def _start(partitions: "Partitions", key: str) -> datetime:
    for written in _FORMATS.get(partitions.every, ("%Y-%m-%d",)):
        try:
            found = datetime.strptime(key, written).replace(tzinfo=time_zone(partitions.timezone))
        except ValueError:
            continue
        _require_start(partitions, found, key)
        return found
    example = _EXAMPLES.get(partitions.every, "2026-01-05")
    raise SettingError(f"'{key}' names no {partitions.every}", remedy=f"Write one such as {example}.")


def _require_start(partitions: "Partitions", found: datetime, key: str) -> None:
    declared = partitions.start
    first = declared if isinstance(declared, datetime) else datetime.combine(declared, time())
    if found.date() < _day(declared):
        raise SettingError(
            f"'{key}' lies before the first partition, {_day(declared)}", remedy="Take a later one."
        )
    if (
        (partitions.every is Every.WEEK and found.weekday() != first.weekday())
        or (partitions.every is Every.MONTH and found.day != first.day)
        or (partitions.every is Every.HOUR and found.minute)
    ):
        raise SettingError(
            f"no {partitions.every} starts at '{key}': the first one starts at {declared}",
            remedy=f"Write the start of a {partitions.every}.",
        )


def _day(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value
