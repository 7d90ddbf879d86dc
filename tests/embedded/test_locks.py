"""The locks from which environments are made."""

import re

from tests.support.proxy import REPOSITORY


def _pinned(name: str) -> set[str]:
    return set((REPOSITORY / name).read_text().splitlines())


def test_the_demo_runs_on_versions_that_the_tests_run_on() -> None:
    lean, whole = _pinned("requirements-lean.lock"), _pinned("requirements.lock")

    # A package may be wanted on fewer platforms there.
    assert {line.partition(" ;")[0] for line in lean} < {line.partition(" ;")[0] for line in whole}


def test_locks_name_versions_and_no_address() -> None:
    lines = _pinned("requirements-lean.lock") | _pinned("requirements.lock")

    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; [^:/]+)?", line)] == []
