"""What a read of text leaves out is counted, told, and kept where that was asked for."""

import json
import random
from typing import Any

import polars as pl
import pytest

from s3_assets.errors import SchemaMismatchError
from s3_assets.incremental.append import append_new
from s3_assets.movement.imports import Import, ImportMode
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings
from tests.tables.formats import PATH, Place
from tests.tables.test_text import text_table

COLUMNS = {"n": "int64", "t": "string", "day": "date"}


def put_bad(place: Place) -> None:
    place.put("day=2026-01-01/a.csv", b'n,t\n1,x\n2,"y\nz",3\nno,w\n4,\xff\n')
    place.put("day=2026-01-02/b.csv", b"t,n\nv,5\nu\n")


def kept(place: Place, prefix: str = f"{PATH}/_s3_assets/quarantine") -> list[list[dict[str, Any]]]:
    return [[json.loads(line) for line in place.get(key).splitlines()] for key in place.objects(prefix)]


def test_quarantined_rows_are_kept_once(place: Place) -> None:
    put_bad(place)
    table = text_table(place, columns=COLUMNS, on_bad_row="quarantine")

    plan = table.plan()
    assert not plan.remarks
    assert plan.frame.collect()["n"].to_list() == [1, 5]

    # Read again, of other columns: the same rows are bad, and are there already.
    assert plan.frame.select(pl.len()).collect().item() == 2
    (rows,) = kept(place)
    etags = {f"s3://{place.bucket}/{key}": etag for key, etag in place.objects().items()}
    a = f"s3://{place.bucket}/base/table/day=2026-01-01/a.csv"
    b = f"s3://{place.bucket}/base/table/day=2026-01-02/b.csv"
    told = [(row["file"], row["line"], row["column"], row["text"]) for row in rows]
    assert told == [
        (a, 4, 4, '2,"y\nz",3'),
        (a, 5, 1, "no,w"),
        (a, 6, 3, "4,\\xff"),
        (b, 3, 2, "u"),
    ]
    assert all(row["etag"] == etags[row["file"]] and row["reason"] and row["read_at"] for row in rows)
    (note,) = plan.remarks
    start = f"4 rows of 2 files were quarantined in s3://{place.bucket}/base/table/_s3_assets/quarantine/"
    assert note.startswith(start)
    assert f"; the first: {a}, line 4, column 4: 3 fields instead of 2" in note
    # They are no data.
    assert plan.files == table.plan().files == 2


def test_an_import_tells_what_was_quarantined(place: Place) -> None:
    put_bad(place)
    source = text_table(place, columns=COLUMNS, on_bad_row="quarantine", quarantine_path="kept/here")
    target = open_table("target", DeltaSettings(connection="lake", path="target"), place.connection())

    outcome = append_new(target, "target/texts", source)

    assert outcome.rows == 2
    assert len(outcome.notes) == 1
    assert "4 rows of 2 files were quarantined in" in outcome.notes[0]
    assert [len(rows) for rows in kept(place, "kept/here")] == [4]
    # What comes later brings its own rows alone.
    place.put("day=2026-01-02/c.csv", b"n,t\nx,x\n")
    assert "1 row of 1 file was quarantined" in append_new(target, "target/texts", source).notes[0]
    assert sorted(len(rows) for rows in kept(place, "kept/here")) == [1, 4]
    again = Import("all", source, target, ImportMode.REPLACE).run()
    assert "5 rows of 3 files were quarantined" in again.notes[0]


EXTRA = [
    ('{"n": 1, "s": {"x": 1}, "l": [{"y": 2}]}', {}),
    ('{"n": 1, "new": 5}', {"new": 1}),
    ('{"n": null, "new": null}', {}),
    ('{"n": 1, "s": {"x": null, "z": 1}, "l": [{"y": 2, "w": "a"}, {"w": "b"}]}', {"l.w": 2, "s.z": 1}),
    ('{"n":1, "text": "says \\"new\\": 1 and \\"old\\":null"}', {}),
    ('{"n" : 1, "new" :\t2}', {"new": 1}),
    ('{"n": 1, "back\\\\": 3}', {"back\\": 1}),
    ('{"n": 1, "new": 1}\n{"n": 1, "new": "a"}\n{"n": 2, "new": {"x": 1}}', {"new": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "extra"), EXTRA)
def test_fields_that_are_no_columns(place: Place, text: str, extra: dict[str, int]) -> None:
    place.put("a.jsonl", text.encode())
    columns = {"n": "int64", "text": "string", "s": "struct[x: int64]", "l": "list[struct[y: int64]]"}
    plan = text_table(place, "jsonl", columns=columns).plan()

    plan.frame.collect()

    named = ", ".join(f"'{name}' in {count}" for name, count in extra.items())
    where = f"s3://{place.bucket}/base/table/a.jsonl"
    told = f"fields that are no columns were not read, by rows: {named}; the first in {where}"
    assert plan.remarks == ((told,) if extra else ())
    plan.frame.select("n").collect()
    assert plan.remarks == ()


def test_fields_are_counted_as_a_second_reader_counts_them(place: Place) -> None:
    dice = random.Random(7)  # noqa: S311 - the same objects each time
    values: list[Any] = [None, 1, "a", 'b"c', '"x": 1', '"x":null', "\\", '\\":', " : ", [], ["n:"]]
    objects = []
    for _ in range(400):
        names = dice.sample(["n", "t", "u", "v", "w\\", 'q"'], dice.randint(0, 6))
        row = {name: str(dice.choice(values)) if name == "t" else dice.choice(values) for name in names}
        if "n" in row:
            row["n"] = dice.choice([None, 1, 2])
        objects.append(row)
    for number, row in enumerate(objects):
        separators = [(",", ":"), (", ", ": "), (" , ", " : ")][number % 3]
        place.put(
            f"{number:03d}.jsonl", json.dumps(row, separators=separators).encode()
        ) if number < 60 else None
    rest = "\n".join(json.dumps(row) for row in objects[60:])
    place.put("rest.jsonl", rest.encode())
    plan = text_table(place, "jsonl", columns={"n": "int64", "t": "string"}).plan()

    found = plan.frame.collect()

    assert found.to_dicts() == [{"n": row.get("n"), "t": row.get("t")} for row in objects]
    expected = {
        name: count
        for name in ("u", "v", "w\\", 'q"')
        if (count := sum(row.get(name) is not None for row in objects))
    }
    assert dict(plan.reading.tally.extra) == expected


def test_fields_that_are_no_columns_may_be_refused_or_ignored(place: Place) -> None:
    place.put("a.json", b'[{"n": 1, "m": 2}]')
    ignored = text_table(place, "json", columns={"n": "int64"}, on_extra_field="ignore").plan()

    assert ignored.frame.collect().rows() == [(1,)]
    assert ignored.remarks == ()
    with pytest.raises(SchemaMismatchError, match=r"a\.json has the fields 'm', which are no columns"):
        text_table(place, "json", columns={"n": "int64"}, on_extra_field="fail").scan().collect()
