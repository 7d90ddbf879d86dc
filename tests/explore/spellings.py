"""Text files in hundreds of dialects, written with Python's own modules, and the rows that they mean."""

import bz2
import csv
import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

import zstandard

ROWS = 60
START = datetime(2026, 1, 28, 6, 0, 0, 250_000, tzinfo=UTC)
EAST = timezone(timedelta(hours=2))


def zipped(body: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/", b"")
        archive.writestr("folder/rows.txt", body)
    return buffer.getvalue()


@dataclass(frozen=True)
class Quoting:
    """How csv.writer quotes."""

    name: str
    writer: dict[str, Any]

    @property
    def hides_nulls(self) -> bool:
        """Whether null texts stand in quotes."""
        return self.writer["quoting"] in {csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC}


@dataclass(frozen=True)
class Moment:
    """How a moment is written, and the value that it means."""

    name: str
    write: Callable[[datetime], str]
    mean: Callable[[datetime], Any]


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _millis(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _plain(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def _layout(layout: str) -> Moment:
    """A strftime layout without a zone: what it means is what strptime reads, if it has a time of day."""

    def mean(moment: datetime) -> Any:
        read = datetime.strptime(moment.strftime(layout), layout)  # noqa: DTZ007 - it has no zone
        return read if "%H" in layout or "%I" in layout else read.date()

    return Moment(layout, lambda moment: moment.strftime(layout), mean)


def _zoned(layout: str) -> Moment:
    return Moment(layout, lambda moment: moment.astimezone(EAST).strftime(layout), _whole)


MOMENTS = (
    *map(
        _layout,
        (
            "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d/%m/%y",
            "%m/%d/%y", "%Y%m%d", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y", "%B %d, %Y",
            "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S.%f",
            "%Y/%m/%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p",
            "%d.%m.%Y %H:%M", "%d-%m-%Y %H:%M", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%dT%H%M%S",
            "%a %b %d %H:%M:%S %Y",
        ),
    ),
    *map(_zoned, ("%Y-%m-%dT%H:%M:%S%z", "%a, %d %b %Y %H:%M:%S %z", "%d/%b/%Y:%H:%M:%S %z")),
    Moment("ISO Z", lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}Z", _whole),
    Moment("ISO ms Z", lambda moment: moment.isoformat(timespec="milliseconds")[:-6] + "Z", _millis),
    Moment("ISO offset", lambda moment: moment.astimezone(EAST).isoformat(" ", "seconds"), _whole),
    Moment("UTC", lambda moment: f"{moment:%Y-%m-%d %H:%M:%S} UTC", lambda moment: _plain(_whole(moment))),
    Moment(
        "comma fraction",
        lambda moment: moment.isoformat(" ", "milliseconds")[:-6].replace(".", ","),
        lambda moment: _plain(_millis(moment)),
    ),
    Moment("epoch", lambda moment: str(int(moment.timestamp())), lambda moment: _plain(_whole(moment))),
    Moment("time", lambda moment: f"{moment:%H:%M:%S}", lambda moment: _whole(moment).time()),
    Moment("clock", lambda moment: f"{moment:%H:%M}", lambda moment: time(moment.hour, moment.minute)),
)  # fmt: skip
QUOTINGS = (
    Quoting('minimal "', {"quotechar": '"', "quoting": csv.QUOTE_MINIMAL}),
    Quoting('all "', {"quotechar": '"', "quoting": csv.QUOTE_ALL}),
    Quoting('text "', {"quotechar": '"', "quoting": csv.QUOTE_NONNUMERIC}),
    Quoting("minimal '", {"quotechar": "'", "quoting": csv.QUOTE_MINIMAL}),
    Quoting("all '", {"quotechar": "'", "quoting": csv.QUOTE_ALL}),
    Quoting(
        'escaped "', {"quotechar": '"', "quoting": csv.QUOTE_ALL, "doublequote": False, "escapechar": "\\"}
    ),
    Quoting("escaped", {"quotechar": None, "quoting": csv.QUOTE_NONE, "escapechar": "\\"}),
)
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": lambda body: gzip.compress(body, mtime=0),
    "bzip2": bz2.compress,
    "zip": zipped,
    "zstd": zstandard.compress,
}
CHARSETS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252", "utf-32")
DELIMITERS = (",", ";", "\t", "|", "^", "~", "\x01", ":", " ")
NEWLINES = ("\n", "\r\n", "\r")
BEGINNINGS = ("header", "no header", "lines before", "comments before", "comments between")
BETWEEN, PAGE = "comments between", "# page 2"
LINES_BEFORE = {
    "lines before": ("Report of the shop", "Made in 2026"),
    "comments before": ("# made by a machine", "# for machines"),
}
NULLS = ("", "NULL", "\\N", "NA", "-", "null", "n/a", "#N/A")
DECIMALS = (".", ",")
TABLES: dict[str, tuple[tuple[str, str], ...]] = {
    "shop": (
        ("id", "integer"), ("name", "name"), ("price", "decimal"), ("taken_at", "moment"),
        ("active", "boolean"), ("note", "text"),
    ),
    "few rows": (("id", "integer"), ("name", "name"), ("price", "decimal"), ("created_at", "moment")),
    "numbers": (("id", "integer"), ("x", "decimal"), ("y", "decimal"), ("count", "integer")),
    "moments": (("time", "moment"), ("value", "decimal")),
    "words": (("city", "name"), ("remark", "text"), ("street", "text")),
    "lines": (("id", "integer"), ("letter", "lines"), ("day_at", "moment")),
}  # fmt: skip


@dataclass(frozen=True)
class Dialect:
    """One way to write a table as delimited text."""

    number: int
    delimiter: str
    quoting: Quoting
    beginning: str
    newline: str
    charset: str
    packing: str
    null: str
    moment: Moment
    decimal: str
    table: str

    def __str__(self) -> str:
        parts = (
            self.number, self.table, repr(self.delimiter), self.quoting.name, self.beginning,
            repr(self.newline), self.charset, self.packing, repr(self.null), self.moment.name, self.decimal,
        )  # fmt: skip
        return " / ".join(map(str, parts))

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        return TABLES[self.table]

    @property
    def ambiguous(self) -> str | None:
        """Why the bytes mean another table as well; None if they mean one alone."""
        kinds = {kind for _, kind in self.columns}
        only_words = kinds <= {"name", "text"}
        before = (*LINES_BEFORE.get(self.beginning, ()), *([PAGE] if self.beginning == BETWEEN else ()))
        bare = self.beginning == "no header"
        reasons = {
            "integers in a column without a name may be anything": (
                bare and self.moment.name == "epoch" and "moment" in kinds
            ),
            "a first row of words may be names": bare and only_words,
            "among words, a dash or NA may be a word": only_words and self.null in {"NA", "-", "n/a"},
            "a comment of as many words as there are columns may be a row": any(
                len(line.split(self.delimiter)) == len(self.columns) for line in before
            ),
        }
        return next((reason for reason, holds in reasons.items() if holds), None)


def dialects(number: int, seed: int = 4) -> list[Dialect]:
    """Return so many dialects, always the same ones: each option as often as any other of its kind."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    kinds: tuple[Iterable[Any], ...] = (
        DELIMITERS, QUOTINGS, BEGINNINGS, NEWLINES, CHARSETS, PACKERS, NULLS, MOMENTS, DECIMALS, TABLES,
    )  # fmt: skip
    columns = []
    for options in map(tuple, kinds):
        column = [options[index % len(options)] for index in range(number)]
        chance.shuffle(column)
        columns.append(column)
    return [Dialect(index, *each) for index, each in enumerate(zip(*columns, strict=True))]


def rows_of(dialect: Dialect) -> list[tuple[Any, ...]]:
    """Return the rows as they are meant; every seventh value or so is null, where its column has nulls."""
    chance = random.Random(dialect.number)  # noqa: S311 - repeatable, not secret
    count = 4 if dialect.table == "few rows" else ROWS
    return [
        tuple(
            _value(kind, number, dialect, chance) if (number + index) % 7 or kind in _NEVER_NULL else None
            for index, (_, kind) in enumerate(dialect.columns)
        )
        for number in range(count)
    ]


_NEVER_NULL = {"integer", "boolean", "name", "lines"}
_NAMES = ("Zoë", "Müller", "José", "Ångström", "Çelik", "plain")


def _value(kind: str, number: int, dialect: Dialect, chance: random.Random) -> Any:
    name = _NAMES[number % len(_NAMES)]
    texts = ('said "so"', "it's", f"a{dialect.delimiter}b", "short", "two words", "x, y; z", "50% off")
    values = {
        "integer": 1000 + number * 3,
        "name": f"{name} {chance.randrange(100)}",
        "decimal": round(chance.uniform(-20, 2000), 2),
        "moment": START + timedelta(hours=11 * number, minutes=7 * number, seconds=number),
        "boolean": chance.choice((True, False)),
        "lines": f"Dear {name},{dialect.newline}yours",
        "text": chance.choice(texts),
    }
    return values[kind]


def written(dialect: Dialect) -> bytes:
    """Return the file."""
    buffer = io.StringIO(newline="")
    end = dialect.newline
    writer = csv.writer(buffer, delimiter=dialect.delimiter, lineterminator=end, **dialect.quoting.writer)
    for line in LINES_BEFORE.get(dialect.beginning, ()):
        buffer.write(f"{line}{end}")
    if dialect.beginning != "no header":
        writer.writerow([name for name, _ in dialect.columns])
    for number, row in enumerate(rows_of(dialect)):
        if dialect.beginning == BETWEEN and number % 20 == 2:
            buffer.write(f"{PAGE}{end}")
        kinds = (kind for _, kind in dialect.columns)
        writer.writerow([_cell(dialect, kind, value) for kind, value in zip(kinds, row, strict=True)])
    return PACKERS[dialect.packing](buffer.getvalue().encode(dialect.charset))


def _cell(dialect: Dialect, kind: str, value: Any) -> str:
    if value is None:
        return dialect.null
    if kind == "decimal":
        return f"{value:.2f}".replace(".", dialect.decimal)
    if kind == "moment":
        return dialect.moment.write(value)
    return str(value).lower() if kind == "boolean" else str(value)


def meant(dialect: Dialect) -> list[tuple[Any, ...]]:
    """Return the rows as they should be read.

    Numbers with a decimal comma stay text, and in a column of text a null in quotes is text as well.
    """
    kinds = [kind for _, kind in dialect.columns]
    return [
        tuple(_meaning(dialect, kind, value) for kind, value in zip(kinds, row, strict=True))
        for row in rows_of(dialect)
    ]


def _meaning(dialect: Dialect, kind: str, value: Any) -> Any:
    is_text = kind == "text" or (kind == "decimal" and dialect.decimal == ",")
    if value is None:
        return dialect.null if is_text and dialect.quoting.hides_nulls else None
    if kind == "decimal" and dialect.decimal == ",":
        return _cell(dialect, kind, value)
    return dialect.moment.mean(value) if kind == "moment" else value


@dataclass(frozen=True)
class JsonDialect:
    """One way to write a table as JSON."""

    number: int
    shape: str
    charset: str
    packing: str
    newline: str
    moment: Moment

    def __str__(self) -> str:
        parts = (self.shape, self.charset, self.packing, repr(self.newline), self.moment.name)
        return " / ".join(parts)

    @property
    def as_text(self) -> Dialect:
        base = dialects(1)[0]
        return replace(base, number=self.number, table="shop", moment=self.moment, delimiter=",")


SHAPES = ("lines", "array", "indented array", "one after the other")


def json_dialects(number: int, seed: int = 5) -> list[JsonDialect]:
    """Return so many dialects of JSON; a moment that is an integer is one, and has no format."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    moments = [moment for moment in MOMENTS if moment.name != "epoch"]
    kinds: tuple[Iterable[Any], ...] = (SHAPES, CHARSETS[:5], PACKERS, NEWLINES[:2], moments)
    columns = []
    for options in map(tuple, kinds):
        column = [options[index % len(options)] for index in range(number)]
        chance.shuffle(column)
        columns.append(column)
    return [JsonDialect(index, *each) for index, each in enumerate(zip(*columns, strict=True))]


def json_written(dialect: JsonDialect) -> bytes:
    """Return the file."""
    names = [name for name, _ in TABLES["shop"]]
    objects = []
    for row in rows_of(dialect.as_text):
        values = dict(zip(names, row, strict=True))
        if values["taken_at"] is not None:
            values["taken_at"] = dialect.moment.write(values["taken_at"])
        objects.append(values)
    if dialect.shape == "lines":
        text = "".join(json.dumps(each, ensure_ascii=False) + dialect.newline for each in objects)
    elif dialect.shape == "one after the other":
        text = dialect.newline.join(json.dumps(each, indent=1, ensure_ascii=False) for each in objects)
    else:
        indent = 2 if dialect.shape == "indented array" else None
        text = json.dumps(objects, indent=indent, ensure_ascii=False).replace("\n", dialect.newline)
    return PACKERS[dialect.packing](text.encode(dialect.charset))


def json_meant(dialect: JsonDialect) -> list[tuple[Any, ...]]:
    """Return the rows as they should be read."""
    return [
        tuple(
            dialect.moment.mean(value) if kind == "moment" and value is not None else value
            for (_, kind), value in zip(TABLES["shop"], row, strict=True)
        )
        for row in rows_of(dialect.as_text)
    ]
