"""The policy that is printed for the demo's registry, on a server that enforces it: enough, and the least."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import obstore
import polars as pl
import pytest
from botocore.exceptions import ClientError

from s3_assets.cli.windows import parse_window
from s3_assets.connection.adapters import obstore as adapter
from s3_assets.connection.diagnosis import diagnosed
from s3_assets.errors import AccessDeniedError
from s3_assets.incremental.overwrite import overwrite
from s3_assets.objects import Objects
from tests.permissions.shop import (
    FIRST,
    LAKE_ORDERS,
    LAKE_PAYMENTS,
    LAST,
    ORDERS,
    PAYMENTS,
    REVENUE,
    TABLES,
    Policy,
    Shop,
    failures,
    opened_shop,
    printed,
    without,
)
from tests.servers.gateway import Gateway

# The least that S3 takes for a part that is not the last.
_PART = 5 * 1024 * 1024
ACTIONS = (
    "s3:ListBucket",
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
)


@pytest.fixture(scope="module")
def shop(rgw: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened_shop(rgw, tmp_path_factory.mktemp("shop")) as shop:
        shop.land(1)
        yield shop


def command(shop: Shop, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name("s3-assets"))
    return subprocess.run(
        [program, "--registry", str(shop.file), *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def policy(shop: Shop) -> Policy:
    return printed(command(shop, "policy", "shop").stdout)


@pytest.fixture(scope="module")
def played(shop: Shop, policy: Policy) -> Shop:
    """The whole pipeline of the demo, run once under the policy."""
    shop.grant(policy)
    shop.materialize(LAKE_ORDERS, LAKE_PAYMENTS)
    shop.land(2)
    shop.materialize(LAKE_ORDERS, LAKE_PAYMENTS)
    shop.materialize(REVENUE, partitions=(FIRST, LAST))
    return shop


def test_it_holds_these_actions_alone(policy: Policy) -> None:
    actions = {action for each in policy["Statement"] for action in each["Action"]}

    assert actions == set(ACTIONS)


def test_the_pipeline_runs_under_it(played: Shop) -> None:
    orders, payments, revenue = map(played.read, (LAKE_ORDERS, LAKE_PAYMENTS, REVENUE))

    assert sorted(orders["order_id"]) == sorted(played.orders["order_id"])
    assert sorted(payments["payment_id"]) == sorted(played.payments["payment_id"])
    assert revenue["orders"].sum() == played.orders.height
    assert [key for key in played.keys("marts/") if "overwrite" in key] == []


def test_looking_and_reading_runs_under_it(played: Shop) -> None:
    looked = played.look()

    assert len(looked.asset_events) == 2
    for table in TABLES:
        shown = command(played, "preview", table, "--rows", "2", "--output", "json")
        assert (shown.returncode, shown.stderr) == (0, ""), table
        assert shown.stdout.count("date") == 2


def test_a_check_finds_all_of_it_and_leaves_nothing(played: Shop) -> None:
    before = played.keys("")

    checked = command(played, "check", "shop")

    assert checked.returncode == 0, checked.stdout
    assert "missing" not in checked.stdout
    assert played.keys("") == before


@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_is_needed(played: Shop, policy: Policy, action: str) -> None:
    """Without it something fails, with an error that names it, and so does the check."""
    played.land_more()
    played.grant(without(policy, action))
    try:
        failed = failures(
            [
                played.look,
                lambda: played.materialize(LAKE_ORDERS, LAKE_PAYMENTS),
                lambda: played.materialize(REVENUE, partitions=(FIRST, FIRST)),
                lambda: refuse_a_row(played),
                lambda: break_off_an_upload(played),
            ]
        )
        checked = command(played, "check", "shop")
    finally:
        played.grant(policy)

    named = {each.action: each for each in failed}
    assert isinstance(named[action], AccessDeniedError)
    assert action in str(named[action])
    # For an object that is not there, servers refuse alike with either of these two missing.
    alike = {"s3:GetObject"} if action == "s3:ListBucket" else set()
    assert named.keys() - {None, action} <= alike
    assert checked.returncode == 1
    lines = [line.split() for line in checked.stdout.splitlines()]
    assert {line[1] for line in lines if line[0] == "missing"} == {action}


def refuse_a_row(shop: Shop) -> None:
    """Write a row outside the window: what was written of it is deleted before the error is told."""
    table = shop.registry.table(REVENUE)
    rows = shop.read(REVENUE).filter(pl.col("date").cast(pl.String) == LAST)
    overwrite(table, rows.lazy(), window=parse_window(table.settings.partitions, FIRST, FIRST))


def break_off_an_upload(shop: Shop) -> None:
    """Let the body of a large object fail: the parts that were sent are taken back."""
    connection = shop.registry.connections["shop"]
    key = f"{LAKE_ORDERS}/_s3_assets/large"

    def body() -> Iterator[bytes]:
        yield from [bytes(_PART)] * 3
        raise ValueError

    with diagnosed(connection, f"s3://{shop.bucket}/{key}", Exception):
        obstore.put(adapter.store(connection), key, body(), chunk_size=_PART)


def test_other_prefixes_are_refused(played: Shop) -> None:
    """The owner's own objects beside the tables can be neither read nor written, and sources not written."""
    played.owner.put_object(Bucket=played.bucket, Key="secret/rows.parquet", Body=b"theirs")
    played.owner.put_object(Bucket=played.bucket, Key="lake/orders_old/rows.parquet", Body=b"theirs")
    objects = Objects(played.registry.connections["shop"])

    for key in ("secret/rows.parquet", "lake/orders_old/rows.parquet"):
        for step in (
            objects.get,
            objects.head,
            lambda key: objects.put(key, b"ours"),
            lambda key: objects.delete([key]),
        ):
            with pytest.raises(AccessDeniedError):
                step(key)
    for prefix in ("secret/", "lake/orders_old/", "lake/", "landing/"):
        with pytest.raises(AccessDeniedError):
            list(objects.list_objects(prefix))
    for table in (ORDERS, PAYMENTS):
        with pytest.raises(AccessDeniedError):
            objects.put(f"{table}/ours.parquet", b"ours")
        with pytest.raises(AccessDeniedError):
            objects.delete([played.keys(f"{table}/")[0]])
    with pytest.raises(AccessDeniedError):
        objects.copy([("secret/rows.parquet", f"{LAKE_ORDERS}/stolen.parquet")])
    assert (
        played.owner.get_object(Bucket=played.bucket, Key="secret/rows.parquet")["Body"].read() == b"theirs"
    )


def test_without_a_policy_nothing_is_allowed(played: Shop, policy: Policy) -> None:
    """The user has no right of another origin, so that what runs does so by the policy."""
    played.gateway.delete_user_policy(played.user)
    try:
        with pytest.raises(AccessDeniedError):
            played.registry.table(ORDERS).version()
    finally:
        played.grant(policy)


def test_amazons_form_of_the_condition_hides_what_is_not_there(played: Shop, policy: Policy) -> None:
    """Why other servers get another operator: with `StringLike` this one answers 403 for a missing key."""
    strict = {
        **policy,
        "Statement": [
            {**each, "Condition": {"StringLike": each["Condition"]["StringLikeIfExists"]}}
            if "Condition" in each
            else each
            for each in policy["Statement"]
        ],
    }
    played.grant(strict)
    try:
        checked = command(played, "check", "shop")
        with pytest.raises(AccessDeniedError):
            played.registry.table(LAKE_ORDERS).version()
    finally:
        played.grant(policy)

    assert checked.returncode == 1
    assert "a key that is not there is answered as if it were forbidden" in checked.stdout


def test_several_objects_are_deleted_with_the_right_to_the_bucket(played: Shop, policy: Policy) -> None:
    """Why other servers get one statement more: this one asks for the bucket before the objects."""
    keys = [f"{LAKE_ORDERS}/_s3_assets/leftover-{number}" for number in range(2)]
    for key in keys:
        played.owner.put_object(Bucket=played.bucket, Key=key, Body=b"")
    objects = Objects(played.registry.connections["shop"])
    less = [each for each in policy["Statement"] if each["Sid"] != "DeleteSeveralAtOnce"]
    played.grant({**policy, "Statement": less})
    try:
        with pytest.raises(AccessDeniedError):
            objects.delete(keys)
    finally:
        played.grant(policy)
    objects.delete(keys)

    with pytest.raises(ClientError):
        played.owner.head_object(Bucket=played.bucket, Key=keys[0])
