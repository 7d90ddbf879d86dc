"""What all threads of a process share is made by one of them."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from s3_assets.connection import AccessKeyAuth, S3Connection
from s3_assets.connection.adapters import boto
from s3_assets.made_once import made_once

_THREADS = 8


def at_once(ask: Callable[[], object]) -> list[object]:
    """Ask from all threads in the same moment; return answers, or what was raised."""
    together = threading.Barrier(_THREADS)

    def one(_: int) -> object:
        together.wait()
        try:
            return ask()
        except ValueError as error:
            return error

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(one, range(_THREADS)))


def test_threads_that_ask_at_once_get_the_same() -> None:
    made: list[object] = []

    @made_once(4)
    def make(name: str) -> object:
        time.sleep(0.05)
        made.append(name)
        return object()

    found = at_once(lambda: make("a"))

    assert made == ["a"]
    assert found == [make("a")] * _THREADS
    assert make("b") is not make("a")


def test_who_waits_for_another_key_does_not_wait_for_this_one() -> None:
    begun, go_on = threading.Event(), threading.Event()

    @made_once(4)
    def make(name: str) -> str:
        if name == "slow":
            begun.set()
            go_on.wait(30)
        return name

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(make, "slow")
        begun.wait(30)
        quick = make("quick")
        was_done = slow.done()
        go_on.set()

    assert (quick, was_done, slow.result()) == ("quick", False, "slow")


def test_after_a_failure_each_tries_by_itself_beside_the_others() -> None:
    tries: list[int] = []
    beside = threading.Barrier(_THREADS - 1)

    @made_once(4)
    def make() -> object:
        tries.append(1)
        if len(tries) == 1:
            time.sleep(0.3)
        else:
            beside.wait(10)
        message = "there is no server"
        raise ValueError(message)

    found = at_once(make)

    assert len(tries) == _THREADS
    assert len({id(each) for each in found}) == _THREADS, "errors are added to: nobody shares one"
    assert {str(each) for each in found} == {"there is no server"}


def test_the_oldest_goes_first() -> None:
    made: list[int] = []

    @made_once(2)
    def make(number: int) -> int:
        made.append(number)
        return number

    for each in (1, 2, 1, 3, 1, 2):
        make(each)

    assert made == [1, 2, 3, 2]


def test_a_handler_that_asks_within_the_making_does_not_wait_for_itself() -> None:
    depth: list[int] = []

    @made_once(2)
    def make() -> int:
        depth.append(1)
        return make() if len(depth) == 1 else len(depth)

    assert make() == 2
    assert make() == 2


def test_a_connection_has_one_client_however_many_ask() -> None:
    auth = AccessKeyAuth(access_key_id="key", secret_access_key="secret")
    connection = S3Connection(
        url="s3://bucket/", endpoint="http://127.0.0.1:1", region="eu-west-1", auth=auth
    )
    clients: list[object] = []
    plain = boto.client

    def client(of: S3Connection) -> object:
        clients.append(plain(of))
        return clients[-1]

    found = at_once(lambda: boto.shared_client(connection, client))

    assert len(clients) == 1
    assert found == clients * _THREADS
