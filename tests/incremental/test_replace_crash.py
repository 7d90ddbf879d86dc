"""Crash a replacement on new data, run it again: the target has the source's rows, all of them and no others.

Every eighth write of a second run is crashed behind, from Parquet into a folder; with EVERYTHING=1 in the
environment each one, before each request as well, first runs, and every pair of source and target.
"""

from collections.abc import Callable
from typing import Any

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.incremental import import_work
from tests.incremental.folder_ground import FolderGround
from tests.incremental.ground import put_all
from tests.incremental.mirror_ground import MirrorGround, state
from tests.support.crash import KillVariant, crash_matrix
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(900)
VARIANTS = pytest.mark.parametrize("variant", ["kill_after", *(["kill_before"] if EVERYTHING else [])])
TARGETS = ["delta", "iceberg", "parquet"] if EVERYTHING else ["parquet"]
SOURCES = ["parquet", "delta"] if EVERYTHING else ["parquet"]
RUNS = ["first", "second"] if EVERYTHING else ["second"]
EVERY = 1 if EVERYTHING else 16


class ReplaceGround(MirrorGround, FolderGround):
    """Sources whose rows are changed and deleted, and targets of every kind."""

    def require_state(self, target: str, prefix: str | None, waves: int) -> None:
        """Exactly the source's rows after so many waves, as foreign readers see them."""
        if prefix is None:
            assert self.read_iceberg() == state(waves)
        elif target == "delta":
            assert self.read_delta(prefix) == state(waves)
        else:
            self.require_rows(prefix, state(waves))

    def require_nothing_left(self, target: str, prefix: str | None) -> None:
        if target == "parquet":
            self.require_clean_folder(str(prefix))
            return
        self.end_marks(prefix or "table/")
        if prefix is None:
            self.require_clean_iceberg()
        else:
            self.require_clean(prefix)


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("source", SOURCES)
@VARIANTS
def test_a_replacement(
    variant: KillVariant,
    source: str,
    target: str,
    run: str,
    s3_server: EmbeddedServer,
    s3_client: Any,
    proxy: RequestProxy,
    zygote: Zygote,
    record_property: Callable[[str, object], None],
) -> None:
    """The first run finds a source that no cursor knows, the second one that has changed."""
    ground = ReplaceGround(s3_server.endpoint_url, s3_client, source)
    ground.make_sources()
    direct = {"endpoint": ground.endpoint, "bucket": ground.bucket, "format_": source, "target": target}
    work, waves = import_work.replace_on_new_data, 1 if run == "first" else 2
    iceberg = target == "iceberg"
    template: dict[str, bytes] = {}
    if run == "second":
        work(**direct, source_bucket=ground.source(1), prefix=None if iceberg else "table/")
        template = ground.taken()

    def prepare(label: str) -> dict[str, Any]:
        if iceberg:
            ground.restore(template)
            return {"prefix": None}
        put_all(ground.store(), f"{label}/", template)
        return {"prefix": f"{label}/"}

    def check(given: dict[str, Any]) -> None:
        prefix = given["prefix"]
        ground.require_state(target, prefix, waves)
        again = {**direct, "prefix": prefix}
        assert work(**again, source_bucket=ground.source(waves))["nothing_new"]
        assert not work(**again, source_bucket=ground.source(waves + 1))["nothing_new"]
        ground.require_state(target, prefix, waves + 1)
        ground.require_nothing_left(target, prefix)

    given = {**direct, "endpoint": proxy.endpoint, "source_bucket": ground.source(waves)}
    report = crash_matrix(proxy, zygote, work, given, prepare, check, variants=[variant], every=EVERY)

    name = f"{run} replacement from {source} in {target}"
    print(f"{name}: {report.summary()}")  # noqa: T201 - the number of k's is the result
    record_property(name, report.summary())
    assert not report.failures, report.summary()
    assert report.killed(variant)
