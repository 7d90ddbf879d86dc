"""`init`: a project for a bucket: its next steps work, nothing is overwritten, it fails before it writes."""

import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.registry.loading import load_registry
from tests.cli.conftest import Answer, Command
from tests.conftest import boto_client
from tests.support.extent import EVERYTHING

FILES = ["s3_assets.yaml", "definitions.py", "workspace.yaml", "dagster.yaml", ".gitignore"]
Init = Callable[..., Answer]


def parquet(*ids: int) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"id": ids}).write_parquet(buffer)
    return buffer.getvalue()


@pytest.fixture
def filled(s3_client: Any, bucket: str) -> str:
    """A bucket with a table by day, a table of text, and pictures."""
    bodies = {
        "landing/orders/date=2026-01-05/a.parquet": parquet(1, 2),
        "landing/orders/date=2026-01-06/a.parquet": parquet(3),
        "landing/people/a.csv": b"id;name\n1;Zoe\n2;Bo\n",
        "scans/1.png": b"\x89PNG",
        "scans/2.png": b"\x89PNG",
    }
    for key, body in bodies.items():
        s3_client.put_object(Bucket=bucket, Key=key, Body=body)
    return bucket


@pytest.fixture
def init(run: Command, s3_server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Init:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    def command(*arguments: object) -> Answer:
        place = ("--endpoint", s3_server.endpoint_url, "--region", "us-east-1")
        return run("init", *arguments, *place, "--output", "json")

    return command


@pytest.mark.parametrize("into", [True, False], ids=["into", "sources alone"])
def test_the_next_steps_work(
    init: Init, run: Command, filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, into: bool
) -> None:
    target = ("--into", f"s3://{filled}/lake/") if into else ()

    made = init(f"s3://{filled}/", "shop data", *target)

    assert made.code == 0, made.err
    told = json.loads(made.out)
    assert told["written"] == FILES
    assert sorted(path.name for path in (tmp_path / "shop data").iterdir()) == sorted(FILES)
    steps = [each["command"] for each in told["next"]]
    assert steps[0] == "cd 'shop data'"
    monkeypatch.chdir("shop data")
    for step in steps[1:]:
        follow(step, run)
    registry = load_registry("s3_assets.yaml")
    # Without --into, one of the steps was to add it.
    assert set(registry.imports) == {"landing/orders", "landing/people"}
    rows = registry.table("lake/landing/orders").scan().collect() if into else None
    assert rows is None or sorted(rows["id"]) == [1, 2, 3]
    assert registry.table("scans_inventory").scan().collect().height == 2


def follow(step: str, run: Command) -> None:
    """Do what the step says: in this process where that shows the same in less time."""
    program, *arguments = shlex.split(step)
    if program == "s3-assets" and arguments != ["dev"]:
        answer = run(*arguments)
        assert answer.code == 0, (step, answer.err)
    elif program == "dagster" and EVERYTHING:
        beside = str(Path(sys.executable).with_name(program))
        done = subprocess.run([beside, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (step, done.stderr)
    elif program == "dagster":
        materialized(Path("definitions.py"), arguments)
    else:
        # A server that stays, or what is installed: both are tried elsewhere.
        assert step == "s3-assets dev" or program == "pip", step


def materialized(file: Path, arguments: list[str]) -> None:
    import dagster as dg

    names: dict[str, Any] = {"__file__": str(file.absolute())}
    exec(compile(file.read_text(), file, "exec"), names)  # noqa: S102 - the project's own file
    defs: dg.Definitions = names["defs"]
    if arguments == ["definitions", "validate"]:
        dg.Definitions.validate_loadable(defs)
        return
    *command, name = arguments
    assert command == ["asset", "materialize", "-f", "definitions.py", "--select"]
    job = defs.resolve_implicit_global_asset_job_def()
    found = job.execute_in_process(asset_selection=[dg.AssetKey(name.split("/"))])
    assert found.success


def test_a_rerun_adds_what_is_new_and_overwrites_nothing(init: Init, filled: str, s3_client: Any) -> None:
    init(f"s3://{filled}/", "project")
    project = Path("project")
    mine = "# mine\n"
    for name in FILES:
        with (project / name).open("a") as file:
            file.write(mine)
    (project / ".gitignore").unlink()
    before = {name: (project / name).read_text() for name in FILES if name != ".gitignore"}
    s3_client.put_object(Bucket=filled, Key="later/a.csv", Body=b"id;name\n1;Zoe\n")

    again = json.loads(init(f"s3://{filled}/", "project", "--into", f"s3://{filled}/lake/").out)
    third = json.loads(init(f"s3://{filled}/", "project", "--into", f"s3://{filled}/lake/").out)

    assert [each["name"] for each in again["found"]] == ["later"]
    assert (again["written"], third["written"]) == ([".gitignore"], [])
    assert (again["added_to"], third["added_to"]) == (["s3_assets.yaml"], [])
    assert "s3_assets.yaml" in third["kept"]
    assert not {"s3_assets.yaml"} & {*again["kept"]}
    assert sorted(again["imports"]) == ["landing/orders", "landing/people", "later"]
    assert (third["found"], third["imports"]) == ([], [])
    kept = iter((project / "s3_assets.yaml").read_text().splitlines())
    assert all(line in kept for line in before["s3_assets.yaml"].splitlines())
    assert all(
        (project / name).read_text() == text for name, text in before.items() if name != "s3_assets.yaml"
    )


def test_partitions_of_a_source_are_those_of_its_target(init: Init, filled: str) -> None:
    init(f"s3://{filled}/", ".", "--into", f"s3://{filled}/my-lake/")

    registry = load_registry("s3_assets.yaml")
    source, target = registry.tables["landing/orders"], registry.tables["my_lake/landing/orders"]
    assert target.partitions == source.partitions is not None
    assert target.path == "my-lake/landing/orders/"
    # What is made of media lies where all else is written, too.
    assert registry.tables["scans_inventory"].path == "my-lake/media/scans/"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["s3://not-there/"], "the bucket does not exist"),
        (["s3://{bucket}/", "--into", "s3://not-there/lake/"], "the bucket does not exist"),
        (["s3://{bucket}/", "--into", "s3://{bucket}/landing/orders/lake/"], "lies inside of a table"),
        (["s3://{bucket}/", "--anonymous", "--into", "s3://{bucket}/lake/"], "read without keys"),
        (["s3://{bucket}/", "--keys-from", "SHOP"], "SHOP_ACCESS_KEY_ID"),
        (["s3://{bucket}/", "--keys-from", "SHOP", "--profile", "me"], "exclude each other"),
    ],
)
def test_it_fails_before_it_writes(
    init: Init, filled: str, tmp_path: Path, arguments: list[str], told: str
) -> None:
    url, *options = (each.format(bucket=filled) for each in arguments)

    found = init(url, "project", *options)

    assert (found.code, found.out) == (1, "")
    assert told in found.err
    assert "Traceback" not in found.err
    assert list(tmp_path.iterdir()) == []


def test_without_network_and_into_a_file(
    run: Command, filled: str, tmp_path: Path, init: Init, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    Path("file").write_text("mine")

    # Port 9, discard: nobody listens there.
    closed = run("init", f"s3://{filled}/", "project", "--endpoint", "http://127.0.0.1:9")
    file = init(f"s3://{filled}/", "file/project")

    assert closed.code == file.code == 1
    assert "127.0.0.1:9" in closed.err
    assert "file is a file, not a folder" in file.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_keys_are_named_and_never_written(
    run: Command, strict_s3_server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name, user = f"bucket-{uuid4().hex[:12]}", f"user-{uuid4().hex[:8]}"
    client = boto_client(strict_s3_server)
    client.create_bucket(Bucket=name)
    client.put_object(Bucket=name, Key="people/a.csv", Body=b"id;name\n1;Zoe\n")
    iam = boto_client(strict_s3_server, "iam")
    iam.create_user(UserName=user)
    iam.attach_user_policy(UserName=user, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    key = iam.create_access_key(UserName=user)["AccessKey"]
    monkeypatch.setenv("SHOP_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("SHOP_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    place = ("--endpoint", strict_s3_server.endpoint_url, "--keys-from", "SHOP")

    made = run("init", f"s3://{name}/", *place)
    monkeypatch.setenv("SHOP_SECRET_ACCESS_KEY", "wrong")
    Path("other").mkdir()
    refused = run("init", f"s3://{name}/", "other", *place)

    assert made.code == 0, made.err
    written = "".join(path.read_text() for path in tmp_path.iterdir() if path.is_file())
    assert "access_key_id: { env: SHOP_ACCESS_KEY_ID }" in written
    assert key["AccessKeyId"] not in written + made.out + made.err
    assert key["SecretAccessKey"] not in written + made.out + made.err
    assert (refused.code, list(Path("other").iterdir())) == (1, [])


def test_what_a_person_reads(run: Command, init: Init, s3_server: EmbeddedServer, filled: str) -> None:
    made = run("init", f"s3://{filled}/", ".", "--endpoint", s3_server.endpoint_url)

    assert made.code == 0, made.err
    assert re.match(r"2 tables, 1 media set new, with \d+ requests\n", made.out)
    assert f"  s3-assets init s3://{filled}/ --into s3://{filled}/lake/\n" in made.out
    assert "cd " not in made.out
