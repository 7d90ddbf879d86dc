"""Carrying out what an export's log says: files appear, what they replace goes, the manifest comes last.

The order, for an entry that a reader must never see half of:

1. the unit's `_SUCCESS` is deleted;
2. files at new keys are completed, on the condition that nothing is there;
3. the unit's manifest is deleted, files at keys of its own are completed, those without a successor deleted;
4. `_SUCCESS` and the manifest are put, leftovers of overtaken attempts are swept, the entry is done.

Any number of processes may do it at once, and again after a crash. If a file cannot be completed, because
its key was taken meanwhile or its upload is gone, the entry is void: what it brought is taken away again. In
step 2 the unit is then as it was before; later, which takes a second mishap, nothing is left of it, and the
next run writes it anew. A process that stalled for long looks whether the entry has ended before it deletes
anything. (What no store can stop is a delete that is on its way while others carry out this entry, and the
unit's next one, too.)
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.dropped_options import give_dropped_options
from s3_assets.errors import KeyTakenError, ObjectMissingError
from s3_assets.exports.intents import Intents, Mark, lane_digest
from s3_assets.exports.log import Entry, log_of
from s3_assets.exports.manifest import Manifest, complete_manifest, read_manifest
from s3_assets.exports.sweep import sweep_behind
from s3_assets.tables.numbered_log import Ending
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.errors import S3AssetsError
    from s3_assets.exports.destination import Destination
    from s3_assets.exports.log import NewFile

_log = logging.getLogger(__name__)
_AT_ONCE = 16
_PUTS = 5


@dataclass(frozen=True)
class Carried:
    """What became of an entry: its manifest, or why it is void; neither, if others were faster."""

    manifest: Manifest | None = None
    problem: S3AssetsError | None = None


def carry_out(destination: Destination, number: int, entry: Entry, *, fresh: bool = False) -> Carried:
    """Do what a committed entry says.

    `fresh`: this very process has just committed it. Raises what the server answers: then the next run goes
    on with it.
    """
    return _Carrier(destination, number, entry).run(fresh=fresh)


@dataclass(frozen=True)
class _Carrier:
    destination: Destination
    number: int
    entry: Entry

    def run(self, *, fresh: bool) -> Carried:
        log = log_of(self.destination)
        if not fresh:
            there = read_manifest(self.destination, self.entry.manifest)
            if there is not None and there.number == self.number:
                # All but the end is done, and the manifest is not to be deleted once more.
                self._share()
                sweep_behind(self.destination, self.number, self.entry)
                log.finish(self.number)
                return Carried(there)
        self.destination.objects.delete(self.entry.flags)
        try:
            if not fresh:
                self._require_uploads()
            etags = self._swap()
        except (KeyTakenError, ObjectMissingError) as error:
            # Whoever was faster may be as far as another entry of the same keys.
            if log.finished(self.number):
                return Carried()
            self._void()
            log.finish(self.number, Ending.VOID)
            return Carried(problem=error)
        if etags is None:
            return Carried()
        manifest = complete_manifest(self.entry.told, etags, self.number)
        self._tell(manifest)
        sweep_behind(self.destination, self.number, self.entry)
        log.finish(self.number)
        return Carried(Manifest.read(self.entry.manifest, manifest))

    def _swap(self) -> dict[str, str] | None:
        """Make the files visible in place of those before; return their ETags, or None if all is done."""
        entry, objects = self.entry, self.destination.objects
        new = [file for file in entry.files if not file.replaces]
        # Of two exports of the same keys, the one that has the first of them has all.
        etags = self._complete(new[:1]) | self._complete(new[1:])
        if (entry.replaced or entry.removals) and log_of(self.destination).finished(self.number):
            return None
        objects.delete(entry.replaced)
        etags |= self._complete([file for file in entry.files if file.replaces])
        objects.delete(entry.removals)
        return etags

    def _complete(self, files: Sequence[NewFile]) -> dict[str, str]:
        def one(file: NewFile) -> str:
            try:
                return self.destination.uploads.complete(file.upload, if_absent=not file.replaces)
            except KeyTakenError:
                owner = self.destination.owner(file.upload.key)
                if owner is None:
                    raise
                raise self.destination.refuse(file.upload.key, owner) from None

        with ThreadPoolExecutor(min(_AT_ONCE, self.destination.connection.transport.max_connections)) as pool:
            etags = list(pool.map(one, files))
        return {file.upload.key: etag.strip('"') for file, etag in zip(files, etags, strict=True)}

    def _require_uploads(self) -> None:
        """Raise `ObjectMissingError` if a file that is to replace another can no longer be completed.

        It is asked before anything is replaced: uploads may have been aborted while nobody came to complete
        them, by a lifecycle rule for instance.
        """
        replacing = [file.upload for file in self.entry.files if file.replaces]
        if not replacing:
            return
        found = self.destination.uploads.open_uploads(self.entry.pattern[0])
        there = {upload.upload_id for upload in found}
        for upload in replacing:
            if upload.upload_id not in there and not self._holds(upload.key):
                raise ObjectMissingError(
                    "the upload of a committed file is gone, and the file is not there",
                    remedy="Run the export again; let lifecycle rules wait longer before they abort uploads.",
                    table=self.destination.export,
                    location=self.destination.objects.url(upload.key),
                )

    def _holds(self, key: str) -> bool:
        return self.destination.holds(key, self.entry.unit, self.entry.attempt)

    def _void(self) -> None:
        """Take away what the entry brought."""
        entry, objects = self.entry, self.destination.objects
        for file in entry.files:
            self.destination.uploads.abort(file.upload.key, file.upload.upload_id)
        objects.delete(file.upload.key for file in entry.files if self._holds(file.upload.key))
        if all(map(objects.exists, entry.replaced)):
            for flag in entry.flags:
                objects.put_if_absent(flag, b"")
        else:
            # Half of what was there before has been replaced: the rest of it is no export of anything.
            objects.delete([*entry.replaced, *entry.removals])
            objects.delete(file.upload.key for file in entry.files if file.replaces)
            _log.warning(
                "The unit '%s' of the export '%s' is empty until it is run again: uploads of its files were "
                "aborted while they replaced the files before",
                entry.unit,
                self.destination.export,
            )
        Intents(self.destination).end([Mark(entry.attempt, lane_digest(entry.lane))])

    def _tell(self, manifest: bytes) -> None:
        """Put `_SUCCESS` and the manifest; a manifest that a stalled process left there gives way."""
        entry, objects = self.entry, self.destination.objects
        if entry.success is not None:
            objects.put_if_absent(entry.success, b"")
        for _ in range(_PUTS):
            if objects.put_if_absent(entry.manifest, manifest):
                break
            there = read_manifest(self.destination, entry.manifest)
            if there is not None and there.number >= self.number:
                break
            objects.delete([entry.manifest])
        self._share()

    def _share(self) -> None:
        """Let whoever may read the files read what tells of them."""
        for key in filter(None, (self.entry.success, self.entry.manifest)):
            give_dropped_options(self.destination.connection, key, {}, self.entry.acl)
