"""The columns of text files: small ones are fetched once, and types stay what they are."""

import gzip
import itertools
import json

import polars as pl

from s3_assets.tables import text_json_rows, text_values
from s3_assets.tables.kept_bodies import MOST_KEPT, KeptBodies
from tests.support.proxy import RequestProxy
from tests.tables.formats import Place
from tests.tables.test_text import text_table

VALUES = ["1", "1.0", "1.5", "-0.0", "1e3", "1e300", "9223372036854775807", "9223372036854775808"]
VALUES += ["true", "null", "[]", "[1]", "[null]", "[[]]", "{}"]
VALUES += ['"x"', '"1"', '"a\\": 1"', '{"a": 1}', '{"a": "x"}', '{"a": null}', '{"b": 1}', '{"a":{"c":1.5}}']
ROWS = [f'{{"v":{value}}}' for value in VALUES]
ROWS += ['{"v":1,"w":2}', '{"w":null,"v":1}', '{"v":1,"v":2}', '{"w":"x"}', "{}", '{"v":1', "nonsense", ""]


def types(lines: list[bytes]) -> pl.Schema:
    """The columns of one text, as they are found without knowing another."""
    return text_values.join({"": text_json_rows.inferred(lines).schema})


def test_small_files_are_fetched_once_for_columns_and_rows(place: Place) -> None:
    for number in range(8):
        body = json.dumps({"n": number, "t": f"row {number}"}).encode()
        place.put(f"{number:02d}.jsonl.gz", gzip.compress(body))
    with RequestProxy(place.server.endpoint_url) as proxy:
        table = text_table(place, "jsonl")
        table.connection = place.connection(endpoint=proxy.endpoint)
        plan = table.plan()
        assert plan.frame.collect()["n"].to_list() == list(range(8))
        asked = [(each.method, each.path) for each in proxy.requests() if ".jsonl.gz" in each.path]
        assert sorted(asked) == sorted({("GET", path) for _, path in asked})
        assert len(asked) == 8

        # What was read is not held any longer: a second look takes what is there by then.
        place.put("07.jsonl.gz", gzip.compress(b'{"n": 700, "t": "x"}'))
        assert plan.frame.collect()["n"].sum() == sum(range(8)) - 7 + 700


def test_a_file_that_was_written_again_before_it_is_read_is_the_one_that_was_listed(place: Place) -> None:
    place.put("a.csv", b"n\n1\n")
    plan = text_table(place, "csv").plan()
    place.put("a.csv", b"n\n2\n")

    assert plan.frame.collect()["n"].to_list() == [1]
    assert plan.frame.collect()["n"].to_list() == [2]


def test_no_more_is_kept_than_there_is_room_for() -> None:
    kept = KeptBodies()
    half = bytes(MOST_KEPT // 2)
    for key in ("a", "b", "c"):
        kept.keep(key, "1", half)
    kept.keep("d", "", b"no etag")

    assert [kept.take(key, "1") is not None for key in ("a", "b", "c")] == [True, True, False]
    assert kept.take("a", "1") is None
    assert kept.take("d", "") is None
    kept.keep("c", "1", half)
    assert kept.take("c", "2") is None
    kept.clear()
    assert kept.take("c", "1") is None


def test_columns_that_are_known_change_no_type() -> None:
    texts = [[each] for each in ROWS] + [['{"v":1}', each] for each in ROWS]
    spared = 0
    for first, second in itertools.product(ROWS, texts):
        known = types([first.encode()])
        lines = [each.encode() for each in second]
        if known and text_json_rows.adds_nothing(lines, known):
            spared += 1
            assert text_values.join({"1": known, "2": types(lines)}) == known, (first, second)
    assert spared > 100
