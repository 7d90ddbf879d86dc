"""Buckets of many keys, as they lie in the world: what is made of a name and a number of keys."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

Objects = Iterator[tuple[str, int]]

# The files of these tables; every file of a table is the same.
FILES_OF_A_FOLDER = 500
_DAY = date(2020, 1, 1)
_LINES = b'{"id": 1, "name": "one"}\n{"id": 2, "name": "two"}\n'
_CELLS = b"id,name,price\n1,one,1.5\n2,two,2.5\n3,three,3.5\n"


class Layout(NamedTuple):
    """Keys and sizes, and bodies by key or by ending."""

    objects: Objects
    bodies: dict[str, bytes]


def flat(keys: int) -> Layout:
    """All keys in one folder, numbered."""
    return Layout(((f"export/part-{number:08}.csv", 1000) for number in range(keys)), {".csv": _CELLS})


def hashed(keys: int) -> Layout:
    """Names that follow no order."""
    return Layout(((_hashed(number), 1000) for number in range(keys)), {})


def hive(keys: int) -> Layout:
    """A folder for each day, each with 500 files."""
    return Layout(_hive("sales/", keys, ".parquet", FILES_OF_A_FOLDER), {".parquet": _parquet()})


def uneven(keys: int) -> Layout:
    """One huge folder beside many small ones: nine keys in ten, and fifty in each of the others."""
    return Layout(_uneven(keys), {".csv": _CELLS})


def tables(keys: int) -> Layout:
    """Seven tables and a media set, each with an eighth of the keys, in the same folders for any number."""
    each = keys // 8
    log = {f"lake/delta/_delta_log/{number:020}.json": _delta(number) for number in range(3)}
    metadata = {
        f"lake/iceberg/metadata/0000{number}-{_hashed(number)}.metadata.json": b"{}" for number in range(3)
    }
    bodies = {".parquet": _parquet(), ".csv": _CELLS, ".jsonl": _LINES, **log, **metadata}
    return Layout(_tables(each, [*log, *metadata]), bodies)


def _tables(each: int, logs: list[str]) -> Objects:
    yield from ((key, 0) for key in logs)
    days = [f"{_DAY + timedelta(days=day)}" for day in range(10)]
    share = [each // 10 + (each % 10 > place) for place in range(10)]
    for day, files in zip(days, share, strict=True):
        for number in range(files):
            yield f"lake/delta/date={day}/part-{number:05}-{_hashed(number)}.parquet", 0
            yield f"raw/hive/date={day}/part-{number:05}.parquet", 0
            yield f"raw/dated/{day.replace('-', '/')}/{number:07}.jsonl", 0
            yield f"raw/hashed/{day}/{_hashed(number)}.csv", 0
    for number in range(each):
        yield f"lake/iceberg/data/{_hashed(number)}.parquet", 0
        yield f"raw/flat/part-{number:07}.csv", 0
        yield f"raw/uuids/{_hashed(number)}.parquet", 0
        yield f"media/pictures/{number:08}.jpg", 2000


def _hive(prefix: str, keys: int, ending: str, in_folder: int) -> Objects:
    for number in range(keys):
        day = _DAY + timedelta(days=number // in_folder)
        yield f"{prefix}date={day}/part-{number % in_folder:05}{ending}", 1000


def _uneven(keys: int) -> Objects:
    small = keys // 10
    yield from ((f"logs/{number:09}.csv", 1000) for number in range(keys - small))
    yield from ((f"tables/of-{number // 50:05}/{number % 50}.csv", 1000) for number in range(small))


def _hashed(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[:32]


def _parquet() -> bytes:
    import polars as pl

    buffer = io.BytesIO()
    pl.DataFrame({"id": [1, 2, 3], "name": ["one", "two", "three"]}).write_parquet(buffer)
    return buffer.getvalue()


def _delta(version: int) -> bytes:
    return json.dumps({"commitInfo": {"timestamp": version}}).encode()


LAYOUTS: dict[str, Callable[[int], Layout]] = {
    each.__name__: each for each in (flat, hive, hashed, uneven, tables)
}
