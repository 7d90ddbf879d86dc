"""`s3-assets verify`: what it prints, and how it ends."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Command

CHECKS = """\
    checks:
      unique: [id]
      row_count: { at_least: 2, per: partition }
      freshness: { within: 1h, column: date, severity: warn }
"""


def test_what_fails_and_what_warns(registry: Path, run: Command, land: Callable[..., None]) -> None:
    text = registry.read_text()
    registry.write_text(text.replace("    description: As they come.\n", CHECKS))
    land("2026-01-05", 1, 2)
    land("2026-01-06", 3, 3, 4)

    good = run("verify", "landing/orders", "--partition", "2026-01-05", "--check", "unique_id")
    assert good.code == 0
    assert "no two rows are alike" in good.out

    warned = run("verify", "landing/orders", "--check", "freshness", "--output", "json")
    assert warned.code == 0
    (found,) = json.loads(warned.out)
    assert (found["passed"], found["severity"], found["table"]) == (False, "warn", "landing/orders")

    bad = run("verify", "--from", "2026-01-05", "--to", "2026-01-07", "--output", "json")
    assert bad.code == 1
    by_name = {each["name"]: each for each in json.loads(bad.out)}
    assert by_name["unique_id"]["failed_rows"] == 2
    assert by_name["row_count"]["found"].endswith("2026-01-07 has 0")

    wrong = run("verify", "landing/orders", "--check", "unique_ib")
    assert wrong.code == 1
    assert "did you mean 'unique_id'?" in wrong.err
    assert "declares no checks" in run("verify", "lake/orders").err
