"""The collector is spared what was there, and nothing that comes."""

import gc
import weakref

from s3_assets.collector import spared


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
