"""Where one file of an export ends and the next begins."""

from __future__ import annotations

from dataclasses import dataclass

from s3_assets.errors import SettingError


@dataclass(frozen=True)
class Split:
    """The most that one file has: so many rows, exactly, or about so many bytes of the finished file.

    Files of text and of Avro keep to the bytes, unless their first rows alone take more. Files of Parquet are
    packed only when they are written: each ends where the bytes of the rows before it let expect it.
    """

    rows: int | None = None
    bytes: int | None = None

    def __post_init__(self) -> None:
        for name, most in (("rows", self.rows), ("bytes", self.bytes)):
            if most is not None and most < 1:
                raise SettingError(
                    f"files of {most} {name} were asked for", remedy=f"Set {name} to 1 or more."
                )

    @property
    def one_file(self) -> bool:
        """Whether all rows go to one file."""
        return self.rows is None and self.bytes is None
