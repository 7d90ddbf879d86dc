"""A gateway on loopback: it forwards an engine's requests with boto3's transport, and signs them anew.

For engines that cannot show a client certificate, trust a CA bundle or bound their connections. The engine
talks to it path style, over plain HTTP and with keys that are good for nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from s3_assets.connection.loopback import Counting, ask, counted
from s3_assets.metrics import current

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection

__all__ = ["GatewayAddress", "counting_gateway", "open_gateway"]


@dataclass(frozen=True)
class GatewayAddress:
    """What to tell an engine in place of the connection's endpoint and credentials."""

    endpoint: str
    access_key_id: str = field(repr=False)
    """The token: it names the connection, and requests with another are refused."""
    secret_access_key: str = field(repr=False)


def open_gateway(connection: S3Connection) -> GatewayAddress:
    """Forward requests for this connection for as long as the process lives.

    Raises `SettingError` if a certificate cannot be used, `SecretMissingError` for a proxy's password.
    """
    opened: GatewayAddress = ask("gateway", connection)
    return opened


def counting_gateway(connection: S3Connection, engine: str) -> GatewayAddress | None:
    """Return a gateway that counts an engine's requests for the current meter, if that wants all counted.

    Raises what `open_gateway` raises.
    """
    meter = current()
    if meter is None:
        return None
    if not meter.everything:
        return None
    opened: GatewayAddress = ask("gateway", connection, Counting(meter.number, engine, meter.keep))
    meter.also(opened.access_key_id, lambda: counted(opened))
    return opened
