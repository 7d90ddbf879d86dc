"""OpenMetadata's data types and those of a registry, both ways."""

from __future__ import annotations

_TEXT = "STRING VARCHAR CHAR TEXT MEDIUMTEXT NTEXT CLOB ENUM UUID JSON XML INET CIDR IPV4 IPV6"
_INTEGERS = "INT BIGINT LONG SMALLINT TINYINT BYTEINT LARGEINT YEAR"
_OURS = {
    **dict.fromkeys(_TEXT.split(), "string"),
    # Folders' values are read as 64 bits, whatever the width that is declared.
    **dict.fromkeys(_INTEGERS.split(), "int64"),
    **dict.fromkeys(("FLOAT",), "float32"),
    **dict.fromkeys(("DOUBLE", "NUMBER", "NUMERIC"), "float64"),
    **dict.fromkeys(("BYTES", "BINARY", "VARBINARY", "BYTEA", "BLOB"), "binary"),
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIME": "time",
    "DATETIME": "timestamp_ntz",
    "TIMESTAMP": "timestamp_ntz",
    "TIMESTAMPZ": "timestamp",
}
_THEIRS = {
    "boolean": "BOOLEAN",
    **dict.fromkeys(("int8", "uint8"), "TINYINT"),
    **dict.fromkeys(("int16", "uint16"), "SMALLINT"),
    **dict.fromkeys(("int32", "uint32"), "INT"),
    **dict.fromkeys(("int64", "uint64"), "BIGINT"),
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "string": "STRING",
    "binary": "BINARY",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMPZ",
    "timestamp_ntz": "TIMESTAMP",
    "duration": "INTERVAL",
    "decimal": "DECIMAL",
    "list": "ARRAY",
    "array": "ARRAY",
    "struct": "STRUCT",
    "map": "MAP",
}
_MOST_DIGITS = 38


def our_type(name: str, precision: int | None = None, scale: int | None = None) -> str | None:
    """Return a registry's name of OpenMetadata's type; None for those that a registry has no type for."""
    upper = name.upper()
    if upper in {"DECIMAL", "NUMERIC"} and precision is not None and 0 < precision <= _MOST_DIGITS:
        return f"decimal[{precision}, {scale or 0}]"
    return "float64" if upper == "DECIMAL" else _OURS.get(upper)


def their_type(name: str) -> str:
    """Return OpenMetadata's name of a registry's type."""
    plain, _, parameters = name.strip().lower().partition("[")
    if plain == "timestamp" and parameters:
        return "TIMESTAMPZ" if "," in parameters else "TIMESTAMP"
    return _THEIRS.get(plain, "UNKNOWN")
