"""What a check found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from s3_assets.checks.rules import Rule
    from s3_assets.tables.check_settings import Severity


@dataclass(frozen=True)
class CheckOutcome:
    """One check: whether it holds, and what was found instead of what was expected.

    `examples` are keys of rows that fail, as text: only of tables whose rows may be shown (`preview`).
    """

    name: str
    passed: bool
    severity: Severity
    blocking: bool
    expected: str
    found: str
    failed_rows: int | None = None
    rows: int | None = None
    """The rows that were looked at, where they were counted."""
    age_seconds: float | None = None
    examples: tuple[Mapping[str, str], ...] = ()
    by: str = "metadata"
    """What told it: metadata alone, or rows."""

    @property
    def stops(self) -> bool:
        """Whether it fails as an error, not as a warning."""
        return not self.passed and self.severity == "error"

    @property
    def sentence(self) -> str:
        """One line for people."""
        if self.passed:
            return f"{self.name}: {self.found}"
        shown = "; ".join(
            ", ".join(f"{column} = {value}" for column, value in each.items()) for each in self.examples
        )
        such = f", such as {shown}" if shown else ""
        return f"{self.name}: {self.found}{such} (expected: {self.expected})"

    def described(self) -> dict[str, Any]:
        """Return it for programs."""
        return {**asdict(self), "examples": [dict(each) for each in self.examples]}


def outcome(rule: Rule, found: str, *, passed: bool, **told: Any) -> CheckOutcome:  # noqa: ANN401 - its fields
    """Return what was found for a rule."""
    return CheckOutcome(rule.name, passed, rule.severity, rule.blocking, rule.expected, found, **told)


def failures(outcomes: Iterable[CheckOutcome]) -> tuple[CheckOutcome, ...]:
    """Return those that fail as errors."""
    return tuple(each for each in outcomes if each.stops)
