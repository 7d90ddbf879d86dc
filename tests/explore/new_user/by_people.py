"""What people put into a bucket: exports, dumps, pictures, backups, and folders of everything."""

import bz2
import io
import json
import tarfile
import zipfile

import zstandard

from tests.explore.new_user.things import Row, Thing, lines, media, orders, packed, parquet, table, text, trap

_JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + b"\x37" * 900 + b"\xff\xd9"
_PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n" + b"\x00" * 300 + b"\n%%EOF\n"


def _zipped(name: str, body: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, body)
    return sink.getvalue()


def contacts() -> Thing:
    """Packed semicolons in Windows' letters, a file for each day."""
    base = "exports/crm/"
    rows: list[Row] = [
        {"id": number, "name": f"Müller {number}", "ort": "Köln", "saldo": number * 2} for number in range(10)
    ]
    body = text(rows, ";").decode().encode("cp1252")
    objects = {f"{base}contacts_2026-01-0{day}.csv.gz": packed(body) for day in range(1, 6)}
    return Thing("packed text", objects, (table(base, "csv", 50, "id name ort saldo"),))


def statements() -> Thing:
    """A bank's ZIP files, one CSV in each."""
    base = "exports/bank/"
    objects = {
        f"{base}statement-2026-0{month}.zip": _zipped(f"statement-0{month}.csv", text(orders(9, month * 10)))
        for month in range(1, 4)
    }
    return Thing("zipped text", objects, (table(base, "csv", 27, "order_id customer"),))


def metrics() -> Thing:
    """JSON Lines packed with zstd and with bzip2, by day."""
    base = "exports/metrics/"
    pack = zstandard.ZstdCompressor().compress
    objects = {f"{base}2026-01-0{day}.jsonl.zst": pack(lines(orders(11, day))) for day in range(1, 4)}
    other = "exports/archive/"
    objects |= {
        f"{other}metrics-2025-1{month}.jsonl.bz2": bz2.compress(lines(orders(5))) for month in range(3)
    }
    answers = (table(base, "jsonl", 33, "order_id paid"), table(other, "jsonl", 15, "order_id paid"))
    return Thing("zstd and bzip2", objects, answers)


def austria() -> Thing:
    """Folders and files with spaces, umlauts and signs in their names."""
    base, other = "Verkäufe Österreich/Umsätze 2026/", "finance & controlling/cost+centres (new)/"
    months = ("Januar", "Februar", "März")
    objects = {f"{base}{month}.csv": text(orders(10, 100 * at)) for at, month in enumerate(months)}
    objects |= {f"{other}part #{number}.parquet": parquet(orders(4)) for number in range(3)}
    answers = (
        table(base, "csv", 30, "order_id customer"),
        table(other, "parquet", 12, "order_id customer"),
    )
    return Thing("spaces, umlauts and signs", objects, answers)


def dump() -> Thing:
    """Tables of several schemas and formats in one folder, with prose beside them."""
    base = "landing/dump/"
    products = [{"sku": f"A{number}", "price": number} for number in range(6)]
    people = [{"person": number, "mail": f"p{number}@example.com"} for number in range(7)]
    objects = {
        f"{base}orders.parquet": parquet(orders(20)),
        f"{base}people.parquet": parquet(people),
        f"{base}products.csv": text(products),
        f"{base}README.md": b"# What this is\n\nA dump of the old shop, see the notes.\n",
        f"{base}notes.txt": b"Ask the finance department,\nthey know more,\nor they knew.\n",
    }
    answers = (
        table((f"{base}orders.parquet", base), "parquet", 20, "order_id customer"),
        table((f"{base}people.parquet", base), "parquet", 7, "person mail"),
        table((f"{base}products.csv", base), "csv", 6, "sku price"),
    )
    return Thing("mixed schemas", objects, answers)


def evolved() -> Thing:
    """One table whose files have had more columns from some day on."""
    base = "landing/subscriptions/"
    objects = {f"{base}export-{number}.jsonl": lines(orders(5, number)) for number in range(3)}
    later = [{**row, "plan": "gold"} for row in orders(5)]
    objects |= {f"{base}export-{number}.jsonl": lines(later) for number in range(3, 6)}
    return Thing("columns that were added", objects, (table(base, "jsonl", 30, "order_id plan"),))


def nightly() -> Thing:
    """A folder for each day, with a file for each table."""
    base, objects = "snapshots/", dict[str, bytes]()
    for day in (5, 6, 7):
        objects[f"{base}2026-01-0{day}/users.csv"] = text(
            [{"user": number, "mail": "x"} for number in range(8)]
        )
        objects[f"{base}2026-01-0{day}/orders.csv"] = text(orders(9, day * 10))
    answers = (
        table(base, "csv", 24, "user mail"),
        table(base, "csv", 27, "order_id customer"),
    )
    return Thing("dumps of several tables by day", objects, answers)


def weather() -> Thing:
    """Documents of an API, printed with indents, an array of records in each."""
    base = "api/weather/"
    objects = {
        f"{base}2026-01-05T{hour:02d}.json": json.dumps(orders(3, hour), indent=2).encode()
        for hour in range(6)
    }
    return Thing("documents of an API", objects, (table(base, "json", 18, "order_id customer"),))


def pictures() -> Thing:
    """Photographs and films, with what file managers leave beside them."""
    objects = {
        f"media/photos/2026/0{month}/IMG_{month}00{number}.JPG": _JPEG
        for month in (1, 2)
        for number in range(4)
    }
    objects |= {
        "media/photos/.DS_Store": b"\x00\x00\x00\x01Bud1",
        "media/photos/2026/Thumbs.db": b"\xd0\xcf\x11\xe0",
    }
    objects |= {
        f"media/videos/clip {number}.mp4": b"\x00\x00\x00\x18ftypmp42" + b"\x01" * 400 for number in range(3)
    }
    return Thing("photographs and films", objects, (media("media/", "media/photos/"),))


def invoices() -> Thing:
    """Documents as PDF, by year."""
    objects = {f"documents/invoices/2026/RE-{number:04d}.pdf": _PDF for number in range(5)}
    return Thing(
        "documents", objects, (media("documents/", "documents/invoices/", "documents/invoices/2026/"),)
    )


def readings(small: int) -> Thing:
    """Very many small files, and one large one of the same events in another format beside them."""
    base = "iot/readings/"
    objects = {
        f"{base}reading-{number:06d}.json": lines([{"device": number % 50, "value": number}])
        for number in range(small)
    }
    large = [{"device": number % 50, "value": number, "firmware": "7.1"} for number in range(20 * small)]
    objects[f"{base}history.parquet"] = parquet(large)
    answers = (
        table(base, "jsonl", small, "device value"),
        table((f"{base}history.parquet", base), "parquet", 20 * small, "device firmware"),
    )
    return Thing("small files beside a large one", objects, answers)


def _backup() -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as archive:
        for name in ("etc/app.conf", "var/dump.bin"):
            entry = tarfile.TarInfo(name)
            entry.size = 64
            archive.addfile(entry, io.BytesIO(b"\x07" * 64))
    return sink.getvalue()


def odds() -> tuple[Thing, ...]:
    """Return what no table is made of: backups, models, code, settings, artefacts of dbt, a web site."""
    sql = packed(
        b"-- PostgreSQL database dump\nCREATE TABLE orders (id bigint);\nCOPY orders FROM stdin;\n1\n\\.\n"
    )
    state = json.dumps({"version": 4, "resources": []}, indent=2).encode()
    node = json.dumps({"metadata": {"dbt_version": "1.9.0"}, "nodes": {}}).encode()
    return (
        trap("backups", "backups/", {f"pg-2026-01-0{day}.sql.gz": sql for day in (5, 6)}),
        trap(
            "an archive of a machine",
            "machines/",
            {f"web-2026-01-0{day}.tar.gz": _backup() for day in (5, 6)},
        ),
        trap(
            "a model",
            "ml/",
            {"model/weights.bin": b"\x93NUMPY\x01\x00" + bytes(400), "model/model.pkl": b"\x80\x04\x95."},
        ),
        trap(
            "code",
            "deploy/",
            {"function.zip": _zipped("main.py", b"print('hello')\n"), "job.py": b"import this\n"},
        ),
        trap("settings", "config/", {"settings.yaml": b"a: 1\n", "terraform.tfstate": state}),
        trap(
            "dbt's artefacts",
            "dbt/target/",
            {"manifest.json": node, "catalog.json": node, "compiled/m.sql": b"select 1\n"},
        ),
        trap(
            "a web site",
            "site/",
            {"index.html": b"<!doctype html><p>x", "app.js": b"alert(1)\n", "style.css": b"p {}\n"},
        ),
        trap("a workbook", "office/", {"budget.xlsx": _zipped("xl/workbook.xml", b"<workbook/>")}),
    )


THINGS = (
    *(contacts, statements, metrics, austria, dump, evolved),
    *(nightly, weather, pictures, invoices),
)
