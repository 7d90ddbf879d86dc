"""Inventories, run by run, against what plain boto3 says is there."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from s3_assets.errors import AccessDeniedError, SettingError, SourceRewrittenError
from s3_assets.incremental.cursor_edit import open_stream
from s3_assets.incremental.rounds import until_unmoved
from s3_assets.media.media_set import MediaSet
from s3_assets.media.run import Run
from s3_assets.media.selection import MediaSelection
from tests.media import media_work, samples
from tests.media.media_ground import GONE, SOURCE, MediaGround, first_wave
from tests.support.proxy import RequestProxy

Maker = Callable[..., MediaSet]


@pytest.fixture
def make(ground: MediaGround) -> Maker:
    """Make a media set of the ground."""

    def made(format_: str = "delta", **settings: Any) -> MediaSet:
        return media_work.media_set(ground.endpoint, ground.bucket, ground.source, format_, **settings)

    return made


@pytest.mark.parametrize("format_", ["delta", "iceberg", "parquet"])
def test_an_inventory_follows_its_objects(format_: str, ground: MediaGround, make: Maker) -> None:
    begun = datetime.now(UTC)
    first = make(format_).run()

    assert (first.objects, first.counts.new, first.nothing_new) == (5, 5, False)
    assert ground.present(format_) == ground.full_look()

    assert make(format_).run().nothing_new

    ground.change()
    second = make(format_, batch=2).run()

    assert ground.present(format_) == ground.full_look()
    counts = second.counts
    assert (counts.new, counts.changed, counts.deleted, second.outcome.commits) == (1, 2, 1, 2)
    rows = {row["key"].removeprefix(SOURCE): row for row in ground.inventory(format_).iter_rows(named=True)}
    gone = rows[GONE]
    assert (gone["status"], gone["duration"], gone["found_type"]) == ("deleted", 0.25, "audio/wav")
    assert begun < gone["first_seen"] == gone["last_changed"] < gone["deleted_at"]
    kept, changed, new = rows["a/one.png"], rows["a/two.jpg"], rows["c/new.mp4"]
    assert kept["first_seen"] == kept["last_changed"] == gone["first_seen"]
    assert kept["first_seen"] == changed["first_seen"] < changed["last_changed"] == new["first_seen"]
    assert (changed["width"], changed["height"], changed["deleted_at"]) == (99, 77, None)
    assert (new["found_type"], new["duration"]) == ("video/mp4", 4.5)


def test_an_object_that_comes_back_keeps_when_it_was_first_seen(ground: MediaGround, make: Maker) -> None:
    make().run()
    ground.delete(GONE)
    make().run()
    before = ground.inventory("delta").row(by_predicate=pl.col("key") == SOURCE + GONE, named=True)
    ground.put({GONE: first_wave()[GONE]})
    make().run()

    after = ground.inventory("delta").row(by_predicate=pl.col("key") == SOURCE + GONE, named=True)
    assert ground.present("delta") == ground.full_look()
    assert after["first_seen"] == before["first_seen"] < after["last_changed"]
    assert after["deleted_at"] is None


def test_deleted_objects_by_policy(ground: MediaGround, make: Maker) -> None:
    make().run()
    ground.delete(GONE)

    with pytest.raises(SourceRewrittenError, match=f"1 object is gone, more than may be.*{GONE}"):
        make(on_deleted="fail").run()
    with pytest.raises(SourceRewrittenError, match="max_deleted"):
        make(max_deleted=0).run()
    assert make(on_deleted="remove").run().counts.deleted == 1
    assert ground.inventory("delta")["key"].to_list() == [row[0] for row in ground.full_look()]
    assert make(on_deleted="fail").run().nothing_new


def test_objects_that_the_settings_no_longer_take_are_not_deleted(ground: MediaGround, make: Maker) -> None:
    make().run()
    found = make(selection=MediaSelection(extensions=("PNG", ".jpg", "wav"), exclude=("b/**",))).run()

    status = dict(ground.inventory("delta").select("key", "status").iter_rows())
    assert (found.counts.left_out, found.counts.deleted) == (3, 0)
    assert {key.removeprefix(SOURCE) for key, value in status.items() if value == "present"} == {
        "a/one.png",
        "a/two.jpg",
    }
    assert "no longer taken" in found.outcome.notes[0]
    assert make().run().counts.new == 3
    assert ground.present("delta") == ground.full_look()


def test_a_cursor_that_is_set_back(ground: MediaGround, make: Maker) -> None:
    """All are looked at again, by the rows that are there: also what is gone since is seen."""
    media = make()
    media.run()
    open_stream(media.target, media.stream).move(None)
    ground.change()
    found = make().run()

    assert (found.counts.new, found.counts.changed, found.counts.deleted) == (1, 2, 1)
    assert ground.present("delta") == ground.full_look()
    assert make().run().nothing_new


def test_looking_again(ground: MediaGround, make: Maker) -> None:
    make().run()
    found = make(batch=2).run(look_again=True)

    assert (found.counts.new, found.counts.changed, found.outcome.rows) == (0, 0, 0)
    assert make().run().nothing_new
    assert ground.present("delta") == ground.full_look()


def test_archived_objects_are_told(ground: MediaGround, make: Maker) -> None:
    ground.put({"a/old.png": {"Body": samples.image("PNG", 9, 9), "StorageClass": "GLACIER"}})

    with pytest.raises(AccessDeniedError, match="archived"):
        make(on_archived="fail").run()
    found = make().run()
    assert found.counts.archived == 1
    assert "1 object found archived" in found.outcome.notes[0]
    assert ground.present("delta") == ground.full_look()
    assert make().run().nothing_new


def test_objects_that_vanish_while_they_are_looked_at(ground: MediaGround, make: Maker) -> None:
    make("parquet").run()
    ground.put({"a/two.jpg": {"Body": b"another"}, "z/short": {"Body": b"lived"}})
    media = make("parquet")

    class Slow(Run):
        """Between its listing and its first look, objects go."""

        def _list(self) -> None:
            super()._list()
            ground.delete("a/two.jpg")
            ground.delete("z/short")

    run = Slow(media, datetime.now(UTC), {}, None, look_again=False)
    found = run.told(run.once(media.target.writer()))

    assert (found.counts.vanished, found.counts.deleted, found.counts.new) == (2, 1, 0)
    assert "2 objects vanished" in found.outcome.notes[0]
    assert ground.present("parquet") == ground.full_look()
    assert make("parquet").run().nothing_new


def test_a_run_that_is_overtaken_begins_again(ground: MediaGround, make: Maker) -> None:
    """What the faster run has seen and this one has not is not taken for deleted."""
    make("parquet").run()
    ground.put({"a/new": {"Body": b"one"}})
    media = make("parquet")

    class Overtaken(Run):
        """Behind its first listing, another object comes, and another run."""

        listings = 0

        def _list(self) -> None:
            super()._list()
            self.listings += 1
            if self.listings == 1:
                ground.put({"a/newer": {"Body": b"two"}})
                assert make("parquet").run().counts.new == 2

    run = Overtaken(media, datetime.now(UTC), {}, None, look_again=False)
    outcome = until_unmoved(media.target, media.stream, run.once)

    assert (outcome.nothing_new, outcome.rounds, run.listings) == (True, 2, 2)
    assert ground.present("parquet") == ground.full_look()
    assert ground.inventory("parquet")["deleted_at"].null_count() == 7


def test_the_table_of_somebody_else_is_refused(ground: MediaGround, make: Maker) -> None:
    pl.DataFrame({"id": [1]}).write_delta(
        f"s3://{ground.bucket}/{media_work.TABLE}", storage_options=ground.options
    )

    with pytest.raises(SettingError, match="no inventory"):
        make().run()


def test_requests_are_in_proportion_to_what_is_new(
    ground: MediaGround, make: Maker, proxy: RequestProxy
) -> None:
    ground.put({f"many/{number:03}": {"Body": b"x"} for number in range(60)})
    make().run()
    through = media_work.media_set(proxy.endpoint, ground.bucket, ground.source)
    counts = []
    for number in (0, 1, 5):
        ground.put({f"more-{number}/{each}": {"Body": b"x"} for each in range(number)})
        proxy.reset()
        through.run()
        counts.append(sum(f"/{ground.source}" in each.path for each in proxy.requests()))

    assert counts == [1, 2, 6]
