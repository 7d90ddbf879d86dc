"""A second bucket of layouts and traps, made after `discover` had been mended for the first."""

from tests.explore.new_user.logged import delta_files
from tests.explore.new_user.things import Thing, identity, lines, orders, packed, parquet, table, text, trap

_ACCOUNT = "123456789012"
_FLOW = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes action\n"


def advertising() -> Thing:
    """Two reports of each day in one folder."""
    objects: dict[str, bytes] = {}
    for day in (5, 6, 7):
        campaigns = [{"campaign": "a", "clicks": day}] * 4
        objects[f"ads/campaign_performance_2026010{day}.csv"] = text(campaigns)
        objects[f"ads/ad_groups_2026010{day}.csv"] = text([{"group": "g", "cost": day, "x": 1}] * 5)
    answers = (table("ads/", "csv", 12, "campaign clicks"), table("ads/", "csv", 15, "group cost"))
    return Thing("two reports of each day", objects, answers)


def flows() -> Thing:
    """VPC's flow logs: spaces between, with a header, below an account and a region."""
    base = f"AWSLogs/{_ACCOUNT}/vpcflowlogs/"
    rows = "".join(f"2 {_ACCOUNT} eni-1 10.0.0.{n} 10.0.0.9 443 {n} 6 10 {n * 7} ACCEPT\n" for n in range(9))
    body = packed(f"{_FLOW}{rows}".encode())
    stem = f"{_ACCOUNT}_vpcflowlogs_eu-central-1_fl-"
    objects = {f"{base}eu-central-1/2026/01/0{day}/{stem}{identity(day)[:8]}.log.gz": body for day in (5, 6)}
    return Thing("flow logs", objects, (table((base, f"{base}eu-central-1/"), "csv", 18, "srcaddr action"),))


def cleaned() -> Thing:
    """A Delta table whose first commits were cleaned away behind a checkpoint: it is sound."""
    found = delta_files([orders(5, 10 * number) for number in range(4)], checkpoint=True)
    for version in range(3):
        del found[f"_delta_log/{version:020d}.json"]
    objects = {f"gold/sales/{name}": body for name, body in found.items()}
    return Thing("a cleaned Delta log", objects, (table("gold/sales/", "delta", 20, "order_id"),))


def plain() -> tuple[Thing, ...]:
    """Return layouts that are told in a line or two."""
    days, names = ("2026-01-05", "2026-01-06", "2026-01-07"), ("north", "south", "east")
    tenants = ("acme", "globex", "initech")
    accounts = ("111111111111", "222222222222")
    events = {f"out/events.json/part-0000{n}-{identity(n)}-c000.json": lines(orders(5, n)) for n in range(2)}
    changes = {
        f"cdc/db.users/2026/01/0{day}/17675712{day}0000.json.gz": packed(lines([{"op": "c", "id": day}] * 3))
        for day in (5, 6)
    }
    twins = {f"dual/{day}.csv": text(orders(3)) for day in days}
    twins |= {f"dual/{day}.json": lines(orders(3)) for day in days}
    hours = {f"hh/dt=2026-01-05/hr={hour:02d}/part-0.parquet": parquet(orders(3)) for hour in (0, 1, 23)}
    runs = {f"runs/{name}/data.parquet": parquet(orders(6)) for name in (*days[:2], "latest")}
    bio = {f"bio/samples_{n}.tsv": b"# made by lab\n" + text(orders(5, n), "\t") for n in range(3)}
    model = {"models/features.parquet": parquet(orders(9)), "models/model.onnx": b"\x08\x07\x12" + bytes(99)}
    regions = {f"regions/{name}.csv": text(orders(4)) for name in names}
    bills = {f"tenants/{name}/bills/bill.csv": text(orders(3)) for name in tenants}
    trails = {
        f"trails/{account}/eu/2026/01/05/f{n}.json": lines([{"a": n}] * 2)
        for account in accounts
        for n in (0, 1)
    }
    return (
        Thing("Spark's JSON", events, (table("out/events.json/", "jsonl", 10, "order_id"),)),
        Thing("changes by day", changes, (table("cdc/db.users/", "jsonl", 6, "op id", "date"),)),
        Thing(
            "two formats of each day",
            twins,
            (table("dual/", "csv", 9, "order_id"), table("dual/", "jsonl", 9, "order_id")),
        ),
        Thing("hours in days", hours, (table("hh/", "parquet", 9, "order_id dt hr", "dt"),)),
        Thing(
            "runs and a copy of the latest",
            runs,
            (table("runs/", "parquet", 12, "order_id"), table("runs/latest/", "parquet", 6, "order_id")),
        ),
        Thing("comments above a header", bio, (table("bio/", "tsv", 15, "order_id customer"),)),
        Thing("a table beside a model", model, (table("models/", "parquet", 9, "order_id"),)),
        Thing("one table by words", regions, (table("regions/", "csv", 12, "order_id"),)),
        Thing(
            "a folder for each tenant",
            bills,
            tuple(table(f"tenants/{name}/bills/", "csv", 3, "order_id") for name in tenants),
        ),
        Thing(
            "two accounts",
            trails,
            tuple(table(f"trails/{account}/eu/", "jsonl", 4, "a") for account in accounts),
        ),
    )


def odds() -> tuple[Thing, ...]:
    """Return what no table is made of."""
    entry = b"2026-01-05 10:00:00 INFO  [main] c.e.App - started in 7 ms, all well\n"
    trace = b"java.lang.IllegalStateException: no\n\tat c.e.App.main(App.java:5)\n"
    return (
        trap(
            "logs of a program",
            "applogs/",
            {f"app-2026-01-0{day}.log": entry + trace + entry for day in (5, 6)},
        ),
        trap("XML", "feeds/", {"product.xml": b"<?xml version='1.0'?><p><i>1</i></p>\n"}),
        trap(
            "a map", "geo/", {"roads.shp": b"\x00\x00\x27\x0a" + bytes(96), "roads.dbf": b"\x03" + bytes(90)}
        ),
    )


def second() -> tuple[Thing, ...]:
    """Return all of it."""
    return (advertising(), flows(), cleaned(), *plain(), *odds())
