"""What an import of text leaves out is told where people look: in the materialisation."""

import html

from s3_assets.registry import Registry
from tests.dagster_floor.conftest import Lake


def test_an_import_tells_how_many_rows_were_quarantined(lake: Lake) -> None:
    body = b"id,amount\n1,0.5\n2,much\n3,1.5\n"
    lake.client.put_object(Bucket=lake.bucket, Key="base/landing/logs/a.csv", Body=body)
    known = lake.registry.model_dump(mode="python", exclude_unset=True)
    source = {
        "connection": "lake",
        "format": "csv",
        "path": "landing/logs",
        "columns": {"id": "int64", "amount": "float64"},
        "on_bad_row": "quarantine",
    }
    target = {"connection": "lake", "format": "delta", "path": "lake/logs"}
    tables = {**known["tables"], "landing/logs": source, "lake/logs": target}
    imports = {**known["imports"], "logs": {"source": "landing/logs", "target": "lake/logs"}}
    lake.use(Registry.model_validate({**known, "tables": tables, "imports": imports}))

    found = lake.metadata(lake.run("lake/logs"), "lake/logs")

    assert found["s3_assets/rows_written"] == 2
    (kept,) = lake.client.list_objects_v2(
        Bucket=lake.bucket, Prefix="base/landing/logs/_s3_assets/quarantine/"
    )["Contents"]
    note = html.unescape(found["s3_assets/notes"])
    assert f"1 row of 1 file was quarantined in s3://{lake.bucket}/{kept['Key']}; the first: " in note
    assert "landing/logs/a.csv, line 3, column 3: column 'amount': 'much' is no Float64" in note
