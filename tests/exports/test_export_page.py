"""docs/exports-protocol.md: what it says is where it says, and its example reads it."""

import re
from pathlib import Path
from typing import Any

from tests.exports import export_work
from tests.exports.ground import ExportGround, read_file
from tests.incremental.ground import frame, row

PAGE = (Path(__file__).parents[2] / "docs" / "exports-protocol.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_what_lies_where(ground: ExportGround) -> None:
    ground.export(f"{ground.prefix}exports/", "partitions", 1, day="2026-01-02", name="orders", rows=None)
    increments = export_work.make(
        **ground.given("incremental", 1), prefix=f"{ground.prefix}exports/", name="orders", key="i/{part}"
    )
    source = increments.read_source
    source.name = "sales"
    increments.run()

    keys = ground.keys(ground.prefix)
    for line in block("text").splitlines():
        place = line.split()[0]
        # No run is under way.
        assert any(key.startswith(place) for key in keys) != place.endswith("intents/"), place


def test_its_example_finds_the_files(ground: ExportGround) -> None:
    export = export_work.make(**ground.given("full", 1), prefix=ground.prefix, name="orders")
    for numbers in (range(30), range(12)):
        export.write(frame(numbers).lazy())
    given: dict[str, Any] = {}
    exec(block("python"), given)  # noqa: S102 - what the page shows

    found = given["complete_files"](ground.client, ground.bucket, ground.prefix, "orders")

    bodies = ground.objects(ground.prefix)
    keys = [each["key"].removeprefix(ground.prefix) for each in found]
    assert sorted(each for key in keys for each in read_file(key, bodies[key])) == [
        row(number) for number in range(12)
    ]


def test_it_names_what_a_manifest_says(ground: ExportGround) -> None:
    export = export_work.make(**ground.given("full", 1), prefix=ground.prefix)
    (manifest,) = export.write(frame([1]).lazy()).manifests
    paragraph = PAGE.split("**The manifest.**")[1].split("**A listing.**")[0]

    names = {*manifest.document, *manifest.document["files"][0]}
    plain = {"schema_version", "export", "mode", "unit", "attempt", "format"}
    assert names - plain == set(re.findall(r"`([a-z_0-9]+)`", paragraph))
