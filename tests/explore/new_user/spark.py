"""What Spark, Hive, Hudi and Databricks leave behind: folders of Parquet files and their by-products."""

from tests.explore.new_user.things import Row, Thing, identity, orders, parquet, table, text, trap

_CRC = b"crc\x00\x00\x00\x02\x00\x12\x34\x56\x78"


def _part(number: int, run: int, ending: str = "c000.snappy.parquet") -> str:
    return f"part-{number:05d}-{identity(run)}-{ending}"


def sales() -> Thing:
    """Hive folders by year, month and day, with everything that a job leaves when it ends well or badly."""
    objects: dict[str, bytes] = {}
    base, rows = "warehouse/sales/", 0
    for day in range(1, 9):
        folder = f"{base}year=2026/month=01/day={day:02d}/"
        for number in range(2):
            found = orders(20 + day, 1000 * day + 100 * number)
            rows += len(found)
            objects[folder + _part(number, day)] = parquet(found)
            objects[f"{folder}.{_part(number, day)}.crc"] = _CRC
        objects[f"{folder}_committed_{day}00"] = b'{"added":[],"removed":[]}'
        objects[f"{folder}_started_{day}00"] = b""
    attempt = "_temporary/0/_temporary/attempt_202601080000_0001_m_000000_1/"
    stray = parquet(orders(50, 90_000))
    objects[f"{base}{attempt}year=2026/month=01/day=08/{_part(0, 99)}"] = stray
    staging = f"{base}.spark-staging-{identity(98)}/year=2026/month=01/day=08/"
    objects[staging + _part(0, 98)] = stray
    objects[f"{base}_SUCCESS"] = b""
    columns = "order_id customer amount paid"
    return Thing("Hive by year, month and day", objects, (table(base, "parquet", rows, columns),))


def clicks() -> Thing:
    """Hive folders by date, one of them for rows without a date, and EMR's markers of folders."""
    base, rows = "warehouse/clicks/", 0
    objects = {"warehouse/clicks_$folder$": b""}
    for day in ("2026-01-05", "2026-01-06", "2026-01-07", "__HIVE_DEFAULT_PARTITION__"):
        found = [{"click": number, "page": f"/p{number}"} for number in range(15)]
        rows += len(found)
        objects[f"{base}dt={day}/000000_0"] = parquet(found)
        objects[f"{base}dt={day}_$folder$"] = b""
    return Thing(
        "Hive with a default partition", objects, (table(base, "parquet", rows, "click page dt", "dt"),)
    )


def snapshots() -> Thing:
    """Hive folders by a time whose colons are escaped, and by a name that is not ASCII."""
    base = "warehouse/stock/"
    objects = {
        f"{base}ts=2026-01-0{day} 10%3A00%3A00/ort={place}/{_part(0, day)}": parquet(orders(7, day * 10))
        for day in (5, 6)
        for place in ("Köln", "Bad Tölz")
    }
    return Thing("Hive with escaped names", objects, (table(base, "parquet", 28, "order_id ts ort"),))


def totals() -> Thing:
    """A folder of one job, with summaries of footers beside the parts."""
    base = "reports/daily_totals/"
    objects = {base + _part(number, 5): parquet(orders(30, 100 * number)) for number in range(3)}
    objects |= {f"{base}.{_part(number, 5)}.crc": _CRC for number in range(3)}
    summary = parquet(orders(1))
    objects |= {f"{base}_metadata": summary, f"{base}_common_metadata": summary, f"{base}_SUCCESS": b""}
    objects[base] = b""
    return Thing("Spark's output", objects, (table(base, "parquet", 90, "order_id customer"),))


def report() -> Thing:
    """A folder that is named like a file, since Spark was told a file's name."""
    base = "exports/report.csv/"
    objects = {base + _part(number, 6, "c000.csv"): text(orders(12, 50 * number)) for number in range(2)}
    objects |= {f"{base}_SUCCESS": b"", f"{base}._SUCCESS.crc": _CRC}
    return Thing("a folder named report.csv", objects, (table(base, "csv", 24, "order_id customer"),))


def failed() -> Thing:
    """A job that died: all it wrote lies in its temporary folder."""
    task = "_temporary/0/task_202601050000_0002_m_00000"
    parts: list[Row] = orders(40)
    return trap(
        "a job that died",
        "jobs/nightly/",
        {f"{task}{number}/{_part(number, 7)}": parquet(parts) for number in range(2)},
    )


def marks() -> Thing:
    """Jobs that had nothing to write."""
    return trap(
        "marks and empty files",
        "jobs/done/",
        {
            "2026-01-05/_SUCCESS": b"",
            "2026-01-06/_SUCCESS": b"",
            "2026-01-06/part-00000": b"",
            "2026-01-06/empty.csv": b"",
            "": b"",
        },
    )


def trips() -> Thing:
    """A Hudi table: of its files only the newest slices are rows, and nobody here can tell which."""
    properties = b"hoodie.table.name=trips\nhoodie.table.type=COPY_ON_WRITE\nhoodie.table.version=6\n"
    slices = {
        f"brazil/{identity(group)}-0_0-{group}-0_2026010{day}100000.parquet": parquet(orders(25, group * 100))
        for group in range(2)
        for day in (5, 6)
    }
    timeline = {f".hoodie/2026010{day}100000.commit": b'{"operationType":"UPSERT"}' for day in (5, 6)}
    partition = {"brazil/.hoodie_partition_metadata": b"commitTime=20260105100000\npartitionDepth=1\n"}
    return trap(
        "a Hudi table",
        "hudi/trips/",
        {".hoodie/hoodie.properties": properties, **timeline, **partition, **slices},
    )


THINGS = (sales, clicks, snapshots, totals, report, failed, marks, trips)
