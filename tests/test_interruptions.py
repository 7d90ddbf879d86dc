"""Signals that wait for what must not be cut in two."""

import signal
import threading

import pytest

from s3_assets.interruptions import deferred


def signalled(done: list[str], *, times: int) -> None:
    with deferred():
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)
        done.append("the rest")


def test_a_signal_waits_until_the_body_has_ended() -> None:
    done: list[str] = []

    with pytest.raises(KeyboardInterrupt):
        signalled(done, times=1)

    assert done == ["the rest"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_one_does_not_wait() -> None:
    done: list[str] = []

    with pytest.raises(KeyboardInterrupt):
        signalled(done, times=2)

    assert done == []


def test_one_that_the_program_ignores_is_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with deferred():
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_error_of_the_body_is_not_hidden() -> None:
    with pytest.raises(ValueError, match="wrong"), deferred():
        raise ValueError("wrong")


def test_other_threads_are_let_alone() -> None:
    seen = []

    def work() -> None:
        with deferred():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert seen == [signal.default_int_handler]
