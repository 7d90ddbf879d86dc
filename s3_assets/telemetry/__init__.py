"""OpenTelemetry: traces and metrics of what a meter has counted, sent to a collector when that is asked for.

Nothing of OpenTelemetry is imported unless somebody asks for it.
"""

from s3_assets.telemetry.asked import Asked, asked
from s3_assets.telemetry.told import Told

__all__ = ["Asked", "Told", "asked", "send"]


def send(wanted: Asked, told: Told) -> str | None:
    """Send what one step did, and wait until the collector has it.

    Returns what a person has to know, if it cannot be sent: telemetry is no reason for a step to fail.
    """
    try:
        from s3_assets.telemetry.exporting import exporter_of
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "opentelemetry":
            raise
        return "OpenTelemetry is asked for, and not installed: pip install 's3-assets[opentelemetry]'"
    return exporter_of(wanted).send(told)
