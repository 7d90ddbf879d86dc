import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.support.zygote import Zygote
from tests.support_tests import toy


@pytest.fixture(scope="module", params=["fork", "spare"])
def zygote(request: pytest.FixtureRequest) -> Iterator[Zygote]:
    if request.param == "fork" and os.uname().sysname != "Linux":
        pytest.skip("only Linux forks")
    with Zygote(["tests.support_tests.toy"], mode=request.param) as zygote:
        yield zygote


def test_a_child_returns_its_result(zygote: Zygote) -> None:
    child = zygote.spawn(toy.identify, {"greeting": "good day"})
    child.go()
    outcome = child.wait(20)

    assert outcome.result == {"greeting": "good day", "pid": child.pid, "group": child.pid}
    assert (outcome.code, outcome.signal, outcome.traceback) == (0, None, None)
    assert outcome.output == "said by the child\n"
    assert outcome.succeeded
    assert not outcome.killed


def test_a_child_that_raises(zygote: Zygote) -> None:
    outcome = zygote.run("tests.support_tests.toy:fail")

    assert outcome.code == 1
    assert "LookupError: on purpose" in (outcome.traceback or "")
    assert "LookupError: on purpose" in outcome.describe()


def test_nothing_happens_before_the_go(zygote: Zygote, tmp_path: Path) -> None:
    child = zygote.spawn(toy.touch, {"path": str(tmp_path / "worked")})
    time.sleep(0.3)
    assert os.getpgid(child.pid) == child.pid
    assert not (tmp_path / "worked").exists()
    child.go()
    assert child.wait(20).succeeded
    assert (tmp_path / "worked").exists()


def test_a_killed_child(zygote: Zygote) -> None:
    child = zygote.spawn(toy.sleep, {"seconds": 60})
    child.go()
    child.kill()
    outcome = child.wait(20)

    assert outcome.killed
    assert (outcome.code, outcome.signal) == (None, signal.SIGKILL)


def test_a_child_killed_before_its_go(zygote: Zygote) -> None:
    child = zygote.spawn(toy.sleep, {"seconds": 60})
    child.kill()
    child.go()

    assert child.wait(20).killed


def test_a_child_that_hangs_tells_where(zygote: Zygote) -> None:
    child = zygote.spawn(toy.sleep, {"seconds": 60})
    child.go()
    with pytest.raises(TimeoutError, match="in sleep"):
        child.wait(1.5)
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_children_work_at_the_same_time(zygote: Zygote) -> None:
    children = [zygote.spawn(toy.sleep, {"seconds": 1.0}) for _ in range(4)]
    begin = time.monotonic()
    for child in children:
        child.go()
    outcomes = [child.wait(20) for child in reversed(children)]

    assert all(outcome.succeeded for outcome in outcomes)
    assert time.monotonic() - begin < 3.0


def test_children_end_with_the_zygote() -> None:
    with Zygote(["tests.support_tests.toy"]) as zygote:
        working, waiting = (zygote.spawn(toy.sleep, {"seconds": 60}) for _ in range(2))
        working.go()
    time.sleep(0.2)
    for child in (working, waiting):
        with pytest.raises(ProcessLookupError):
            os.kill(child.pid, 0)


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="only Linux forks")
def test_modules_that_start_threads_are_refused() -> None:
    unsafe = Zygote(["tests.support_tests.starts_a_thread"])
    with pytest.raises(RuntimeError, match="not be safe to fork"), unsafe:
        pass


def test_the_engines_work_in_children(s3_server: EmbeddedServer, bucket: str) -> None:
    with Zygote(["polars", "deltalake", "obstore.store", "tests.support_tests.toy"]) as zygote:
        for number in range(5):
            arguments = {"endpoint": s3_server.endpoint_url, "location": f"s3://{bucket}/table-{number}"}
            outcome = zygote.run(toy.write_and_read_delta, arguments)
            assert outcome.result == [2000, 6], outcome.describe()
