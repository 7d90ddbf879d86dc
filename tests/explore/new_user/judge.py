"""How the entries of a registry compare with the answers: right, wrong, missed, by reading what they name."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from s3_assets import Registry, S3AssetsError
from tests.explore.new_user.things import Answer, Thing

_ALIKE = {"json": "jsonl", "tsv": "csv"}


@dataclass(frozen=True)
class Verdict:
    """What was right, and of what was not, why."""

    right: tuple[str, ...]
    wrong: tuple[str, ...]
    missed: tuple[str, ...]
    extra: tuple[str, ...]
    """Entries that lie where nothing should be found, or are found twice."""

    def __str__(self) -> str:
        counts = ", ".join(
            f"{len(getattr(self, kind))} {kind}" for kind in ("right", "wrong", "missed", "extra")
        )
        return "\n".join([counts, *(f"  {line}" for line in (*self.wrong, *self.missed, *self.extra))])


@dataclass(frozen=True)
class _Entry:
    name: str
    path: str
    format: str
    rows: int = 0
    columns: frozenset[str] = frozenset()
    partition: str | None = None
    error: str = ""


def judge(registry: Registry, made: Iterable[Thing]) -> Verdict:
    """Read every entry of a registry that lies in the bucket's root connection, and compare."""
    right, wrong, missed = list[str](), list[str](), list[str]()
    left = list(_entries(registry))
    for thing in made:
        for answer in thing.answers:
            best = min(
                ((_fault(each, answer), each) for each in left if _same_place(each, answer)),
                key=lambda pair: len(pair[0]),
                default=None,
            )
            if best is None:
                missed.append(f"missed: {thing.name}: {answer.format} at {answer.paths[0]}")
                continue
            faults, entry = best
            left.remove(entry)
            if faults:
                wrong.append(f"wrong: {thing.name}: {entry.name}: {'; '.join(faults)}")
            else:
                right.append(entry.name)
    extra = [f"extra: {each.name}: {each.format} at {each.path}: {each.error or each.rows}" for each in left]
    return Verdict(tuple(right), tuple(wrong), tuple(missed), tuple(extra))


def _same_place(entry: _Entry, answer: Answer) -> bool:
    place = any(entry.path.rstrip("/") == path.rstrip("/") for path in answer.paths)
    same = _ALIKE.get(entry.format, entry.format) == _ALIKE.get(answer.format, answer.format)
    return place and same


def _fault(entry: _Entry, answer: Answer) -> list[str]:
    if entry.error:
        return [entry.error, "unreadable", "unreadable"]
    found = list[str]()
    if not answer.columns <= entry.columns:
        found.append(f"without {sorted(answer.columns - entry.columns)}")
        found.append("other columns")
    if entry.rows != answer.rows:
        found.append(f"{entry.rows} rows instead of {answer.rows}")
    if answer.partition not in {None, entry.partition}:
        found.append(f"partitions by {entry.partition} instead of {answer.partition}")
    return found


def _entries(registry: Registry) -> Iterable[_Entry]:
    inventories = {each.target for each in registry.media.values()}
    written = registry.targets | inventories
    for name, each in registry.media.items():
        yield _Entry(name, each.path, "media")
    for name, settings in registry.tables.items():
        if name in written:
            continue
        partition = settings.partitions.column if settings.partitions else None
        path = getattr(settings, "warehouse_path", None) or settings.path
        try:
            frame = registry.table(name).scan()
            columns = frozenset(frame.collect_schema().names())
            rows = int(frame.select(pl.len()).collect().item())
        except (S3AssetsError, pl.exceptions.PolarsError) as error:
            told = f"{type(error).__name__}: {str(error)[:160]}".replace("\n", " ")
            yield _Entry(name, path, settings.format, error=told)
        else:
            yield _Entry(name, path, settings.format, rows, columns, partition)
