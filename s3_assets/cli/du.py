"""`s3-assets du`: how many objects and bytes lie below a place, or in each bucket."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from s3_assets.cli.console import note, print_json, standard_error
from s3_assets.cli.options import Output, OutputAs, options
from s3_assets.cli.places import FolderUrlOrNone, Reach, find_account, find_folder, reaching
from s3_assets.cli.sizes_told import Told, print_buckets, print_told, told_estimate
from s3_assets.errors import S3AssetsError

if TYPE_CHECKING:
    from s3_assets.connection.adapters.boto_buckets import Bucket
    from s3_assets.connection.settings import S3Connection
    from s3_assets.explore.sizes import Measurement

# About two cents at Amazon, and less than a minute.
_MOST_UNASKED = 5_000
_NOBODY_TO_ASK = 2


@reaching
def disk_usage(
    context: typer.Context,
    url: FolderUrlOrNone = None,
    *,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Tell about how much there is, by 48 requests at most.")
    ] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="List whole buckets, too, where CloudWatch knows their sizes.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help=f"Do not ask before more than {_MOST_UNASKED:,} requests.")
    ] = False,
    reach: Reach,
    output: OutputAs = Output.TABLE,
) -> None:
    """Count the objects and bytes below a folder, and those of each folder directly in it.

    The sizes of whole buckets are what CloudWatch told last, where it answers; all else is listed, by several
    requests at once. Without a URL, all buckets are told of.

    Example: [bold]s3-assets du s3://shop/landing/[/bold]
    """
    if url is None:
        connection = find_account(reach, options(context))
        told = _all_buckets(connection, estimate=estimate, listed=listed, yes=yes)
        if output is Output.JSON:
            print_json({"buckets": [each.described() for each in told]})
        else:
            print_buckets(told)
        return
    place = find_folder(url, reach, options(context))
    found = _one(place.connection, place.key, estimate=estimate, listed=listed, yes=yes)
    if output is Output.JSON:
        print_json(found.described())
    else:
        print_told(found)


def _one(connection: "S3Connection", key: str, *, estimate: bool, listed: bool, yes: bool) -> Told:
    from s3_assets.connection.adapters.boto_buckets import Bucket
    from s3_assets.explore.containers import known_usages
    from s3_assets.explore.sizes import Measurement
    from s3_assets.objects import Objects

    bucket = connection.location.bucket
    if not key and not listed:
        with standard_error().status("asking CloudWatch"):
            known = known_usages(connection, [Bucket(bucket, None, connection.region)], note)
        if bucket in known:
            return Told.of_usage(known[bucket])
    measurement = Measurement(Objects(connection), key)
    with standard_error().status("listing"):
        expected = measurement.begin()
    if estimate or measurement.is_done:
        return Told.of_measurement(bucket, measurement, expected)
    note(told_estimate(expected))
    _require_yes(expected.requests - measurement.size.requests, yes=yes)
    return _finished(bucket, measurement)


def _all_buckets(connection: "S3Connection", *, estimate: bool, listed: bool, yes: bool) -> list[Told]:
    from s3_assets.explore.containers import known_usages, list_buckets

    with standard_error().status("looking for buckets") as status:
        found = list_buckets(connection)
        known = known_usages(connection, found, note) if found and not listed else {}
        told = {name: Told.of_usage(each) for name, each in known.items()}
        begun: dict[str, Measurement] = {}
        further = 0
        for each in found:
            if each.name in told:
                continue
            status.update(f"listing {each.name}")
            try:
                measurement, first, left = _begun(connection, each)
            except S3AssetsError as error:
                note(f"{each.name} is left out: {error.found}", kind="warning")
                continue
            told[each.name] = first
            if not measurement.is_done:
                begun[each.name] = measurement
                further += left
    if begun and not estimate:
        note(f"{len(begun):,} buckets are listed to their end: about {further:,} requests")
        _require_yes(further, yes=yes)
        told |= {name: _finished(name, each) for name, each in begun.items()}
    return [told[each.name] for each in found if each.name in told]


def _begun(connection: "S3Connection", bucket: "Bucket") -> "tuple[Measurement, Told, int]":
    """Return a bucket's measurement, begun, what it tells, and about how many requests are left."""
    from s3_assets.explore.containers import reaching as for_bucket
    from s3_assets.explore.sizes import Measurement
    from s3_assets.objects import Objects

    measurement = Measurement(Objects(for_bucket(connection, bucket.name, bucket.region)), "")
    expected = measurement.begin()
    left = expected.requests - measurement.size.requests
    return measurement, Told.of_measurement(bucket.name, measurement, expected), left


def _finished(bucket: str, measurement: "Measurement") -> Told:
    with standard_error().status("counting") as status:
        measurement.finish(lambda number: status.update(f"counting {bucket}: {number:,} objects"))
    return Told.of_measurement(bucket, measurement)


def _require_yes(requests: int, *, yes: bool) -> None:
    """Ask before more requests than anybody sends by mistake."""
    if yes or requests <= _MOST_UNASKED:
        return
    if not sys.stdin.isatty():
        note(
            f"about {requests:,} requests are to be sent, and there is nobody to ask; give --yes",
            kind="error",
        )
        raise typer.Exit(_NOBODY_TO_ASK)
    if not typer.confirm(f"Send about {requests:,} requests?", err=True):
        raise typer.Exit(1)
