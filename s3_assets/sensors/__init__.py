"""Sensors: what changed in a table starts the assets that read it, partition by partition where it can."""

from s3_assets.sensors.consumers import Consumer, consumers_of
from s3_assets.sensors.sensor import source_sensor

__all__ = ["Consumer", "consumers_of", "source_sensor"]
