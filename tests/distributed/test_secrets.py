"""What leaves this process names the places of secrets, and the workers read them there."""

import pickle
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection
from s3_assets.connection.credentials import Credentials
from s3_assets.engines.daft.reads import Read, Reads, numbered
from s3_assets.engines.daft.shuffle import Shuffle
from s3_assets.engines.engine import Engine, Job, Ran, Result, Rows
from s3_assets.engines.packing import pack
from s3_assets.engines.ray.engine import RayEngine
from s3_assets.errors import RegistryError, SettingError, UnsupportedError
from s3_assets.incremental.mirror import mirror
from s3_assets.movement.filters import Filters
from s3_assets.progress import Progress
from s3_assets.registry import Registry
from tests.distributed.ground import Ground
from tests.distributed.kept import require_none_kept
from tests.servers.ray_keeper import KEY, KEYS, SECRET, RayCluster


class Watching(Engine):
    """Keeps all that an import would send."""

    name = "watching"

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def run(self, rows: Rows, job: Job[Result], progress: Progress | None = None) -> Ran[Result]:
        assert rows.cut is not None
        del progress
        self.sent += [pack((rows.steps, job)), *(pack(portion) for portion in rows.cut(1))]
        return Ran(())

    def uneven(self, *asked: Any) -> pl.DataFrame:
        raise NotImplementedError


class SentError(Exception):
    """All that would be sent is known."""


@pytest.mark.parametrize("format_", ["delta", "iceberg", "parquet"])
def test_nothing_that_is_sent_holds_a_secret(format_: str, ground: Ground) -> None:
    ground.add(2)
    source = ground.table(format_, "source", placed=True)
    ground.import_(ground.landed(), source, None, shaped=True).run()
    engine = Watching()

    ground.import_(ground.landed(), ground.table(format_, "target", placed=True), engine, shaped=True).run()
    ground.import_(source, ground.table("delta", "copy"), engine).run()

    assert len(engine.sent) >= 4
    for sent in engine.sent:
        assert KEY.encode() in sent
        assert not any(value.encode() in sent for value in KEYS.values())


def test_nothing_that_daft_is_sent_or_shows_holds_a_secret(
    ground: Ground, engine: RayEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground.add(2)
    sent: list[tuple[Reads, list[Read]]] = []

    def keep(shuffle: Shuffle, states: Sequence[tuple[bytes, Sequence[bytes]]], *_: Any) -> None:
        sent.append((shuffle.reads, numbered(states)))
        raise SentError

    monkeypatch.setattr(Shuffle, "uneven", keep)
    with pytest.raises(SentError):
        mirror(ground.table("delta", "target"), "rows", ground.landed(), keys=["id"], engine=engine)

    ((reads, portions),) = sent
    # Ray sends it as Python's own pickle writes it, and Daft shows it in its plans and logs.
    for shown in (pickle.dumps((reads, portions)), repr((reads, portions)).encode()):
        assert not any(value.encode() in shown for value in KEYS.values())
    assert len(portions) == 2
    assert all(KEY.encode() in each.portion for each in portions)
    assert KEY not in repr(portions)


def test_no_file_of_the_cluster_holds_a_secret(
    ground: Ground, engine: RayEngine, ray_cluster: RayCluster
) -> None:
    """Its logs, its records of tasks, and its store of objects, which is a file as well."""
    ground.add(1)
    ground.import_(ground.landed(), ground.table("delta", "target", placed=True), engine, shaped=True).run()

    require_none_kept(ray_cluster)


def written_out(ground: Ground) -> S3Connection:
    auth = AccessKeyAuth(access_key_id=KEYS[KEY], secret_access_key=KEYS[SECRET])
    return ground.connection.model_copy(update={"auth": auth})


def test_a_secret_that_is_written_out_is_refused(ground: Ground) -> None:
    with pytest.raises(SettingError) as refused:
        pack({"anything": [written_out(ground)]})

    assert refused.value.connection == "lake"
    assert "auth.access_key_id" in str(refused.value)
    assert "env, file, secrets_manager or ssm" in str(refused.value)
    assert KEYS[SECRET] not in str(refused.value)


@pytest.mark.parametrize(
    "value", [Credentials("key", "secret"), pl.LazyFrame({"a": [1]})], ids=["credentials", "frame"]
)
def test_what_holds_keys_is_refused(value: object) -> None:
    with pytest.raises(UnsupportedError, match="holds keys"):
        pack([value])


def test_what_cannot_be_sent_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="cannot be sent"):
        pack(lambda: None)


def test_what_a_sample_tells_is_refused_in_python_as_well(ground: Ground) -> None:
    filters = Filters.model_validate({"expand_json": {"email": {}}})
    run = ground.import_(ground.landed(), ground.table("delta", "target"), Watching())

    with pytest.raises(SettingError, match=r"expand_json\.email"):
        replace(run, filters=filters).run()


def test_the_registry_refuses_them_as_it_is_loaded() -> None:
    declared: dict[str, Any] = {
        "connections": {
            "lake": {
                "url": "s3://lake/",
                "auth": {
                    "type": "access_key",
                    "access_key_id": {"env": "LAKE_KEY"},
                    "secret_access_key": KEYS[SECRET],
                },
            }
        },
        "tables": {
            "landed": {"format": "parquet", "connection": "lake", "path": "landed/"},
            "rows": {"format": "delta", "connection": "lake", "path": "rows/"},
        },
        "imports": {
            "rows": {
                "source": "landed",
                "target": "rows",
                "engine": "ray",
                "filters": {"expand_json": {"body": {}}, "digest": {"email": {"salt": "salty"}}},
            }
        },
        "exports": {
            "files": {"source": "rows", "connection": "lake", "format": "csv", "engine": "ray"},
        },
    }

    with pytest.raises(RegistryError) as refused:
        Registry(**declared)

    found = sorted(problem.partition(": ")[0] for problem in refused.value.problems)
    assert found == [
        "connections.lake.auth.secret_access_key",
        "exports.files.engine",
        "imports.rows.filters.digest.email.salt",
        "imports.rows.filters.expand_json.body",
    ]
    assert KEYS[SECRET] not in str(refused.value)
    assert "salty" not in str(refused.value)
