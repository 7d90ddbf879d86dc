"""Which addresses the processes of a cluster listen on, as Linux says."""

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import NamedTuple

_PROCESSES = Path("/proc")
_LISTENS = "0A"


class Listens(NamedTuple):
    """A port on which a process waits for others."""

    program: str
    address: IPv4Address | IPv6Address
    port: int


def family(pid: int) -> set[int]:
    """The process and all that it started, and so on."""
    children = defaultdict[int, list[int]](list)
    for stat in _PROCESSES.glob("[0-9]*/stat"):
        try:
            # The name in the middle may hold anything, brackets as well.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        children[parent].append(int(stat.parent.name))
    found, left = set[int](), [pid]
    while left:
        found.add(each := left.pop())
        left += children[each]
    return found


def listening(pids: set[int]) -> list[Listens]:
    """All TCP ports on which any of the processes listens."""
    sockets = {
        inode: place for name in ("tcp", "tcp6") for inode, place in _sockets(_PROCESSES / "net" / name)
    }
    return [
        Listens(_name(pid), *sockets[inode])
        for pid in sorted(pids)
        for inode in _inodes(pid)
        if inode in sockets
    ]


def _sockets(table: Path) -> Iterator[tuple[str, tuple[IPv4Address | IPv6Address, int]]]:
    for line in table.read_text().splitlines()[1:]:
        fields = line.split()
        address, _, port = fields[1].partition(":")
        if fields[3] == _LISTENS:
            yield fields[9], (_address(bytes.fromhex(address)), int(port, 16))


def _address(words: bytes) -> IPv4Address | IPv6Address:
    """The kernel writes words of four bytes, each as this machine keeps them."""
    turned = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
    if len(turned) == 4:
        return IPv4Address(turned)
    address = IPv6Address(turned)
    return address.ipv4_mapped or address


def _inodes(pid: int) -> Iterator[str]:
    try:
        handles = list((_PROCESSES / f"{pid}" / "fd").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return
    for handle in handles:
        try:
            kind, _, inode = str(handle.readlink()).partition(":")
        except FileNotFoundError:
            continue
        if kind == "socket":
            yield inode.strip("[]")


def _name(pid: int) -> str:
    """Return the name of the program; workers of Ray call themselves what they are."""
    try:
        command = (_PROCESSES / f"{pid}" / "cmdline").read_text()
    except FileNotFoundError:
        return "gone"
    return Path(command.partition("\0")[0].strip()).name
