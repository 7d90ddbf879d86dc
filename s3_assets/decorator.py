"""The user's own assets by the names of the registry: `@s3_asset`, and what each of them reads."""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg

from s3_assets.assets import without_beta_warnings
from s3_assets.errors import RegistryError
from s3_assets.io_managers.options import read_mode, reads_all_partitions
from s3_assets.registry.problems import did_you_mean
from s3_assets.sensors.consumers import ON_NEW_DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from s3_assets.registry.models import Registry

_OF_SPECS = frozenset(inspect.signature(dg.AssetSpec.replace_attributes).parameters) - {"self", "key"}
_MERGED = frozenset({"metadata", "tags", "kinds", "owners"})
_KIND = "dagster/kind/"


@dataclass(frozen=True)
class Read:
    """How a table is read as an input; without any of it, the partitions of the run, as they are now.

    `mode` added or changes is what is new since this asset last succeeded, `partitions="all"` all of the
    table's.
    """

    table: str
    mode: Literal["current", "added", "changes"] = "current"
    partitions: Literal["all"] | None = None
    partition_mapping: dg.PartitionMapping | None = None

    def asset_in(self, key: dg.AssetKey) -> dg.AssetIn:
        """Return the same for Dagster."""
        said = {"read_mode": self.mode, "partitions": self.partitions}
        metadata = {name: value for name, value in said.items() if value not in {None, "current"}}
        return dg.AssetIn(key=key, metadata=metadata or None, partition_mapping=self.partition_mapping)


class S3Asset:
    """A function whose rows become a table or an export of the registry; made by `s3_asset`.

    It is called as the function is, with frames: so it is tested without Dagster.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        reads: Mapping[str, str | Read],
        attributes: Mapping[str, Any],
    ) -> None:
        self.name = name
        self._function = function
        self._reads = {
            argument: Read(each) if isinstance(each, str) else each for argument, each in reads.items()
        }
        self._spec = {key: value for key, value in attributes.items() if key in _OF_SPECS}
        self._options = {key: value for key, value in attributes.items() if key not in _OF_SPECS}
        functools.update_wrapper(self, function)

    def __call__(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the function's own
        """Call the function."""
        return self._function(*arguments, **options)

    def described(self, spec: dg.AssetSpec) -> dg.AssetSpec:
        """Return the spec of its table with what the asset says itself: that goes before."""
        merged = {name: value for name, value in self._spec.items() if name in _MERGED}
        others = {name: value for name, value in self._spec.items() if name not in _MERGED}
        return spec.replace_attributes(**others).merge_attributes(**merged)

    def definition(self, registry: Registry, spec: dg.AssetSpec, io_manager_key: str) -> dg.AssetsDefinition:
        """Return the asset; raises `RegistryError` for a table that is not in the registry."""
        with without_beta_warnings():
            made: dg.AssetsDefinition = dg.asset(
                key=spec.key,
                ins={argument: self._in(registry, each) for argument, each in self._reads.items()},
                deps=spec.deps,
                description=spec.description,
                metadata=spec.metadata,
                tags={name: value for name, value in spec.tags.items() if not name.startswith(_KIND)},
                kinds=spec.kinds,
                group_name=spec.group_name,
                owners=spec.owners,
                code_version=spec.code_version,
                automation_condition=spec.automation_condition,
                freshness_policy=spec.freshness_policy,
                partitions_def=spec.partitions_def,
                **{
                    "io_manager_key": io_manager_key,
                    "pool": self._connection(registry),
                    "backfill_policy": None
                    if spec.partitions_def is None
                    else dg.BackfillPolicy.single_run(),
                    **self._options,
                },
            )(self._function)
        return made

    def refuse_unknown(self, registry: Registry) -> None:
        """Raise `RegistryError` if it names what the registry does not have."""
        known = [*registry.tables, *registry.exports]
        if self.name not in known:
            raise RegistryError(
                f"the asset '{self._function.__name__}' is to write '{self.name}', which is no table and no "
                f"export{did_you_mean(self.name, known)}",
                remedy="Declare it in the registry, or name one of these.",
            )
        for each in self._reads.values():
            if each.table not in registry.tables:
                raise RegistryError(
                    f"the asset '{self.name}' is to read '{each.table}', which is no table"
                    f"{did_you_mean(each.table, registry.tables)}",
                    remedy="Declare it in the registry, or name one of these.",
                )
            told = self._in(registry, each).metadata or {}
            read_mode(told, each.table)
            reads_all_partitions(told, each.table)

    def _in(self, registry: Registry, read: Read) -> dg.AssetIn:
        return read.asset_in(dg.AssetKey(registry.assets.of(read.table)))

    def _connection(self, registry: Registry) -> str:
        if self.name in registry.tables:
            return registry.tables[self.name].connection
        return registry.exports[self.name].connection


def s3_asset(
    name: str,
    *,
    reads: Mapping[str, str | Read] | None = None,
    on_new_data: bool = False,
    write_mode: Literal["append", "replace"] | None = None,
    **attributes: Any,  # noqa: ANN401 - those of Dagster's
) -> Callable[[Callable[..., Any]], S3Asset]:
    """Make a function's rows a table or an export of the registry: `@s3_asset("lake/daily", reads={...})`.

    Key, partitions, group, owners, tags, kinds, description and place are what the registry says of `name`,
    and what `get_asset_spec` makes of that. `reads` are the tables of the arguments, by name. `attributes`
    are those of `dg.AssetSpec`, which go before the registry's (tags, metadata, kinds and owners stand beside
    them), and those of `dg.asset`. Files of a registry's `code` hold such functions, or `build_definitions`
    is given them.
    """
    if not isinstance(name, str):
        # The decorator would stand in the function's place, and the asset would be nowhere.
        raise RegistryError(
            "@s3_asset stands there without the name of a table or export",
            remedy='Write it: @s3_asset("lake/daily").',
        )
    said = {ON_NEW_DATA: True} if on_new_data else {}
    mode = {"write_mode": write_mode} if write_mode is not None else {}
    metadata = {**attributes.pop("metadata", {}), **said, **mode}

    def decorate(function: Callable[..., Any]) -> S3Asset:
        return S3Asset(
            name, function, reads or {}, {**attributes, **({"metadata": metadata} if metadata else {})}
        )

    return decorate
