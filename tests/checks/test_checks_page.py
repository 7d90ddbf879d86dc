"""docs/checks.md: its registry is loaded and imported by, its command prints what it shows, its code runs."""

import contextlib
import io
import re
from datetime import date
from pathlib import Path

import obstore
import polars as pl
import pytest

from s3_assets.checks.rules import rules
from s3_assets.cli.main import application
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.registry import load_registry
from s3_assets.tables.check_settings import ChecksSettings
from tests.checks import work

PAGE = (Path(__file__).parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


def test_its_examples(
    s3_server: EmbeddedServer,
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    auth = "auth: { type: access_key, access_key_id: test, secret_access_key: test }"
    place = f"url: s3://{bucket}/\n    endpoint: {s3_server.endpoint_url}\n    region: us-east-1\n    {auth}"
    text = block("yaml").replace("url: s3://company-lake/", place)
    Path("s3_assets.yaml").write_text(text)
    body = io.BytesIO()
    pl.DataFrame(
        {"order_id": [1, 2], "day": [date(2026, 1, 5)] * 2, "state": ["open", "paid"], "amount": [0.0, 9.5]}
    ).write_parquet(body)
    obstore.put(work.store(s3_server.endpoint_url, bucket), "landing/orders/a.parquet", body.getvalue())
    load_registry().import_("orders").run()
    command, *shown = block("console").splitlines()

    with contextlib.suppress(SystemExit):
        application(args=command.removeprefix("$ s3-assets ").split(), prog_name="s3-assets")
    assert words(capfd.readouterr().out) == words("\n".join(shown))

    exec(block("python"), {})  # noqa: S102 - what the page shows
    assert capfd.readouterr().out.startswith("not_null True none of 2 rows fails")


def test_every_check_is_told() -> None:
    table = {name.strip("`") for name in re.findall(r"^\| (`\w+`) \|", PAGE, re.MULTILINE)}
    own = set(ChecksSettings.model_fields) - {"severity", "blocking", "before_commit"}

    assert table == {name.removesuffix("_") for name in own}
    (found,) = rules(ChecksSettings.model_validate({"unique": ["order_id"]}))
    assert found.name == "unique_order_id"
