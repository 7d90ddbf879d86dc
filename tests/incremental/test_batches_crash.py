"""Crash at requests of an import in batches, and of one that begins anew: every row is there once.

Some writes are crashed behind; with EVERYTHING=1 in the environment each one, and before each request.
"""

from collections.abc import Callable
from typing import Any

import obstore
import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.incremental import versioned_work
from tests.incremental.ground import Ground, get_all, put_all, rows
from tests.support.crash import KillVariant, Report, crash_matrix
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(600)
VARIANTS: tuple[KillVariant, ...] = ("kill_after", "kill_before") if EVERYTHING else ("kill_after",)
MARKS = "_s3_assets/s3_assets%2Foverwrite/"

Reported = Callable[[str, Report], None]


@pytest.fixture
def made(s3_server: EmbeddedServer, s3_client: Any) -> Callable[[], Ground]:
    def make() -> Ground:
        ground = Ground(s3_server.endpoint_url, s3_client, "delta")
        ground.make_sources()
        return ground

    return make


@pytest.fixture
def reported(record_property: Callable[[str, object], None]) -> Reported:
    def report(name: str, found: Report) -> None:
        print(f"{name}: {found.summary()}")  # noqa: T201 - the number of k's is the result
        record_property(name, found.summary())
        assert not found.failures, found.summary()
        assert found.killed("kill_after")

    return report


def matrix(
    proxy: RequestProxy, zygote: Zygote, ground: Ground, source: Ground, waves: int, every: int, **how: Any
) -> Report:
    """Crash a run up to so many waves; after its repair the next wave makes the next success."""
    template = get_all(ground.store(), "template/")

    def prepare(label: str) -> dict[str, Any]:
        put_all(ground.store(), f"{label}/", template)
        return {"prefix": f"{label}/"}

    def check(given: dict[str, Any]) -> None:
        prefix = given["prefix"]
        assert ground.read_delta(prefix) == rows(waves)
        next_wave = source.sources[waves]
        versioned_work.import_batches(ground.endpoint, ground.bucket, next_wave, prefix)
        assert ground.read_delta(prefix) == rows(waves + 1)
        # The mark of a run that was killed right behind its commit stays until rows are replaced again.
        marks = [prefix + key for key in ground.keys(prefix) if MARKS in key]
        assert len(marks) <= 1
        obstore.delete(ground.store(), marks)
        ground.require_clean(prefix)

    given = {
        "endpoint": proxy.endpoint,
        "bucket": ground.bucket,
        "source_bucket": source.sources[waves - 1],
        **how,
    }
    return crash_matrix(
        proxy,
        zygote,
        versioned_work.import_batches,
        given,
        prepare,
        check,
        variants=VARIANTS,
        every=1 if EVERYTHING else 4 * every,
    )


def test_a_first_load_in_batches(
    made: Callable[[], Ground], proxy: RequestProxy, zygote: Zygote, reported: Reported
) -> None:
    ground = made()

    reported("first load in batches", matrix(proxy, zygote, ground, ground, 2, 11))


def test_a_full_refresh(
    made: Callable[[], Ground], proxy: RequestProxy, zygote: Zygote, reported: Reported
) -> None:
    """The target has rows of a source that was dropped and made anew."""
    ground, anew = made(), made()
    versioned_work.import_batches(ground.endpoint, ground.bucket, ground.sources[1], "template/")

    reported("full refresh", matrix(proxy, zygote, ground, anew, 1, 4, on_gap="full_refresh"))
