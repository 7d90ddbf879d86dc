"""Media sets as Dagster runs them: what a run tells, and what the sensor starts."""

import base64
import io
import re
from typing import Any

import dagster as dg
import pytest
from PIL import Image

from s3_assets.builder import build_definitions
from s3_assets.media.inventory import columns
from s3_assets.registry import Registry
from s3_assets.tables.type_names import type_name
from tests.incremental import work
from tests.media import media_work
from tests.media.media_ground import MediaGround

KEY = dg.AssetKey(["lake", "photos"])


@pytest.fixture
def definitions(ground: MediaGround) -> dg.Definitions:
    sections: dict[str, Any] = {
        "connections": {
            "photos": work.connection(ground.endpoint, ground.source),
            "lake": work.connection(ground.endpoint, ground.bucket),
        },
        "tables": {
            "lake/photos": {
                "connection": "lake",
                "path": "table",
                "format": "delta",
                "preview": {"rows": 1},
                "column_descriptions": {"status": "Whether it is there."},
            }
        },
        "media": {
            "photos": {
                "connection": "photos",
                "path": media_work.SOURCE,
                "target": "lake/photos",
                "copy_to": {"connection": "lake", "path_prefix": "copies"},
            }
        },
    }
    return build_definitions(Registry(**sections))


def test_a_run_tells_what_it_did(definitions: dg.Definitions, ground: MediaGround) -> None:
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process()

    (event,) = result.get_asset_materialization_events()
    told: dict[str, Any] = {name: each.value for name, each in event.materialization.metadata.items()}
    assert event.asset_key == KEY
    assert (told["s3_assets/objects"], told["s3_assets/objects_new"], told["s3_assets/copies"]) == (5, 5, 5)
    assert told["dagster/row_count"] == 5
    assert "| image/png | 1 | " in told["s3_assets/types"]
    assert ground.present("delta") == ground.full_look()

    pictures = re.findall(r"!\[([^]]+)\]\(data:(image/\w+);base64,([^)]+)\)", told["s3_assets/preview"])
    assert sorted(name for name, _, _ in pictures) == ["one.png", "two.jpg", "ü und x.gif"]
    for _, kind, text in pictures:
        with Image.open(io.BytesIO(base64.b64decode(text))) as picture:
            assert (picture.format, max(picture.size) <= 96) == (kind.partition("/")[2].upper(), True)


def test_the_columns_are_told_before_any_run(definitions: dg.Definitions) -> None:
    (spec,) = definitions.resolve_all_asset_specs()
    schema = spec.metadata["dagster/column_schema"]

    assert {each.name: each.type for each in schema.columns} == {
        name: type_name(dtype) for name, dtype in columns().items()
    }
    told = {each.name: each.description for each in schema.columns}
    assert (told["status"], told["width"]) == ("Whether it is there.", "Pixels.")


def test_the_sensor_starts_a_run_when_something_changed(
    definitions: dg.Definitions, ground: MediaGround
) -> None:
    sensor = definitions.resolve_sensor_def("photos_media")

    def look(cursor: str | None) -> Any:
        repository = definitions.get_repository_def()
        with dg.build_sensor_context(cursor=cursor, repository_def=repository) as context:
            return sensor.evaluate_tick(context)

    first = look(None)
    assert [request.asset_selection for request in first.run_requests] == [[KEY]]
    second = look(first.cursor)
    assert (second.run_requests, second.skip_message) == ([], "nothing changed in 1 media sets")
    ground.change()
    third = look(second.cursor)
    assert len(third.run_requests) == 1
    assert third.run_requests[0].run_key != first.run_requests[0].run_key
