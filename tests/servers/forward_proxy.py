"""tinyproxy: a forward proxy that demands a password, and a way to tell who went round it."""

import base64
import contextlib
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.servers.certificates import Authority
from tests.servers.child import running
from tests.servers.front import Front, front
from tests.servers.programs import free_port, path_of

PROGRAMS = ("tinyproxy", "haproxy", "openssl")
USER = "px"
PASSWORD = "pxsecret"
SPECIAL_USER = "p@x"
SPECIAL_PASSWORD = "s3:cr/t%?"
OUTGOING = "127.0.0.3"
"""The address that the proxy's requests come from."""
GUARDED = "127.0.0.2"
"""The address of servers that let in nobody but the proxy."""

_ATTEMPTS = 3


@dataclass(frozen=True)
class ForwardProxy:
    """A running tinyproxy. It answers 407 without a password, and 401 to a wrong one."""

    host: str
    """`127.0.0.1:port`, in plain HTTP, for `USER` and `PASSWORD`."""
    special: Front
    """In plain HTTP, for `SPECIAL_USER` and `SPECIAL_PASSWORD`."""
    secure: Front
    """Over TLS, for `SPECIAL_USER` and `SPECIAL_PASSWORD`."""
    log: Path

    @property
    def url(self) -> str:
        """With the plain user and password."""
        return f"http://{USER}:{PASSWORD}@{self.host}"

    @property
    def special_url(self) -> str:
        """With a user and a password that a URL has to quote."""
        return self._special_url(self.special)

    @property
    def secure_url(self) -> str:
        """As `special_url`, and TLS to the proxy itself; `secure.ca_file` is to be trusted."""
        return self._special_url(self.secure)

    def requests(self) -> list[str]:
        """What it was asked for: method and target, such as `CONNECT host:443`, refused or not."""
        return re.findall(r"Request \(file descriptor \d+\): (\S+ \S+) HTTP", self.log.read_text())

    @contextmanager
    def guarding(self, server: str, *, authority: Authority | None = None) -> Iterator[Front]:
        """Have a door to the server that answers 403 to whoever does not come through the proxy."""
        with front(server, authority=authority, host=GUARDED, only_from=OUTGOING) as door:
            yield door

    @staticmethod
    def _special_url(door: Front) -> str:
        scheme, _, address = door.endpoint.partition("://")
        return f"{scheme}://{quote(SPECIAL_USER, safe='')}:{quote(SPECIAL_PASSWORD, safe='')}@{address}"


@contextmanager
def forward_proxy(authority: Authority) -> Iterator[ForwardProxy]:
    """Run tinyproxy for as long as the block lasts."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="s3-assets-proxy-")))
        log = folder / "tinyproxy.log"
        port = _start(stack, folder, log, _ATTEMPTS)
        host = f"127.0.0.1:{port}"
        # tinyproxy's users are made of letters and digits: another name is translated before it.
        known = f'req.hdr(proxy-authorization) -m str "{_basic(SPECIAL_USER, SPECIAL_PASSWORD)}"'
        own = f'"{_basic(USER, PASSWORD)}"'
        translated = [f"http-request set-header proxy-authorization {own} if {{ {known} }}"]
        special = stack.enter_context(front(f"http://{host}", rules=translated))
        secure = stack.enter_context(front(f"http://{host}", rules=translated, authority=authority))
        yield ForwardProxy(host, special, secure, log)


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _start(stack: contextlib.ExitStack, folder: Path, log: Path, attempts: int) -> int:
    port = free_port()
    configuration = folder / "tinyproxy.conf"
    configuration.write_text(
        f"Port {port}\nListen 127.0.0.1\nBind {OUTGOING}\nTimeout 600\nMaxClients 200\nLogLevel Connect\n"
        f"BasicAuth {USER} {PASSWORD}\n"
    )
    process = stack.enter_context(running([path_of("tinyproxy"), "-d", "-c", str(configuration)], log))
    if _listens(process, port):
        return port
    if attempts == 1:
        raise RuntimeError(f"tinyproxy did not start: {log.read_text()}")
    # The port may have been taken a moment after it was free.
    return _start(stack, folder, log, attempts - 1)


def _listens(process: subprocess.Popen[bytes], port: int, deadline: float = 10.0) -> bool:
    end = time.monotonic() + deadline
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return True
    return False
