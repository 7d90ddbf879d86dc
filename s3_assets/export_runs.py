"""A run of several partitions of an export: each is a commit of its own, and is told of as one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

from s3_assets.export_metadata import content_version, export_metadata, summary, unit_metadata
from s3_assets.metadata import OURS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from s3_assets.exports.export import Export
    from s3_assets.exports.outcome import ExportOutcome
    from s3_assets.metadata.preview import Preview


class PartitionsRun:
    """The partitions that one run has exported so far."""

    def __init__(
        self, context: dg.AssetExecutionContext, key: dg.AssetKey, export: Export, preview: Preview
    ) -> None:
        self._context = context
        self._key = key
        self._export = export
        self._preview = preview
        self._done: dict[str, ExportOutcome] = {}

    def add(self, partition: str, outcome: ExportOutcome) -> None:
        """Take down that a partition is committed."""
        self._done[partition] = outcome
        self._context.log.info("%s", summary(self._export, outcome, partition))

    @contextmanager
    def told_if_cut_short(self) -> Iterator[None]:
        """Report the partitions that are committed even if a later one fails, or the run is ended."""
        try:
            yield
        except BaseException:
            # Events of the step would be dropped with it.
            for partition, outcome in self._done.items():
                told = {**unit_metadata(self._export, outcome), f"{OURS}/run": self._context.run.run_id}
                self._context.instance.report_runless_asset_event(
                    dg.AssetMaterialization(self._key, partition=partition, metadata=told)
                )
            raise

    def end(self) -> tuple[dict[str, Any], dg.DataVersion | None]:
        """Tell each partition its own, and return what all of them have in common.

        That is the sums, and a data version if there is one partition: Dagster takes one for all.
        """
        for partition, outcome in self._done.items():
            self._context.add_asset_metadata(
                unit_metadata(self._export, outcome), asset_key=self._key, partition_key=partition
            )
        first, *others = self._done.values()
        together = first
        for each in others:
            together = together.then(each)
        version = content_version(together.manifests) if not others else None
        told = {**export_metadata(self._export, together), **self._preview.metadata(together.origins)}
        return told, dg.DataVersion(version) if version else None
