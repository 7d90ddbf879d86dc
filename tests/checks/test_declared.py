"""What the registry says of checks: errors name their lines, and what is read can be written again."""

import textwrap
from pathlib import Path

import pytest

from s3_assets.checks.rules import rules
from s3_assets.errors import RegistryError
from s3_assets.registry import Registry
from s3_assets.registry.loading import parse_registry

HEAD = """\
connections:
  lake: { url: "s3://company-lake/" }
tables:
  orders:
    connection: lake
    path: orders
    format: parquet
    columns: { order_id: int64, state: string }
    partitions: { column: day, start: 2026-01-01 }
    checks:
"""
# What stands below `checks`, the line and what is said of it.
WRONG = {
    "unique: [order]": (11, "the table has no column 'order'; did you mean 'order_id'?"),
    "not_null: { columns: [stat, day] }": (11, "no column 'stat'"),
    "row_count: { at_least: 1 }\naccepted_values:\n  stage: [a]": (13, "no column 'stage'"),
    "freshness: { within: soon }": (11, "should be a valid timedelta"),
    "freshness: { within: 0h }": (11, "greater than 0"),
    "row_count:\n  change: half": (12, "write it as a percentage, such as 50%"),
    "row_count: { at_least: 5, at_most: 4 }": (11, "at_most 4 is below at_least 5"),
    "row_count: {}": (11, "it demands nothing"),
    "freshness:\n  within: 1h\n  before_commit: true": (13, "the time of a commit is not known before it"),
    "unique: [order_id]\nexpressions:\n  unique_order_id: state = 'a'": (
        13,
        "called 'unique_order_id' as well",
    ),
    "expressions:\n  a b: state = 'a'": (11, "'a b' is no name for a check"),
    "not_null: { columns: [state], blocking: true, severity: warn }": (11, "severity warn stops nothing"),
    "blocking: true": (10, "no check is declared"),
    "uniqe: [order_id]": (11, "did you mean 'unique'?"),
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_errors_have_their_line(text: str) -> None:
    line, said = WRONG[text]
    file = Path("s3_assets.yaml")

    with pytest.raises(RegistryError) as caught:
        parse_registry(HEAD + textwrap.indent(text, "      ") + "\n", file, {})

    assert any(f"{file}:{line}:" in each and said in each for each in caught.value.problems), caught.value


def test_what_is_never_written_commits_nothing() -> None:
    text = HEAD.replace("    checks:", "    max_files: 3\n    checks:")

    with pytest.raises(RegistryError, match="a table with max_files is never written"):
        parse_registry(f"{text}      not_null: {{ columns: [state], before_commit: true }}\n", Path("a"), {})


def test_what_is_left_out_is_what_all_say() -> None:
    text = """\
      severity: warn
      before_commit: true
      unique: [[order_id], { columns: [state, day], severity: error, blocking: true }]
      freshness: { within: 1d }
      row_count: { change: 12.5% }
      expressions: { known: state <> '' }
"""
    registry = parse_registry(HEAD + text, Path("s3_assets.yaml"), {})

    found = rules(registry.tables["orders"].checks)

    assert [(each.name, each.severity, each.blocking, each.before_commit) for each in found] == [
        ("freshness", "warn", False, False),
        ("row_count", "warn", False, True),
        ("unique_order_id", "warn", False, True),
        ("unique_state_day", "error", True, True),
        ("known", "warn", False, True),
    ]
    again = Registry.model_validate(registry.model_dump(exclude_unset=True))
    assert rules(again.tables["orders"].checks) == found
