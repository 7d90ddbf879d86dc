"""What is asked of S3: by whom, how often, how many bytes, and how long it took.

Whoever works opens a `Meter` and makes it the `current` one; whoever sends requests notes them there. Without
a meter nothing is counted. Nothing here sends a request or knows an engine.
"""

from s3_assets.metrics.meter import Meter, Phase, current, phase
from s3_assets.metrics.request import Request, operation_of
from s3_assets.metrics.usage import Count, Usage
from s3_assets.metrics.user_agent import Asker, user_agent

__all__ = [
    "Asker",
    "Count",
    "Meter",
    "Phase",
    "Request",
    "Usage",
    "current",
    "operation_of",
    "phase",
    "user_agent",
]
