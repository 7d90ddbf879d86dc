"""docs/explore.md, "A bucket you were given": `init` is run on the bucket of the demo, as shown."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from s3_assets.embedded.demo_data import orders, payments
from s3_assets.embedded.demo_landing import Landing
from s3_assets.embedded.server import EmbeddedServer
from tests.cli.conftest import Command

PAGE = Path(__file__).parents[2] / "docs" / "explore.md"


@pytest.fixture
def shop(s3_server: EmbeddedServer, s3_client: Any) -> EmbeddedServer:
    """The demo's bucket with its first deliveries, and nothing else."""
    landing = Landing(s3_server.endpoint_url, "shop")
    landing.make_bucket()
    landing.empty()
    found = orders(1_000)
    landing.land_orders(found, "landing/orders/")
    landing.land_payments(payments(found), "landing/payments/")
    body = b"id;customer;returned_at\n1;Zoe;28.01.2026 17:30\n2;Mia;n/a\n3;Ola;01.02.2026 09:00\n"
    s3_client.put_object(Bucket="shop", Key="landing/returns/date=2026-01-28/returns.csv", Body=body)
    return s3_server


def test_init_prints_what_is_shown(
    run: Command, shop: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    text = PAGE.read_text(encoding="utf-8")
    section = text[text.index("## A bucket you were given") :]
    command, shown = re.findall(r"^```(?:console|text)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[:2]
    program, *arguments = shlex.split(command)
    assert program == "s3-assets"

    answer = run(*arguments, "--endpoint", shop.endpoint_url, "--region", "us-east-1")

    assert answer.code == 0, answer.err
    printed = [line.rstrip() for line in answer.out.splitlines()]
    expected = [
        line if "..." not in line else f"  folder   {tmp_path}/my_project" for line in shown.splitlines()
    ]
    # How many requests it takes is the bucket's, and told elsewhere.
    numbers = re.compile(r"with \d+ requests")
    assert [numbers.sub("", line) for line in printed] == [numbers.sub("", line) for line in expected]
