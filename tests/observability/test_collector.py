"""The collector is spared what was there, and nothing that comes."""

import gc
import subprocess
import sys
import weakref

import pytest

from s3_assets import collector
from s3_assets.collector import paused, spared

# Tells how often all generations were collected, and how many rings of the blocks are still there.
LONG_LIVED = """
import gc
from s3_assets.collector import spared

class Ring:
    def __init__(self):
        self.self = self

gc.collect()
before = gc.get_stats()[2]["collections"]
for _ in range(200):
    with spared():
        rings = [Ring() for _ in range(1_000)]
print(gc.get_stats()[2]["collections"] - before, sum(isinstance(each, Ring) for each in gc.get_objects()))
"""


@pytest.fixture(autouse=True)
def loading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "_loading", True)


class _Ring:
    def __init__(self) -> None:
        self.self = self


def test_what_was_there_waits_and_what_comes_is_collected() -> None:
    before = weakref.ref(_Ring())
    assert before() is not None
    with spared():
        inside = weakref.ref(_Ring())
        gc.collect()
        assert (before() is None, inside() is None) == (False, True)
    gc.collect()

    assert before() is None
    assert gc.get_freeze_count() == 0


def test_what_others_have_frozen_stays_so() -> None:
    gc.freeze()
    try:
        with spared():
            pass
        assert gc.get_freeze_count()
    finally:
        gc.unfreeze()


def test_nothing_is_spared_once_nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    with spared():
        monkeypatch.setitem(sys.modules, "loaded_in_the_block", sys)
        assert gc.get_freeze_count()
    with spared():
        assert gc.get_freeze_count()

    with spared():
        assert not gc.get_freeze_count()


def test_garbage_of_many_blocks_is_collected() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LONG_LIVED], capture_output=True, text=True, check=True, timeout=60
    )
    collections, rings = map(int, done.stdout.split())

    assert collections > 0
    assert rings < 100_000


def test_nothing_is_collected_for_a_while_and_then_as_ever() -> None:
    with paused():
        with paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()

    with pytest.raises(KeyError), paused():
        raise KeyError
    assert gc.isenabled()


def test_who_has_switched_it_off_finds_it_so() -> None:
    gc.disable()
    try:
        with paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
