"""A bucket as somebody may be given it: every layout, mixed, with traps.

It was written before its author looked at how `discover` decides: the answers are those of a person who knows
Spark, Airbyte, Firehose and the rest.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.explore.new_user import by_people, feeds, logged, spark
from tests.explore.new_user.things import Thing

# Each of them was wrong at first, or is beside something that could make it so.
TELLING = (
    *(spark.clicks, spark.failed, spark.trips, logged.regions, logged.uncommitted, logged.beheaded),
    *(feeds.firehose, feeds.trail, feeds.unloaded, feeds.athena),
    *(by_people.dump, by_people.nightly, by_people.austria),
)


def things(catalog: Any, small_files: int) -> tuple[Thing, ...]:
    """Return all that lies in the bucket; `catalog` is a PyIceberg catalog whose warehouse is the bucket."""
    made = [make() for room in (spark, logged, feeds, by_people) for make in room.THINGS]
    return (*made, logged.invoices(catalog), by_people.readings(small_files), *by_people.odds())


def telling(small_files: int) -> tuple[Thing, ...]:
    """Return a part of it that tells most, and costs little."""
    return (*(make() for make in TELLING), by_people.readings(small_files), *by_people.odds()[:4])


def fill(client: Any, bucket: str, made: tuple[Thing, ...]) -> int:
    """Put the objects into the bucket by boto3; return how many."""
    objects = {key: body for thing in made for key, body in thing.objects.items()}

    def put(key: str) -> None:
        client.put_object(Bucket=bucket, Key=key, Body=objects[key])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, objects))
    return len(objects)
