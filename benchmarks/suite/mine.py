"""s3-assets in the suite's jobs: as a function call, and as a run of the asset that a registry declares."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import ours
from benchmarks.ground import BUCKET, Ground

LIBRARIES = (*ours.LIBRARIES, "s3_assets.incremental.append")
# The assets' definitions are made before the time begins, as a code server makes them before a run.
_DEFINED: list[Any] = []


def import_rows(place: Mapping[str, str], kind: str, source: str, into: str, target: str) -> None:
    """Ledger, parts, audit, and one commit with the cursor."""
    from s3_assets.incremental.append import append_new

    append_new(
        ours.table(place, into, target.rstrip("/")),
        "target/source",
        ours.table(place, kind.removesuffix(".gz"), source),
    )


def new_files(place: Mapping[str, str], kind: str, source: str, into: str, target: str, state: str) -> None:
    """The same again: the state is where the rows are."""
    del state
    import_rows(place, kind, source, into, target)


def prepare_import_in_dagster(
    place: Mapping[str, str], kind: str, source: str, into: str, target: str
) -> None:
    tables = {
        "landing/rows": {"format": kind.removesuffix(".gz"), "path": source},
        "lake/rows": {"format": into, "path": target},
    }
    if into == "iceberg":
        tables["lake/rows"]["table"] = f"benchmark.{target.rstrip('/')}"
    _define(place, tables, imports={"rows": {"source": "landing/rows", "target": "lake/rows"}})


def import_in_dagster(place: Mapping[str, str], kind: str, source: str, into: str, target: str) -> None:
    """The same, as the run of an asset."""
    del place, kind, source, into, target
    _materialize("lake/rows")


def prepare_export_in_dagster(place: Mapping[str, str], kind: str, source: str, target: str) -> None:
    told = {
        "source": "landing/rows",
        "connection": "lake",
        "path_prefix": target.rstrip("/"),
        "key": "{stream_name}.{extension}",
        "format": kind,
    }
    _define(place, {"landing/rows": {"format": "parquet", "path": source}}, exports={"rows": told})


def export_in_dagster(place: Mapping[str, str], kind: str, source: str, target: str) -> None:
    del place, kind, source, target
    _materialize("rows")


def _define(place: Mapping[str, str], tables: Mapping[str, Mapping[str, str]], **others: object) -> None:
    from s3_assets.builder import build_definitions
    from s3_assets.registry import Registry

    described = {
        "connections": {"lake": lake(Ground(**place))},
        "tables": {name: {"connection": "lake", **told} for name, told in tables.items()},
        **others,
    }
    _DEFINED.append(build_definitions(Registry.model_validate(described)))


def lake(ground: Ground) -> dict[str, Any]:
    """The connection, as a registry's file would have it."""
    from s3_assets.embedded.server import REGION

    return {
        "url": f"s3://{BUCKET}/",
        "endpoint": ground.endpoint,
        "region": REGION,
        "auth": {
            "type": "access_key",
            "access_key_id": ground.key_id,
            "secret_access_key": ground.secret,
        },
        "catalog": {"type": "sql", "uri": f"sqlite:///{ground.catalog}"},
    }


def _materialize(name: str) -> None:
    import dagster as dg

    job = _DEFINED[0].resolve_implicit_global_asset_job_def()
    if not job.execute_in_process(asset_selection=[dg.AssetKey(name.split("/"))]).success:
        raise RuntimeError(name)


def pushdown(place: Mapping[str, str], kind: str, path: str, day: str) -> tuple[int, float]:
    """Count the rows of a day, and add up one column."""
    rows = ours.table(place, kind, path).scan().filter(pl.col("day") == date.fromisoformat(day))
    found = rows.select(pl.len(), pl.col("amount").sum()).collect(engine="streaming").row(0)
    return found[0], found[1]


def load_definitions(file: str, count: int) -> int:
    """From a registry's file to Dagster's graph of its assets; return how many there are."""
    del count
    from s3_assets import builder
    from s3_assets.registry.loading import load_registry

    definitions = builder.build_definitions(load_registry(Path(file)))
    definitions.get_repository_def()
    return len(definitions.resolve_asset_graph().get_all_asset_keys())
