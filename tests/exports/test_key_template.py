"""Templates of keys: every macro to the letter, free texts in keys, and what is refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_assets.errors import SettingError
from s3_assets.exports.key_template import KeyTemplate, KeyValues
from s3_assets.exports.macros import MACROS
from s3_assets.exports.units import partition_key_of
from s3_assets.windows import Every, Window

RUN = "fad1983d-7446-45c4-bb46-4578affe02d5"
VALUES = KeyValues(
    # Half past one in the afternoon in Berlin, and every macro of time in UTC.
    moment=datetime(2025, 4, 14, 13, 23, 45, 999_999, tzinfo=ZoneInfo("Europe/Berlin")),
    extension="csv.gz",
    stream_name="sales_summary_daily",
    source_connection="warehouse",
    target_connection="partner",
    run=RUN,
    cursor=datetime(2024, 3, 1, 2, 3, 4, tzinfo=UTC),
    partition_key="2024-03-01-02:00",
)
# The sample values of the reference, of the same moment.
EXPECTED = {
    "extension": "csv.gz",
    "date_time": "2025_04_14_11_23_45",
    "timestamp": "2025_04_14_11_23_45",
    "iso_date_time": "2025-04-14T11:23:45Z",
    "date": "2025_04_14",
    "iso_date": "2025-04-14",
    "year": "2025",
    "month": "04",
    "day": "14",
    "hour": "11",
    "minute": "23",
    "second": "45",
    "stream_name": "sales_summary_daily",
    "cursor_year": "2024",
    "cursor_month": "03",
    "cursor_day": "01",
    "cursor_date_time": "2024_03_01_02_03_04",
    "cursor_iso_date_time": "2024-03-01T02:03:04Z",
    "cursor_singular_date_time": "2024-03-01-02-03-04",
    "partition_key": "2024-03-01-02:00",
    "part": "00007",
    "connection_run_id": RUN,
    # Written down, so that they stay: files of old runs carry them.
    "stream_id": "515511b0-13fc-5680-99ca-7a146ca982eb",
    "connection_id": "95b93e18-1535-5911-8d29-18854615bf76",
    "stream_run_id": "8d627e1d-f00c-515f-9ee7-7a146ca982eb",
}


def rendered(text: str, values: KeyValues = VALUES, part: int = 7) -> str:
    return KeyTemplate.parse(text).render(values, part)


def test_there_is_an_expectation_for_every_macro() -> None:
    assert EXPECTED.keys() == MACROS


@pytest.mark.parametrize("macro", sorted(MACROS))
def test_a_macro_to_the_letter(macro: str) -> None:
    assert rendered(f"a/{{{macro}}}.x") == f"a/{EXPECTED[macro]}.x"


def test_ids_are_those_of_their_names() -> None:
    def ids(**changed: str) -> list[str]:
        values = replace(VALUES, **changed)  # type: ignore[arg-type]  # all of these are texts
        names = ("connection_id", "stream_id", "connection_run_id", "stream_run_id")
        return rendered("/".join(f"{{{name}}}" for name in names), values).split("/")

    assert ids() == ids()
    same = {
        name: [now == then for now, then in zip(ids(**{name: "other"}), ids(), strict=True)]
        for name in ("source_connection", "target_connection", "stream_name", "run")
    }
    assert same == {
        "source_connection": [False, False, True, False],
        "target_connection": [False, False, True, False],
        "stream_name": [True, False, True, False],
        "run": [True, True, False, False],
    }
    stream_run, stream = ids(run="other")[3], ids()[1]
    assert stream_run[-12:] == stream[-12:]


def test_cursors_of_partitions_are_on_the_clock_of_their_zone() -> None:
    values = replace(VALUES, cursor=datetime(2025, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")))

    assert rendered("{cursor_date_time}", values) == "2025_07_01_00_00_00"
    assert rendered("{cursor_iso_date_time}", values) == "2025-06-30T22:00:00Z"


def test_without_a_cursor_the_load_time_stands_for_it() -> None:
    values = replace(VALUES, cursor=None)

    assert rendered("{cursor_date_time}", values) == "2025_04_14_11_23_45"


def test_years_have_four_digits() -> None:
    values = replace(VALUES, moment=datetime(1, 2, 3, 4, 5, 6, tzinfo=UTC))

    assert rendered("{date_time}", values) == "0001_02_03_04_05_06"


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("2026-01-01", "2026-01-01"),
        ("country=de,at", "country=de,at"),
        ("a/b", "a!2Fb"),
        ("a|b c", "a!7Cb!20c"),
        ("100%", "100!25"),
        ("!2F", "!212F"),
        ("..", "!2E."),
        ("_x_", "!5Fx_"),
        ("Köln", "Köln"),
        ("😀", "!F0!9F!98!80"),
    ],
)
def test_partition_keys_stay_in_one_segment(key: str, written: str) -> None:
    assert rendered("x/{partition_key}/f", replace(VALUES, partition_key=key)) == f"x/{written}/f"


def decoded(text: str) -> str:
    """What a written key says, read by its documentation alone."""
    found, rest = b"", text
    while rest:
        if rest[0] == "!":
            found, rest = found + bytes.fromhex(rest[1:3]), rest[3:]
        else:
            found, rest = found + rest[0].encode(), rest[1:]
    return found.decode()


@given(st.text(min_size=1, max_size=20))
def test_no_two_partition_keys_become_one(key: str) -> None:
    written = rendered("{partition_key}", replace(VALUES, partition_key=key))

    assert decoded(written) == key
    assert "/" not in written
    assert written.isprintable()


def test_the_pattern_leaves_the_part_open() -> None:
    pattern = KeyTemplate.parse("a.{part}/{date}-{part}.csv").pattern(VALUES)

    assert str(pattern) == "a.{part}/2025_04_14-{part}.csv"
    assert (pattern.prefix, pattern.open) == ("a.", True)
    assert pattern.key(12) == "a.00012/2025_04_14-00012.csv"
    assert pattern.matches(pattern.key(99_999))
    assert not any(
        pattern.matches(key)
        for key in ("a.00012/2025_04_14-00013.csv", "ab00012/2025_04_14-00012.csv", "a.12/2025_04_14-12.csv")
    )


def test_a_key_without_a_part_is_its_pattern() -> None:
    pattern = KeyTemplate.parse("a/{iso_date}.csv").pattern(VALUES)

    assert (str(pattern), pattern.key(0), pattern.open) == ("a/2025-04-14.csv", "a/2025-04-14.csv", False)
    assert pattern.matches("a/2025-04-14.csv")


@pytest.mark.parametrize(
    "text", ["plain", "{date}/x-{part}.{extension}", "{{literal}} {date}", "{stream_name}{part}"]
)
def test_a_template_is_written_as_it_was_read(text: str) -> None:
    assert str(KeyTemplate.parse(text)) == text


def test_doubled_braces_are_braces() -> None:
    assert rendered("{{date}}-{{{date}}}") == "{date}-{2025_04_14}"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{dat}", "there is no macro {dat}. Did you mean {date}?"),
        ("{ISO_DATE}", "there is no macro {ISO_DATE}. Did you mean {iso_date}?"),
        ("{}", "there is no macro {}. There are {connection_id}, {conn"),
        ("a{date", "'a{date' has a '{' without the other brace, at character 2"),
        ("a}b", "'a}b' has a '}' without the other brace, at character 2"),
        ("{a{date}", "'{a{date}' has a '{' without the other brace, at character 1"),
    ],
)
def test_what_is_no_template(text: str, error: str) -> None:
    with pytest.raises(SettingError) as caught:
        KeyTemplate.parse(text)

    assert error in str(caught.value)


@pytest.mark.parametrize(
    ("text", "changed", "part", "error"),
    [
        ("{part}", {}, 100_000, "part 100000 has more than 5 digits"),
        ("{partition_key}", {"partition_key": None}, 0, "this is no run of a partition"),
        ("{partition_key}", {"partition_key": ""}, 0, "the partition key of an export is empty"),
        ("{partition_key}", {"partition_key": "\ud800"}, 0, "is no Unicode text"),
        ("{partition_key}", {"partition_key": "/" * 342}, 0, "has 1,026 bytes, and S3 takes 1,024"),
        ("a//b", {}, 0, "has the segment ''"),
        ("a/../b", {}, 0, "has the segment '..'"),
        ("a/_{date}", {}, 0, "has the segment '_2025_04_14'"),
    ],
)
def test_what_is_no_key(text: str, changed: dict[str, str | None], part: int, error: str) -> None:
    with pytest.raises(SettingError) as caught:
        rendered(text, replace(VALUES, **changed), part)  # type: ignore[arg-type]  # all of these are texts

    assert error in str(caught.value)


def test_moments_have_zones() -> None:
    with pytest.raises(SettingError, match="has no time zone"):
        replace(VALUES, moment=datetime(2025, 1, 1))  # noqa: DTZ001 - it is what is refused


def test_keys_of_hours_that_come_twice_are_those_of_dagster() -> None:
    zone = ZoneInfo("Europe/Berlin")
    definition = dg.HourlyPartitionsDefinition("2025-10-26-00:00", "2025-10-26-05:00", timezone=zone.key)
    expected = definition.get_partition_keys()

    first = datetime(2025, 10, 25, 22, tzinfo=UTC)
    starts = [(first + timedelta(hours=hour)).astimezone(zone) for hour in range(len(expected) + 1)]
    assert [partition_key_of(Window(*span, Every.HOUR)) for span in pairwise(starts)] == expected
    assert len(set(expected)) == 6
