"""Whether two exports can write one key: by hand, and against keys that are rendered by trying all."""

from datetime import UTC, datetime
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from s3_assets.exports.key_space import KeySpace, PartitionKeys
from s3_assets.exports.key_template import KeyTemplate, KeyValues
from s3_assets.exports.key_values import StreamNames
from s3_assets.exports.meeting import common_key, key_inside

DAYS = PartitionKeys("%Y-%m-%d")
HOURS = PartitionKeys("%Y-%m-%d-%H:%M")
BERLIN_HOURS = PartitionKeys("%Y-%m-%d-%H:%M", utc=False, repeated=True)


def space(
    text: str, name: str = "one", folder: str = "", partition_keys: PartitionKeys | None = None
) -> KeySpace:
    names = StreamNames(extension="csv", stream_name=name, target_connection="lake")
    return KeySpace(folder, KeyTemplate.parse(text), names, partition_keys)


@pytest.mark.parametrize(
    ("one", "other", "key"),
    [
        ("{date}.csv", "{date}.csv", "2025_01_01.csv"),
        ("{date}.csv", "{year}_{month}_{day}.{extension}", "2025_01_01.csv"),
        ("{date}.csv", "2025_02_28.csv", "2025_02_28.csv"),
        ("{date}.csv", "2024_02_29.csv", "2024_02_29.csv"),
        ("{date}.csv", "2025_02_29.csv", None),
        ("{date}.csv", "2025_13_01.csv", None),
        ("{date}.csv", "{iso_date}.csv", None),
        ("{date}.csv", "{date}.jsonl", None),
        ("{month}/{year}", "{hour}/{year}", "01/2025"),
        ("{month}", "{hour}{minute}", None),
        # One moment has one year.
        ("{year}/{date}", "2025/2025_01_02", "2025/2025_01_02"),
        ("{year}/{date}", "2024/2025_01_02", None),
        # The load time and a cursor may be of two years.
        ("{year}/{cursor_year}", "2024/2025", "2024/2025"),
        ("{day}/{month}", "31/{hour}", "31/01"),
        ("{day}/{month}", "31/02", None),
        ("{day}/{month}/{year}", "29/02/{cursor_year}", "29/02/2024"),
        ("{day}/{month}/{year}", "29/02/2023", None),
        ("part-{part}.csv", "part-00012.csv", "part-00012.csv"),
        ("part-{part}.csv", "part-012.csv", None),
        ("{date}_{part}.csv", "{date_time}.csv", None),
        ("{hour}_{part}", "00_12345", "00_12345"),
        ("{stream_name}/{part}", "{stream_name}/{part}", None),
        ("one/{part}", "{stream_name}/{part}", None),
        ("two/{part}", "{stream_name}/{part}", "two/00000"),
        ("{stream_id}", "{stream_id}", None),
        ("{connection_id}/a", "{connection_id}/a", "a67f4a2b-fd68-5111-9b6c-e85c8eefe7db/a"),
        # All streams of one run share its id; what is of one stream is of no other.
        ("{connection_run_id}", "{connection_run_id}", "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"),
        ("{stream_run_id}", "{stream_run_id}", None),
        ("{partition_key}/{part}", "{partition_key}/{part}", "a/00000"),
        ("{partition_key}/{part}", "{stream_name}/{part}", "two/00000"),
        ("{partition_key}/a", "x/{partition_key}/a", None),
        ("a{partition_key}", "{partition_key}b", "ab"),
        ("aa{partition_key}", "{partition_key}", "aaa"),
        ("{partition_key}.csv", ".csv.csv", None),
        ("{partition_key}", "Köln", "Köln"),
        ("{partition_key}", "a b", None),
        ("{partition_key}-{partition_key}", "2025-2026", None),
        ("{partition_key}-{partition_key}", "2025-2025", "2025-2025"),
        ("{partition_key}/{partition_key}", "a{partition_key}/{partition_key}b", None),
        ("{partition_key}/a", "{date}/{part}", None),
        ("{partition_key}/00001", "{date}/{part}", "2025_01_01/00001"),
    ],
)
def test_two_templates(one: str, other: str, key: str | None) -> None:
    assert common_key(space(one), space(other, "two")) == key
    assert (common_key(space(other, "two"), space(one)) is None) == (key is None)


@pytest.mark.parametrize(
    ("one", "keys", "other", "others", "key"),
    [
        ("{partition_key}", DAYS, "{partition_key}", DAYS, "2025-01-01"),
        ("{partition_key}", DAYS, "{iso_date}", DAYS, "2025-01-01"),
        ("{partition_key}", DAYS, "{partition_key}", HOURS, None),
        ("{partition_key}", DAYS, "{partition_key}-01:00", DAYS, None),
        ("{partition_key}", HOURS, "{partition_key}-01:00", DAYS, "2025-01-01-01:00"),
        ("{partition_key}", DAYS, "total", None, None),
        ("{partition_key}", DAYS, "{partition_key}", None, "2025-01-01"),
        ("{partition_key}/{cursor_year}", DAYS, "2025-01-01/2024", None, None),
        ("{cursor_day}/{cursor_iso_date_time}", HOURS, "02/2025-01-01T23:00:00Z", None, None),
        ("{partition_key}/{cursor_day}", BERLIN_HOURS, "2025-01-02-00:00/01", None, None),
        (
            "{cursor_day}/{cursor_iso_date_time}",
            PartitionKeys("%Y-%m-%d", utc=False),
            "02/2025-01-01T23:00:00Z",
            None,
            "02/2025-01-01T23:00:00Z",
        ),
        ("{partition_key}", BERLIN_HOURS, "2025-10-26-02:00-0100", None, "2025-10-26-02:00-0100"),
        ("{partition_key}", BERLIN_HOURS, "{partition_key}!2B{hour}00", HOURS, "2025-01-01-00:00!2B0000"),
    ],
)
def test_partition_keys_of_tables(
    one: str, keys: PartitionKeys | None, other: str, others: PartitionKeys | None, key: str | None
) -> None:
    assert common_key(space(one, partition_keys=keys), space(other, "two", partition_keys=others)) == key


def test_folders_count() -> None:
    assert common_key(space("b/{date}", folder="a/"), space("{date}", "two", "a/b/")) == "a/b/2025_01_01"
    assert common_key(space("{date}", folder="a/"), space("{date}", "two", "b/")) is None
    assert common_key(space("{partition_key}/x", folder="a/"), space("{stream_name}", "x", "a/b/")) == "a/b/x"


def test_of_a_one_off_export_the_cursor_is_the_load_time() -> None:
    template = KeyTemplate.parse("{year}/{cursor_year}")
    names = space("").names

    assert common_key(KeySpace("", template, names, cursor_is_load=True), space("2024/2025", "two")) is None


@pytest.mark.parametrize(
    ("text", "folder", "key"),
    [
        ("{date}/{part}.csv", "2025_01_31/", "2025_01_31/00000.csv"),
        ("{date}/{part}.csv", "2025_02_31/", None),
        ("{iso_date}.csv", "2025-0/", None),
        ("tables/{part}.csv", "tables/orders/", None),
        ("tables/{partition_key}/{part}.csv", "tables/orders/", "tables/orders/00000.csv"),
        ("{partition_key}.csv", "orders/", None),
        ("orders", "orders/", None),
        ("anything", "", "anything"),
        ("{hour}{minute}/a/{date}.csv", "0123/a/", "0123/a/2025_01_01.csv"),
        ("x/{year}/{month}", "x/2025/0", "x/2025/01"),
    ],
)
def test_keys_inside_a_folder(text: str, folder: str, key: str | None) -> None:
    assert key_inside(space(text), folder) == key


# Every moment and key that a small world has; two templates meet in it only if they meet at all.
MOMENTS = [
    datetime(2025, month, day, hour, tzinfo=UTC) for month, day, hour in product((1, 2), (1, 2), (1, 2))
]
KEYS = ["1", "2", "01", "02", "a", "a_01", "01_02"]
WORLD = [(moment, key, part) for moment in MOMENTS for key in KEYS for part in (1, 2)]
PIECES = [
    "{month}",
    "{day}",
    "{hour}",
    "{partition_key}",
    "{stream_name}",
    "{part}",
    "01",
    "2",
    "_",
    "a",
    "/",
]
TEMPLATES = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join)


def good(text: str) -> bool:
    return all(segment and not segment.startswith("_") for segment in text.split("/"))


def keys_of(text: str, name: str) -> set[str]:
    template = KeyTemplate.parse(text)
    return {
        template.render(
            KeyValues(
                moment=moment,
                extension="csv",
                stream_name=name,
                target_connection="lake",
                run="1",
                partition_key=key,
            ),
            part,
        )
        for moment, key, part in WORLD
    }


@settings(max_examples=100, deadline=None)
@given(TEMPLATES.filter(good), TEMPLATES.filter(good))
@example("{month}{day}", "{day}{month}")
def test_templates_that_meet_in_a_small_world_meet(one: str, other: str) -> None:
    found = common_key(space(one, "a"), space(other, "01"))

    if keys_of(one, "a") & keys_of(other, "01"):
        assert found is not None
    # And what is found is a key of both, as an equation of no other making says.
    if found is not None:
        assert common_key(space(one, "a"), space(found, "x")) == found
        assert common_key(space(other, "01"), space(found, "x")) == found


def test_local_partitions_are_named_for_what_they_are() -> None:
    """The second of two hours has another key, which Dagster makes: it is one of the shapes."""
    twice = datetime(2025, 10, 26, 2, fold=1, tzinfo=ZoneInfo("Europe/Berlin"))
    key = twice.strftime("%Y-%m-%d-%H:%M%z")
    written = KeyTemplate.parse("{partition_key}").render(
        KeyValues(
            moment=twice,
            extension="csv",
            stream_name="a",
            target_connection="lake",
            run="1",
            partition_key=key,
        ),
        0,
    )

    assert common_key(space("{partition_key}", partition_keys=BERLIN_HOURS), space(written)) == written
