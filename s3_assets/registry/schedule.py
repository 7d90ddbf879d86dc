"""When imports, exports and media sets run: by the clock, or when there is new data."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from s3_assets.registry.cron import Cron
from s3_assets.tables.durations import TimeZone

ONCE = "once"
_LONGEST_DELAY = 24 * 60 - 1


class ScheduleSettings(BaseModel):
    """A schedule of runs: of what is new, or of the partitions that have ended since the run before."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    cron: str = Field(description="once, @hourly, @daily, @weekly, @monthly, or the five fields of cron.")
    timezone: TimeZone = Field(default="UTC", description="IANA time zone of the cron.")
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

    def crons(self) -> list[str]:
        """Return the crons at whose times runs begin; raises `ValueError`."""
        return [str(each) for each in Cron.parse(self.cron).later(self.delay_minutes)]


class AutomationSettings(BaseModel):
    """A condition of Dagster's declarative automation: it looks at assets, and not at S3."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    condition: Literal["eager", "on_missing", "on_cron"] = Field(
        description="eager: whenever an asset upstream was updated; on_missing: once all of these are there; "
        "on_cron: at the first moment after each time of cron at which all of these were updated."
    )
    cron: str | None = Field(
        default=None, description="For on_cron: @hourly, @daily, @weekly, @monthly, or cron's five fields."
    )
    timezone: TimeZone = Field(default="UTC", description="IANA time zone of the cron.")
    all_partitions: bool = Field(
        default=False, description="True: also partitions before the newest, such as those of late rows."
    )

    @model_validator(mode="before")
    @classmethod
    def _condition_alone(cls, data: Any) -> Any:  # noqa: ANN401 - raw input
        return {"condition": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _timed(self) -> AutomationSettings:
        if (self.condition == "on_cron") != (self.cron is not None):
            raise ValueError("'cron' belongs to on_cron, and on_cron needs it")
        if self.cron is not None:
            Cron.parse(self.cron)
        return self

    @property
    def plain_cron(self) -> str:
        """The cron as five fields."""
        return str(Cron.parse(self.cron or "@daily"))


class Started(BaseModel):
    """What all that runs says of when it does, and of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True)

    schedule: ScheduleSettings | None = Field(
        default=None, description="When it runs by the clock; left out: when there is new data."
    )
    automation: AutomationSettings | None = Field(
        default=None, description="When Dagster's declarative automation runs it: eager, on_missing, on_cron."
    )
    on_new_data: bool = Field(
        default=True,
        description="Let a sensor start runs when there is new data; left out where there is a schedule or "
        "automation: false.",
    )
    description: str | None = Field(default=None, description="For people.")

    @model_validator(mode="before")
    @classmethod
    def _by_the_clock_alone(cls, data: Any) -> Any:  # noqa: ANN401 - raw input
        if not isinstance(data, dict) or (data.get("schedule") is None and data.get("automation") is None):
            return data
        return {"on_new_data": False, **data}

    @model_validator(mode="after")
    def _by_one_clock(self) -> Started:
        if self.schedule is not None and self.automation is not None:
            raise ValueError("give 'schedule' or 'automation': both would start the same runs")
        if self.automation is not None and self.automation.condition != "on_cron" and self.on_new_data:
            raise ValueError("automation starts it when there is new data; leave on_new_data out")
        return self
