"""HAProxy in front of a server: it speaks TLS, demands certificates, and lets in whom it is told to."""

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.servers.certificates import Authority
from tests.servers.child import running
from tests.servers.programs import path_of

CLIENT_HEADER = "x-client-certificate-name"
"""The header in which the server behind finds the common name of the client's certificate."""
TLS_HEADER = "x-front-tls"
"""The header in which the server behind finds the version of TLS that the client spoke."""

PROGRAMS = ("haproxy", "openssl")


@dataclass(frozen=True)
class FrontRequest:
    """A request that reached the front, whatever became of it."""

    peer: str
    """The address that it came from."""
    status: int
    method: str
    target: str
    client: str
    """The common name of the client's certificate; `-` without one."""


@dataclass(frozen=True)
class Front:
    """A running HAProxy."""

    endpoint: str
    ca_file: Path | None
    """What a client has to trust; None where it speaks plain HTTP."""
    log: Path

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return urlsplit(self.endpoint).port or 0

    def requests(self, at_least: int = 0) -> list[FrontRequest]:
        """The requests so far: each is written a moment after its answer, so say how many to wait for."""
        fields = [line.split() for line in self._lines("request", at_least)]
        return [FrontRequest(peer, int(status), *others) for peer, status, *others in fields]

    def refused_handshakes(self, at_least: int = 0) -> list[str]:
        """Why clients were refused before their first request, in OpenSSL's words."""
        return self._lines("refused", at_least)

    def _lines(self, kind: str, at_least: int, deadline: float = 5.0) -> list[str]:
        end = time.monotonic() + deadline
        while True:
            lines = self.log.read_text().splitlines()
            found = [line.removeprefix(f"{kind} ") for line in lines if line.startswith(f"{kind} ")]
            if len(found) >= at_least or time.monotonic() > end:
                return found
            time.sleep(0.01)


@contextmanager
def front(
    server: str,
    *,
    authority: Authority | None = None,
    demand_certificate: bool = False,
    host: str = "127.0.0.1",
    only_from: str | None = None,
    rules: Sequence[str] = (),
) -> Iterator[Front]:
    """Run HAProxy before the server at that http:// URL for as long as the block lasts.

    Args:
        server: where requests go on to, in plain HTTP.
        authority: issues the front's certificate; without it, the front speaks plain HTTP.
        demand_certificate: refuse clients that show no certificate of the same authority.
        host: the address on loopback to listen on; only 127.0.0.1 is there on every system.
        only_from: answer 403 to whoever comes from another address.
        rules: further rules of HAProxy's `frontend` section.

    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="s3-assets-front-")))
        # HAProxy takes the socket over: its port is ours before it starts, and clients are queued until then.
        listening = stack.enter_context(socket.create_server((host, 0)))
        tls = "" if authority is None else _tls(authority, demand_certificate=demand_certificate)
        only = [f"http-request deny deny_status 403 unless {{ src {only_from} }}"] if only_from else []
        (folder / "haproxy.cfg").write_text(
            _configuration(f"fd@{listening.fileno()} {tls}", urlsplit(server).netloc, [*only, *rules])
        )
        log = folder / "haproxy.log"
        command = [path_of("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]
        _check(command, listening.fileno())
        stack.enter_context(running(command, log, descriptors=[listening.fileno()]))
        port = listening.getsockname()[1]
        listening.close()
        # Names are for certificates and virtual hosts; another address has none.
        name = "localhost" if authority and host == "127.0.0.1" else host
        endpoint = f"{'https' if authority else 'http'}://{name}:{port}"
        yield Front(endpoint, authority.ca_file if authority else None, log)


def _tls(authority: Authority, *, demand_certificate: bool) -> str:
    certificate = authority.server("front").both
    demand = f" ca-file {authority.ca_file} verify required" if demand_certificate else ""
    return f"ssl crt {certificate}{demand}"


def _configuration(bind: str, server: str, rules: Sequence[str]) -> str:
    lines = "\n    ".join(rules)
    return f"""\
global
    log stdout format raw daemon
    nbthread 1
    maxconn 1000
    # Both sides are on loopback; no session has to be as strong as the years.
    tune.ssl.default-dh-param 2048
defaults
    mode http
    log global
    timeout connect 5s
    timeout client 5m
    timeout server 5m
frontend front
    bind {bind}
    log-format "request %ci %ST %HM %HU %[ssl_c_s_dn(cn)]"
    error-log-format "refused %[ssl_fc_err_str]"
    {lines}
    # What a client says of itself is not believed.
    http-request del-header {CLIENT_HEADER}
    http-request del-header {TLS_HEADER}
    http-request set-header {CLIENT_HEADER} %[ssl_c_s_dn(cn)] if {{ ssl_c_used }}
    http-request set-header {TLS_HEADER} %[ssl_fc_protocol] if {{ ssl_fc }}
    default_backend server
backend server
    server server {server}
"""


def _check(command: Sequence[str], descriptor: int) -> None:
    done = subprocess.run(
        [*command, "-c"], pass_fds=[descriptor], capture_output=True, text=True, timeout=30, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"HAProxy does not take its configuration: {done.stderr}")
