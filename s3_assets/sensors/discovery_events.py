"""What a discovery sensor reports: an observation of an asset that the registry does not have yet."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.assets import asset_key
from s3_assets.explore.types import type_name
from s3_assets.metadata.keys import COLUMNS, OURS, PLACE
from s3_assets.metadata.markdown import plain
from s3_assets.registry.additions import entries_of, inventory_name
from s3_assets.sensors.trying import trying

if TYPE_CHECKING:
    from s3_assets.explore.discover import Found
    from s3_assets.explore.discover_known import KnownEntry
    from s3_assets.registry.discovery import DiscoverySettings

_SENSOR, _GONE = f"{OURS}/discovery", f"{OURS}/gone"


class Reporter:
    """Reports to an instance, each thing once: what was reported last is asked of the instance itself.

    So a tick that ended between its report and its cursor is made up for, whatever the cursor says.
    """

    def __init__(self, instance: dg.DagsterInstance, name: str, place: DiscoverySettings) -> None:
        self._instance = instance
        self._name = name
        self._place = place

    def new(self, found: Found) -> bool:
        """Report a table or media set; tell whether it was not reported before."""
        key = asset_key(inventory_name(found) if found.kind == "media" else found.name)
        return self._report(key, found.url, f"Found by '{self._name}': {found.evidence}", self._told(found))

    def gone(self, entry: KnownEntry, url: str) -> bool:
        """Report that the data of one is there no longer; tell whether that was not reported before."""
        key = asset_key(f"{entry.name}_inventory" if entry.settings is None else entry.name)
        return self._report(key, url, f"'{self._name}' finds nothing of it any more", {_GONE: True})

    def _report(self, key: dg.AssetKey, url: str, description: str, told: dict[str, Any]) -> bool:
        metadata = {_SENSOR: self._name, PLACE: url, **told}
        records = self._instance.fetch_observations(key, limit=1).records
        last = records[0].asset_observation if records else None
        if last is not None and _says(last) == (url, told.get(_GONE, False)):
            return False
        observation = dg.AssetObservation(key, description=description, metadata=metadata)
        if not trying():
            self._instance.report_runless_asset_event(observation)
        return True

    def _told(self, found: Found) -> dict[str, Any]:
        guess = found.guess
        told: dict[str, Any] = {
            f"{OURS}/connection": self._place.connection,
            f"{OURS}/kind": found.kind,
            f"{OURS}/evidence": found.evidence,
            f"{OURS}/entry": dg.MetadataValue.md(f"```yaml\n{entries_of(found, self._place.connection)}```"),
            f"{OURS}/how_to_add": dg.MetadataValue.md(self._how(found)),
        }
        if found.kind == "table":
            told[f"{OURS}/format"] = str(guess.settings["format"])
        if guess.columns:
            columns = [dg.TableColumn(name, type_name(dtype)) for name, dtype in guess.columns.items()]
            told[COLUMNS] = dg.TableSchema(columns)
        partitions = guess.settings.get("partitions")
        if partitions:
            told[f"{OURS}/partitions"] = f"{partitions['column']}, {partitions['every']}"
        doubts = [f"- {plain(each.evidence)}" for each in guess.findings if each.doubt]
        if doubts:
            told[f"{OURS}/doubts"] = dg.MetadataValue.md("\n".join(doubts))
        if found.told_by:
            told[f"{OURS}/told_by"] = found.told_by
        return told

    def _how(self, found: Found) -> str:
        if self._place.write_to is not None:
            return (
                f"The sensor adds the entry to `{self._place.write_to.name}`. Reload the code location, and "
                "it is an asset."
            )
        return (
            "Add the entry to the registry, or let the command do it:\n\n"
            f"```\ns3-assets discover {_one_word(found.url)} --write s3_assets.yaml\n```\n\n"
            "Then reload the code location, and it is an asset."
        )


def _one_word(url: str) -> str:
    """Return a URL as a shell takes it: what is in a key is nobody's command, and ends no line."""
    return shlex.quote("".join(each if each.isprintable() else "?" for each in url))


def _says(observation: dg.AssetObservation) -> tuple[object, object]:
    """Return the place that was reported, and whether it was gone."""
    found = {name: value.value for name, value in observation.metadata.items()}
    return (found.get(PLACE) if _SENSOR in found else None), found.get(_GONE, False)
