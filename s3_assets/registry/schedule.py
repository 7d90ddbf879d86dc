"""When imports, exports and media sets run: by the clock, or when there is new data."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from s3_assets.errors import SettingError
from s3_assets.registry.cron import Cron
from s3_assets.windows import time_zone

ONCE = "once"
_LONGEST_DELAY = 24 * 60 - 1


class ScheduleSettings(BaseModel):
    """A schedule of runs: of what is new, or of the partitions that have ended since the run before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cron: str = Field(description="once, @hourly, @daily, @weekly, @monthly, or the five fields of cron.")
    timezone: str = Field(default="UTC", description="IANA time zone of the cron.")
    delay_minutes: int = Field(
        default=0,
        ge=0,
        le=_LONGEST_DELAY,
        description="Run so much later, for the same partitions: what comes late is there then.",
    )

    @model_validator(mode="before")
    @classmethod
    def _cron_alone(cls, data: Any) -> Any:  # noqa: ANN401 - raw input
        return {"cron": data} if isinstance(data, str) else data

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            time_zone(name)
        except SettingError as error:
            raise ValueError(str(error)) from error
        return name

    @model_validator(mode="after")
    def _readable(self) -> ScheduleSettings:
        if self.once:
            if self.delay_minutes:
                raise ValueError("a run once has no time, and so no delay; leave delay_minutes out")
        else:
            self.crons()
        return self

    @property
    def once(self) -> bool:
        """Whether it runs a single time, as soon as the sensor is on."""
        return self.cron == ONCE

    def plain(self) -> str:
        """Return the cron without its delay."""
        return str(Cron.parse(self.cron))

    def crons(self) -> list[str]:
        """Return the crons at whose times runs begin; raises `ValueError`."""
        return [str(each) for each in Cron.parse(self.cron).later(self.delay_minutes)]


class Started(BaseModel):
    """What all that runs says of when it does, and of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    schedule: ScheduleSettings | None = Field(
        default=None, description="When it runs by the clock; left out: when there is new data."
    )
    on_new_data: bool = Field(
        default=True,
        description="Let a sensor start runs when there is new data; left out where there is a schedule: "
        "false.",
    )
    description: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_the_clock_alone(cls, data: Any) -> Any:  # noqa: ANN401 - raw input
        if not isinstance(data, dict) or data.get("schedule") is None:
            return data
        return {"on_new_data": False, **data}
