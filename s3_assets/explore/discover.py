"""Discovery: every table and media set below a folder, each once, as entries of a registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.explore.discover_guess import Guesser
from s3_assets.explore.discover_known import KnownEntry, Lies, around, reader_of
from s3_assets.explore.discover_manifest import (
    apply_patterns,
    claim,
    claimed_before,
    fetch_manifest,
    without_claimed_media,
)
from s3_assets.explore.discover_media import gathered
from s3_assets.explore.discover_names import Place, name_all
from s3_assets.explore.discover_requests import MOST, Portion, Requests
from s3_assets.explore.discover_shapes import spread
from s3_assets.explore.discover_walk import walk
from s3_assets.explore.entry import plain_name
from s3_assets.location import folder_key
from s3_assets.objects import Objects
from s3_assets.progress import count
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from s3_assets.connection.settings import S3Connection
    from s3_assets.explore.discover_groups import Group
    from s3_assets.explore.findings import Guess

_GUESSED_AT_ONCE = 4
_KEPT = 12
_TELLING = ("format", "partitions", "path", "path_regex", "suffixes")


@dataclass(frozen=True)
class Found:
    """A table or media set: its name, where it lies, how it is read, and why that is believed."""

    name: str
    kind: str
    """`table` or `media`."""
    url: str
    guess: Guess
    evidence: str
    """One sentence."""
    lies: Lies
    """Where its data lies, and some of its files."""
    told_by: str = ""
    """File and line of the manifest that says so."""


@dataclass(frozen=True)
class Discovery:
    """What was found, what a registry has already, and what was not looked at."""

    found: tuple[Found, ...]
    known: tuple[tuple[str, str], ...]
    """Places that an entry of the registry reads: the entry's name, and the URL."""
    remarks: tuple[str, ...]
    requests: int
    unlooked: tuple[str, ...]
    """URLs that were left when the requests were spent."""
    ahead: tuple[str, ...] = ()
    """Keys of the folders that the next portion begins with; none: the search is at its end."""
    claimed: tuple[str, ...] = ()
    """Keys of the folders that a manifest speaks of."""


def discover(
    connection: S3Connection,
    key: str = "",
    *,
    known: Sequence[KnownEntry] = (),
    taken: Collection[str] = (),
    exclude: Sequence[str] = (),
    most_requests: int = MOST,
    portion: Portion | None = None,
    progress: Callable[[str], None] | None = None,
) -> Discovery:
    """Find the tables and media sets below the folder `key` of the connection's bucket.

    `known` are a registry's entries, whose data is not found again; `taken` are names that are given. Folders
    are listed level by level, several at once; a recognised table is looked into by a number of requests that
    does not depend on how many files it has. Nothing is written. `exclude` are globs of folders below `key`
    that are not looked into; a `portion` of the search ends with the folders that are `ahead`.
    """
    say = progress or (lambda _: None)
    root = folder_key(key)
    requests = Requests(Objects(connection), most_requests, root, exclude=tuple(exclude), portion=portion)
    say("reading the manifest")
    entries, remarks = fetch_manifest(requests)
    ahead, before = (portion.ahead, portion.claimed) if portion is not None else ((), ())
    claims = claimed_before(entries, before) if ahead else claim(requests, entries, root)
    say("looking through the folders")
    walked = walk(
        requests,
        ahead or [root],
        claims.folders,
        lambda group: reader_of(group.lies, known) is not None,
    )
    remarks += [*claims.walked.remarks, *walked.remarks]
    groups = gathered(without_claimed_media(walked.groups, claims), root)
    groups, unmatched = apply_patterns(_once([*claims.walked.groups, *groups]), claims.patterns)
    if not ahead and not walked.left:
        # Of a portion it is not told what lies in the others.
        remarks += unmatched
    new, listed = _sorted_out(connection, groups, known, remarks)
    say(f"looking into {count(len(new), 'place')}")
    guesser = Guesser(connection, requests)
    with ThreadPoolExecutor(_GUESSED_AT_ONCE) as pool:
        guessed = [pair for pairs in pool.map(guesser.guess, new) for pair in pairs]
    found = _named(connection, guessed, taken)
    url = requests.objects.url
    unlooked = tuple(each if "://" in each else url(each) for each in requests.unlooked)
    every = tuple(sorted(dict.fromkeys([*remarks, *guesser.remarks, *requests.denied])))
    left, claimed = tuple(walked.left), tuple(sorted(claims.folders))
    return Discovery(found, tuple(listed), every, requests.sent, unlooked, left, claimed)


def _once(groups: Sequence[Group]) -> list[Group]:
    """Keep the first of what was found twice: tables of a folder that two entries of a manifest name."""
    found: dict[tuple[object, ...], Group] = {}
    for each in groups:
        found.setdefault((each.family, each.prefix, each.static, each.paths, each.files[:1]), each)
    return sorted(found.values(), key=lambda each: (each.prefix, each.static, each.family))


def _sorted_out(
    connection: S3Connection, groups: Sequence[Group], known: Sequence[KnownEntry], remarks: list[str]
) -> tuple[list[Group], list[tuple[str, str]]]:
    new, listed = [], []
    bucket = connection.location.bucket
    for each in groups:
        url = f"s3://{bucket}/{each.prefix}"
        reader = reader_of(each.lies, known)
        outer = around(each.prefix, known) if each.has_log and reader is None else None
        if reader is not None:
            listed.append((reader, url))
        elif outer is not None:
            remarks.append(f"{url} is a table of its own inside '{outer}', which reads its files as well")
        elif not each.prefix.startswith(connection.location.key):
            remarks.append(f"{url} does not lie below the connection's url, and is left out")
        else:
            new.append(each)
    return new, listed


def _named(
    connection: S3Connection, guessed: Sequence[tuple[Group, Guess]], taken: Collection[str]
) -> tuple[Found, ...]:
    base = connection.location
    places = [
        Place(
            _named_after(group, base.key),
            "media" if group.is_media else str(guess.settings["format"]),
            base.bucket,
        )
        for group, guess in guessed
    ]
    names = name_all(places, taken)
    return tuple(
        Found(
            name,
            "media" if group.is_media else "table",
            f"s3://{base.bucket}/{group.prefix}",
            guess,
            _sentence(group, guess),
            group.lies._replace(keys=tuple(spread([each.key for each in group.files], _KEPT))),
            group.told_by.place if group.told_by else "",
        )
        for name, (group, guess) in zip(names, guessed, strict=True)
    )


def _named_after(group: Group, base: str) -> str:
    """Return the folders that a name is made of; with a log, the table's own folder counts, even a value."""
    folders = group.prefix.removeprefix(base)
    if group.has_log:
        parent, slash, own = folders.rstrip("/").rpartition("/")
        return f"{parent}{slash}{plain_name(own)}" if own else ""
    return f"{folders}{'/'.join(group.static)}"


def _sentence(group: Group, guess: Guess) -> str:
    """Say in one sentence why this is believed to be a table."""
    seen = count(len(group.files), "file")
    endings = " and ".join(f".{each}" if each else "no ending" for each in group.extensions)
    begin = (
        [] if group.has_log or not group.files else [f"{seen} of {endings}" + " seen" * (not group.complete)]
    )
    told = [each.evidence for about in _TELLING for each in guess.findings if each.about == about]
    return "; ".join(dict.fromkeys([*begin, *told])) or "the manifest says so"
