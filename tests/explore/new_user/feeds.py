"""What services deliver: Firehose, CloudTrail, Airbyte, Kafka Connect, Redshift, and others of their kind."""

import io
import json

from tests.explore.new_user.things import Thing, identity, lines, orders, packed, parquet, table, text, trap

_ACCOUNT = "123456789012"


def _folder(day: int) -> str:
    """Return the folder below a service's in which AWS puts the logs of a day."""
    return f"eu-central-1/2026/01/{day:02d}/"


def firehose() -> Thing:
    """Packed JSON Lines in folders of hours, as Firehose names them, and what it could not convert."""
    base, rows = "firehose/clickstream/", 0
    objects: dict[str, bytes] = {}
    for day in (5, 6):
        for hour in (0, 1, 13, 23):
            stem = f"clickstream-1-2026-01-{day:02d}-{hour:02d}"
            for minute in (0, 5):
                found = [
                    {"user": f"u{number}", "event": "click", "at": 1767571200 + number} for number in range(9)
                ]
                rows += len(found)
                name = f"{stem}-{minute:02d}-00-{identity(day * hour + minute)}.gz"
                objects[f"{base}2026/01/{day:02d}/{hour:02d}/{name}"] = packed(lines(found))
    errors = "firehose-errors/processing-failed/"
    for hour in (2, 3):
        broken = [
            {"attemptsMade": 4, "errorCode": "Lambda.FunctionError", "rawData": "eyJ9"} for _ in range(3)
        ]
        objects[f"{errors}2026/01/05/{hour:02d}/clickstream-1-2026-01-05-{hour:02d}-x"] = lines(broken)
    answers = (
        table(base, "jsonl", rows, "user event at"),
        table((errors, "firehose-errors/"), "jsonl", 6, "attemptsMade errorCode"),
    )
    return Thing("Firehose", objects, answers)


def trail() -> Thing:
    """CloudTrail's documents, one in each file, and their digests, which are another thing."""
    base = f"AWSLogs/{_ACCOUNT}/CloudTrail/"
    digests = f"AWSLogs/{_ACCOUNT}/CloudTrail-Digest/"
    objects: dict[str, bytes] = {}
    for day in (5, 6, 7):
        for hour in (0, 12):
            name = f"{_folder(day)}{_ACCOUNT}_CloudTrail_eu-central-1_202601{day:02d}T{hour:02d}05Z_"
            records = [{"eventVersion": "1.09", "eventName": "GetObject", "eventID": identity(day)}] * 3
            objects[f"{base}{name}{identity(hour)[:16]}.json.gz"] = packed(
                json.dumps({"Records": records}).encode()
            )
        digest = {"awsAccountId": _ACCOUNT, "digestStartTime": f"2026-01-{day:02d}T00:00:00Z", "logFiles": []}
        name = f"{_folder(day)}{_ACCOUNT}_CloudTrail-Digest_eu-central-1_202601{day:02d}T000000Z"
        objects[f"{digests}{name}.json.gz"] = packed(json.dumps(digest).encode())
    answers = (
        table((base, f"{base}eu-central-1/"), "json", 6, "Records"),
        table((digests, f"{digests}eu-central-1/"), "json", 3, "awsAccountId digestStartTime"),
    )
    return Thing("CloudTrail", objects, answers)


def balancer() -> Thing:
    """Access logs of a load balancer: fields with spaces between, some of them in quotes, no header."""
    base = f"AWSLogs/{_ACCOUNT}/elasticloadbalancing/"
    objects: dict[str, bytes] = {}
    for day in (5, 6):
        for minute in (0, 5):
            name = f"{_folder(day)}{_ACCOUNT}_elasticloadbalancing_eu-central-1_app.shop.50dc6c495c0c9188_"
            rows = [
                f"https 2026-01-{day:02d}T00:0{minute}:{second:02d}.186641Z app/shop/50dc6c495c0c9188 "
                f"192.168.131.{second}:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "
                f'"GET https://www.example.com:443/p/{second} HTTP/1.1" "curl/7.46.0" - TLSv1.2\n'
                for second in range(10)
            ]
            body = packed("".join(rows).encode())
            objects[f"{base}{name}202601{day:02d}T000{minute}Z_172.160.001.192_20sg8hgm.log.gz"] = body
    return Thing("a load balancer's logs", objects, (table((base, f"{base}eu-central-1/"), "csv", 40, ""),))


def airbyte() -> Thing:
    """Airbyte's S3 destination: a folder for each stream, files with day and time in their names."""
    base = "airbyte/public/"
    objects: dict[str, bytes] = {}
    for day in (5, 6):
        stem = f"2026_01_{day:02d}_17675712{day:02d}000_0"
        users = [
            {
                "_airbyte_ab_id": identity(number),
                "_airbyte_emitted_at": 1767571200000,
                "_airbyte_data": {"id": number},
            }
            for number in range(8)
        ]
        objects[f"{base}users/{stem}.jsonl.gz"] = packed(lines(users))
        objects[f"{base}orders/{stem}.csv"] = text(orders(6, day * 10))
    answers = (
        table(f"{base}users/", "jsonl", 16, "_airbyte_ab_id _airbyte_data"),
        table(f"{base}orders/", "csv", 12, "order_id customer"),
    )
    return Thing("Airbyte", objects, answers)


def topics() -> Thing:
    """Kafka Connect's sink: Avro files in folders of the topic's partitions, with offsets in their names."""
    from fastavro import parse_schema, writer

    kinds = [{"name": "id", "type": "long"}, {"name": "note", "type": ["null", "string"]}]
    schema = parse_schema({"type": "record", "name": "Order", "fields": kinds})
    base, objects = "topics/orders/", dict[str, bytes]()
    for partition in range(2):
        for offset in (0, 10):
            sink = io.BytesIO()
            writer(sink, schema, [{"id": offset + number, "note": None} for number in range(10)])
            objects[f"{base}partition={partition}/orders+{partition}+{offset:010d}.avro"] = sink.getvalue()
    return Thing("Kafka Connect", objects, (table(base, "avro", 40, "id note partition"),))


def unloaded() -> Thing:
    """Redshift's UNLOAD: pipes, no header, names without ending, a manifest beside."""
    base = "unload/"
    objects = {
        f"{base}orders_{number:04d}_part_00": text(orders(14, 100 * number), "|", header=False)
        for number in range(3)
    }
    objects[f"{base}orders_manifest"] = json.dumps(
        {"entries": [{"url": f"s3://shop/{key}"} for key in objects]}
    ).encode()
    return Thing("Redshift's UNLOAD", objects, (table(base, "csv", 42, ""),))


def inventory() -> Thing:
    """S3 Inventory: lists of keys without header, and manifests of each day."""
    base, objects = "inventory/shop/all/", dict[str, bytes]()
    for day in (5, 6):
        rows = [
            {"bucket": "shop", "key": f"k{number}", "size": number * 10, "etag": identity(number)}
            for number in range(9)
        ]
        objects[f"{base}data/{identity(40 + day)}.csv.gz"] = packed(text(rows, header=False))
        told = {"sourceBucket": "shop", "fileFormat": "CSV", "files": []}
        objects[f"{base}2026-01-0{day}T00-00Z/manifest.json"] = json.dumps(told).encode()
        objects[f"{base}2026-01-0{day}T00-00Z/manifest.checksum"] = b"0cc175b9c0f1b6a831c399e269772661"
        objects[f"{base}hive/dt=2026-01-0{day}-00-00/symlink.txt"] = (
            f"s3://shop/{base}data/{day}.csv.gz\n".encode()
        )
    return Thing("S3 Inventory", objects, (table(f"{base}data/", "csv", 18, ""),))


def athena() -> Thing:
    """Results of queries: each has other columns, none is a table that somebody keeps."""
    queries: dict[str, bytes] = {}
    for number, columns in enumerate(("order_id", "customer", "amount")):
        rows = [{columns: row[columns], f"count_{number}": 1} for row in orders(4 + number)]
        queries[f"Unsaved/2026/01/05/{identity(60 + number)}.csv"] = text(rows)
        queries[f"Unsaved/2026/01/05/{identity(60 + number)}.csv.metadata"] = b"\n\x0e20260105_000000\x12\x01"
    queries[f"Unsaved/2026/01/05/{identity(70)}.txt"] = b"order_id\tbigint\n"
    return trap("Athena's results", "athena-results/", queries)


def loaded() -> Thing:
    """dlt's destination: tables as folders, and its own books beside them."""
    base = "dlt/shop_data/"
    objects = {
        f"{base}customers/1767571200.{number}.abc{number}.parquet": parquet(orders(13)) for number in range(2)
    }
    objects[f"{base}init"] = b""
    objects[f"{base}_dlt_version/init"] = b""
    objects[f"{base}_dlt_loads/shop__1767571200.1.jsonl"] = lines([{"load_id": "1767571200.1", "status": 0}])
    objects[f"{base}_dlt_pipeline_state/1767571200.1.def.jsonl"] = lines([{"version": 1, "state": "eNp"}])
    return Thing("dlt", objects, (table(f"{base}customers/", "parquet", 26, "order_id customer"),))


THINGS = (firehose, trail, balancer, airbyte, topics, unloaded, inventory, athena, loaded)
