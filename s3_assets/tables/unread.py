"""Which files of a listing were not read yet, by a ledger of those that were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from s3_assets.errors import SourceRewrittenError

if TYPE_CHECKING:
    import polars as pl


def unread(
    listed: pl.DataFrame, read: pl.DataFrame, on_rewritten: Literal["fail", "reread", "ignore"]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the listed files that are not among those that were read, and what is to be said of the others.

    Raises `SourceRewrittenError` for files that changed since, if that is the policy.
    """
    new = listed.join(read, on=["key", "etag"], how="anti")
    rewritten = new.join(read, on="key", how="semi")
    gone = read.unique("key").join(listed, on="key", how="anti")
    notes = [f"{gone.height} files that were read before are gone; their rows stay"] if gone.height else []
    if rewritten.is_empty():
        return new, tuple(notes)
    if on_rewritten == "fail":
        raise SourceRewrittenError(
            f"{rewritten.height} files were changed after they had been read, "
            f"the first is {rewritten['key'][0]}",
            remedy="Set on_rewritten to 'reread' (their rows come again) or 'ignore'.",
        )
    notes.append(f"{rewritten.height} files that changed after they had been read: {on_rewritten}")
    return (new if on_rewritten == "reread" else new.join(read, on="key", how="anti")), tuple(notes)
