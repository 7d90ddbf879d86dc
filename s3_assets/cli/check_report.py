"""What `s3-assets check` tells of a connection: what is in force, and each finding as it comes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from s3_assets.cli.console import facts, standard_error, standard_output
from s3_assets.permissions import LARGEST_SKEW, Finding, Situation, Verdict

_STYLES = {
    Verdict.OK: "green",
    Verdict.MISSING: "bold red",
    Verdict.FAILED: "bold red",
    Verdict.UNTESTED: "dim",
}
_WIDTHS = (12, 31)
_MINUTE, _HOUR = 60, 3600
# Servers tell whole seconds.
_TELLING = 2


@contextmanager
def shown(name: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is tried just now."""
    console = standard_error()
    with console.status(f"{name}: ...") as status:
        yield lambda what: status.update(Text(f"{name}: {what}"))


def printed(name: str, url: str, now: Situation, found: Iterator[Finding]) -> Iterator[Finding]:
    """Print each finding as it comes, with what is in force before and the count behind."""
    console = standard_output()
    console.print(Text.assemble((name, "bold"), f"  {url}"), soft_wrap=True)
    console.print(facts(*_facts(now)))
    counts = dict.fromkeys(Verdict, 0)
    for each in found:
        counts[each.verdict] += 1
        _print(console, each)
        yield each
    console.print(f"  {', '.join(f'{count} {verdict}' for verdict, count in counts.items() if count)}")


def _print(console: Console, finding: Finding) -> None:
    verdict, action = finding.verdict.ljust(_WIDTHS[0]), finding.action.ljust(_WIDTHS[1])
    console.print(
        Text.assemble("  ", (verdict, _STYLES[finding.verdict]), action, finding.resource), soft_wrap=True
    )
    for text in (finding.told, finding.remedy):
        if text:
            console.print(Text.assemble(" " * (2 + _WIDTHS[0]), (text, "dim")), soft_wrap=True)


def _facts(now: Situation) -> list[tuple[str, str]]:
    rows = [("way", now.way)]
    if now.key_id is not None:
        rows.append(("key id", f"{now.key_id}, {_expiry(now.expires_at)}"))
    return [*rows, ("endpoint", now.endpoint), ("region", now.region), ("clock", _clock(now))]


def _expiry(moment: datetime | None) -> str:
    if moment is None:
        return "does not expire"
    left = (moment - datetime.now(UTC)).total_seconds()
    return f"expires at {moment:%Y-%m-%d %H:%M:%S} UTC, in {_span(left)}"


def _clock(now: Situation) -> str:
    if now.clock is None:
        return "not compared: the server did not tell its time"
    if abs(now.clock) < _TELLING:
        return "as the server's"
    way = "ahead of" if now.clock > 0 else "behind"
    wrong = "; set it: 15 minutes are allowed" if skewed(now) else ""
    return f"{_span(abs(now.clock))} {way} the server's{wrong}"


def skewed(now: Situation) -> bool:
    """Tell whether the clock is so far off that S3 refuses what it dates."""
    return now.clock is not None and abs(now.clock) > LARGEST_SKEW


def _span(seconds: float) -> str:
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"


def described(name: str, now: Situation, found: list[Finding]) -> dict[str, Any]:
    """Return all of it as JSON has it."""
    return {
        "connection": name,
        "way": now.way,
        "key_id": now.key_id,
        "expires_at": now.expires_at.isoformat() if now.expires_at else None,
        "endpoint": now.endpoint,
        "region": now.region,
        "clock_seconds": now.clock,
        "findings": [
            {
                "verdict": each.verdict,
                "action": each.action,
                "resource": each.resource,
                "told": each.told,
                "remedy": each.remedy,
            }
            for each in found
        ],
    }
