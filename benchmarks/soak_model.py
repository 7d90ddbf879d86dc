"""What every table of the soak has to hold, kept without s3-assets, and compared through other readers."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import obstore
import pyarrow.parquet
from deltalake import DeltaTable
from pyiceberg.catalog import load_catalog

from benchmarks.ground import BUCKET, Ground
from benchmarks.soak_ground import COPIES, PHOTOS, Landing, amount_of, picture

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator

_DELIVERED = 60


@dataclass(frozen=True)
class Difference:
    """Rows of one table against the model: those that are not there, there twice, with another value."""

    lost: int
    doubled: int
    wrong: int

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.wrong)


@dataclass
class Model:
    """What has been delivered so far; each delivery is told to the sources and kept here."""

    ground: Ground
    chance: random.Random
    deliveries: int = 0
    orders: int = 0
    events: int = 0
    customers: dict[int, int] = field(default_factory=dict)
    photos: dict[str, int] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def deliver(self) -> None:
        """Let every source grow, customers and pictures change and vanish."""
        self.deliveries += 1
        landing, some = Landing(self.ground), self.chance.randint(1, _DELIVERED)
        landing.orders(range(self.orders, self.orders + some), self.deliveries)
        self.orders += some
        landing.events(range(self.events, self.events + some), self.deliveries)
        self.events += some
        self._deliver_customers(landing)
        self._deliver_photos(landing)

    def _deliver_customers(self, landing: Landing) -> None:
        old = self.chance.sample(sorted(self.customers), min(len(self.customers), 8))
        deleted, changed = old[:2], old[2:]
        first = self.deliveries * 100
        states = dict.fromkeys([*changed, *range(first, first + 5)], self.deliveries)
        landing.customers(states, deleted)
        self.customers |= states
        for each in deleted:
            del self.customers[each]

    def _deliver_photos(self, landing: Landing) -> None:
        old = self.chance.sample(sorted(self.photos), min(len(self.photos), 2))
        deleted, changed = old[:1], old[1:]
        widths = dict.fromkeys(
            [*changed, *(f"{self.deliveries:06}-{each}.png" for each in "ab")], self.deliveries
        )
        seen = self._photos_seen()
        landing.photos(widths, deleted)
        self.photos |= widths
        for each in deleted:
            del self.photos[each]
        # What vanished while no run ended well was never seen, and nobody can tell that it is gone.
        self.gone |= seen.intersection(deleted)

    def _photos_seen(self) -> set[str]:
        """Return the names of the pictures that the inventory knows."""
        place = f"s3://{BUCKET}/lake/photos"
        if not DeltaTable.is_deltatable(place, storage_options=self.ground.options):
            return set()
        return {key.removeprefix(f"{PHOTOS}/") for (key,) in self._delta("lake/photos", "key")}

    @property
    def rows(self) -> int:
        """Rows that all tables and exports together have to hold."""
        return 5 * self.orders + self.events + 2 * len(self.customers) + len(self.photos) + len(self.gone)

    def differences(self) -> dict[str, Difference]:
        """Read everything by delta-rs, PyIceberg, PyArrow and Python's own modules, and compare."""
        orders = {number: amount_of(number) for number in range(self.orders)}
        events = {number: f"kind {number % 7}" for number in range(self.events)}
        pictures = {f"{PHOTOS}/{name}": ("present", width) for name, width in self.photos.items()}
        deleted = {f"{PHOTOS}/{name}": "deleted" for name in self.gone}
        found_pictures = [*self._delta("lake/photos", "key", "status", "width")]
        copies = {
            f"{COPIES}/{name}": hashlib.md5(picture(width), usedforsecurity=False).hexdigest()
            for name, width in self.photos.items()
        }
        return {
            "lake/orders (Delta)": compare(self._delta("lake/orders", "id", "amount"), orders),
            "lake/orders_iceberg": compare(self._iceberg(), orders),
            "lake/orders_copy (Delta)": compare(self._delta("lake/orders_copy", "id", "amount"), orders),
            "lake/events (Parquet)": compare(self._parquet("lake/events/", "id", "kind"), events),
            "lake/customers (mirror)": compare(self._delta("lake/customers", "id", "state"), self.customers),
            "lake/photos (present)": compare(
                ((key, (status, width)) for key, status, width in found_pictures if status == "present"),
                pictures,
            ),
            "lake/photos (deleted)": compare(
                ((key, status) for key, status, _ in found_pictures if status != "present"), deleted
            ),
            "copies": compare(
                ((each["path"], each["e_tag"].strip('"')) for each in self._objects(f"{COPIES}/")), copies
            ),
            "export orders_csv": compare(self._csv("exports/orders_csv/"), orders),
            "export orders_by_day": compare(self._parquet("exports/orders_by_day/", "id", "amount"), orders),
            "export customers_all": compare(self._json("exports/customers_all/"), self.customers),
        }

    def _delta(self, name: str, *columns: str) -> Iterator[Any]:
        table = DeltaTable(f"s3://{BUCKET}/{name}", storage_options=self.ground.options)
        yield from _rows(table.to_pyarrow_table(columns=[*columns]), columns)

    def _iceberg(self) -> Iterator[Any]:
        catalog = load_catalog("default", **self.ground.iceberg)
        try:
            found = catalog.load_table("soak.orders").scan(selected_fields=("id", "amount")).to_arrow()
        finally:
            catalog.close()
        yield from _rows(found, ("id", "amount"))

    def _parquet(self, prefix: str, *columns: str) -> Iterator[Any]:
        for each in self._objects(prefix):
            body = io.BytesIO(self._body(each["path"]))
            yield from _rows(pyarrow.parquet.read_table(body, columns=[*columns]), columns)

    def _csv(self, prefix: str) -> Iterator[tuple[int, float]]:
        for each in self._objects(prefix):
            text = gzip.decompress(self._body(each["path"])).decode()
            yield from ((int(row["id"]), float(row["amount"])) for row in csv.DictReader(io.StringIO(text)))

    def _json(self, prefix: str) -> Iterator[tuple[int, int]]:
        for each in self._objects(prefix):
            for line in gzip.decompress(self._body(each["path"])).decode().splitlines():
                row = json.loads(line)
                yield row["id"], row["state"]

    def _objects(self, prefix: str) -> Iterator[Any]:
        """List what a reader of the folder takes: nothing whose path is hidden."""
        for chunk in obstore.list(self.ground.store, prefix):
            for each in chunk:
                if not any(part.startswith(("_", ".")) for part in each["path"].split("/")):
                    yield each

    def _body(self, path: str) -> bytes:
        return bytes(obstore.get(self.ground.store, path).bytes())


def compare(found: Iterable[Any], expected: dict[Any, Any]) -> Difference:
    """Compare pairs of key and value with what they have to be; what nobody delivered counts as wrong."""
    pairs = [*found]
    times = Counter(key for key, *_ in pairs)
    return Difference(
        lost=sum(key not in times for key in expected),
        doubled=sum(count - 1 for count in times.values()),
        wrong=sum(key not in expected or expected[key] != value for key, value in pairs),
    )


def _rows(table: Any, columns: Iterable[str]) -> Iterator[Any]:  # noqa: ANN401 - a table of PyArrow
    return zip(*(table[name].to_pylist() for name in columns), strict=True)
