"""What checks found, in Dagster's words; also of those that end a step before its commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from s3_assets.checks.outcome import CheckOutcome
from s3_assets.errors import CheckFailedError
from s3_assets.metadata.keys import OURS
from s3_assets.metadata.markdown import plain
from s3_assets.metadata.markdown import table as grid


def outcome_metadata(found: CheckOutcome) -> dict[str, Any]:
    """Return what a check found, as metadata; keys of rows only where they may be shown."""
    told: dict[str, Any] = {
        f"{OURS}/found": found.found,
        f"{OURS}/expected": found.expected,
        f"{OURS}/told_by": found.by,
    }
    numbers = {"failed_rows": found.failed_rows, "rows": found.rows, "age_seconds": found.age_seconds}
    told |= {f"{OURS}/{name}": value for name, value in numbers.items() if value is not None}
    if found.examples:
        titles = list(found.examples[0])
        cells = [[plain(each[title]) for title in titles] for each in found.examples]
        text = grid([plain(title) for title in titles], cells, right=[False] * len(titles))
        told[f"{OURS}/examples"] = dg.MetadataValue.md(text)
    return told


@contextmanager
def told_checks(context: dg.AssetExecutionContext | None, key: dg.AssetKey) -> Iterator[None]:
    """Tell Dagster what the checks found that end a step before its commit.

    Outside of the run's events: Dagster drops those of a step that fails.
    """
    try:
        yield
    except CheckFailedError as error:
        if context is None:
            raise
        for each in (found for found in error.outcomes if isinstance(found, CheckOutcome)):
            context.instance.report_runless_asset_event(_evaluation(each, key, context.run.run_id))
        raise


def _evaluation(found: CheckOutcome, key: dg.AssetKey, run: str) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=found.name,
        passed=found.passed,
        severity=severity_of(found),
        description=f"{found.sentence}; before the commit",
        metadata={**outcome_metadata(found), f"{OURS}/run": run},
        blocking=found.blocking,
    )


def severity_of(found: CheckOutcome) -> dg.AssetCheckSeverity:
    """Return how grave a failure is, in Dagster's words."""
    return dg.AssetCheckSeverity.ERROR if found.severity == "error" else dg.AssetCheckSeverity.WARN
