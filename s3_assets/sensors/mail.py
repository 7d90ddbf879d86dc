"""What the messages of one tick say: whom to look at, what is not ours, what nobody can read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from s3_assets.errors import BadMessageError
from s3_assets.notifications.events import read_events
from s3_assets.progress import count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from s3_assets.connection.adapters.boto_queues import Received
    from s3_assets.notifications.addressees import Addressee, Addressees
    from s3_assets.registry.queues import QueueSettings

_NAMED = 10


@dataclass
class Mail:
    """The messages of one tick, read."""

    concerned: set[Addressee] = field(default_factory=set)
    """The tables and media sets to look at."""
    done: list[str] = field(default_factory=list)
    """Receipts of what is to be deleted, once it was looked at."""
    messages: int = 0
    foreign: int = 0
    """Events of objects that are in no declared folder."""
    unreadable: list[str] = field(default_factory=list)
    """What is wrong with each message that could not be read."""
    often: int = 0
    """Readable messages that were received more often than the setting says."""

    @classmethod
    def read(cls, received: Iterable[Received], addressees: Addressees, settings: QueueSettings) -> Mail:
        """Read messages in any order, any number of times."""
        mail = cls()
        for each in received:
            mail.messages += 1
            try:
                events = read_events(each.body)
            except BadMessageError as error:
                mail.unreadable.append(
                    f"message {each.id}, received {count(each.receives, 'time')}: {error.found}"
                )
                if settings.on_unreadable == "delete":
                    mail.done.append(each.handle)
                continue
            for event in events:
                concerned, ours = addressees.of(event)
                mail.concerned |= concerned
                mail.foreign += not ours
            mail.often += each.receives > settings.max_receives
            mail.done.append(each.handle)
        return mail

    def warnings(self, settings: QueueSettings) -> list[str]:
        """Return what somebody should look at."""
        found = []
        if self.unreadable:
            fate = "deleted" if settings.on_unreadable == "delete" else "left to the queue's redrive policy"
            more = f"; and {len(self.unreadable) - _NAMED:,} more" if len(self.unreadable) > _NAMED else ""
            found.append(f"unreadable, and {fate}: {'; '.join(self.unreadable[:_NAMED])}{more}")
        if self.often:
            found.append(
                f"{count(self.often, 'message')} came more than {settings.max_receives} times: something "
                "else receives here, sqs:DeleteMessage is missing, or visibility_seconds is too short"
            )
        return found

    def summary(self) -> str:
        """Say in a few words what came."""
        told = [count(self.messages, "message")]
        if self.foreign:
            told.append(f"{self.foreign:,} of objects of nobody here")
        if self.unreadable:
            told.append(f"{len(self.unreadable):,} unreadable")
        return ", ".join(told)
