"""The demo's crash: what it reports when the kill comes in time, too late, or is not needed."""

from collections.abc import Callable
from pathlib import Path

from s3_assets.cli.demo_crash import kill_while_writing


def test_killed_at_the_first_file(
    registry: Path, land: Callable[..., None], keys: Callable[[], list[str]]
) -> None:
    for day in range(5, 15):
        land(f"2026-01-{day:02}", *range(1000))

    def parts() -> set[str]:
        return {key for key in keys() if key.startswith("lake/orders/date=")}

    def commits() -> int:
        return sum(key.startswith("lake/orders/_delta_log/0") for key in keys())

    crash = kill_while_writing(registry, "orders", parts, commits)

    assert crash.in_time or "written" in crash.output
    # The table was made before its first file: only a commit with rows would follow.
    assert set(crash.left) <= parts()


def test_quicker_than_the_kill(registry: Path, land: Callable[..., None]) -> None:
    land("2026-01-05", 1)

    crash = kill_while_writing(registry, "orders", set, lambda: 0)

    assert (crash.exit_code, crash.left, crash.in_time) == (0, (), False)
    assert "1 row in 1 file" in crash.output


def test_failed_by_itself(registry: Path) -> None:
    crash = kill_while_writing(registry, "ordrs", set, lambda: 0)

    assert (crash.exit_code, crash.left) == (1, ())
    assert "did you mean 'orders'?" in crash.output
