"""Hostile variations of real bytes: seeded, so that a number means the same input on every machine."""

from collections.abc import Callable, Sequence
from random import Random

# What lengths, counts and offsets are wrong by.
EDGES = (0, 1, 7, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1)
_WIDTHS = (1, 2, 4, 8)
_LONGEST = 256 * 1024
_REPEATS = (2, 10, 300, 5_000)


def mutated(random: Random, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """One of the seeds, changed some times; `tokens` are words that mean something to its reader."""
    found = random.choice(seeds)
    for _ in range(random.choice((1, 1, 1, 1, 2, 4))):
        found = random.choice(_CHANGES)(random, found, seeds, tokens)[:_LONGEST]
    return found


def varint(value: int) -> bytes:
    """A number as Avro and Thrift write it: zigzag, seven bits to a byte."""
    value = (value << 1) ^ (value >> 63)
    spelled = bytearray()
    while value > 0x7F:
        spelled.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*spelled, value])


def _place(random: Random, found: bytes) -> int:
    # Most formats say what matters at their beginning or at their end.
    end = len(found)
    return min(
        end,
        random.choice((random.randrange(end + 1), random.randrange(64), max(end - random.randrange(64), 0))),
    )


def _flip(random: Random, found: bytes, _: object, __: object) -> bytes:
    changed = bytearray(found)
    for _ in range(random.choice((1, 1, 4, 32)) if changed else 0):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _number(random: Random, found: bytes, _: object, __: object) -> bytes:
    value, at = random.choice(EDGES), _place(random, found)
    if random.random() < 0.4:
        spelled = varint(random.choice((value, -value)))
        return found[:at] + spelled + found[at + random.choice((0, 1, len(spelled))) :]
    width = random.choice(_WIDTHS)
    spelled = (value % (1 << 8 * width)).to_bytes(width, random.choice(("little", "big")))
    return found[:at] + spelled + found[at + width :]


def _token(random: Random, found: bytes, _: object, tokens: Sequence[bytes]) -> bytes:
    at = _place(random, found)
    return found[:at] + random.choice(tokens) + found[at + random.choice((0, 0, 1, 8)) :]


def _exchange(random: Random, found: bytes, _: object, tokens: Sequence[bytes]) -> bytes:
    there = [token for token in tokens if token in found]
    if not there:
        return _token(random, found, (), tokens)
    return found.replace(random.choice(there), random.choice(tokens), random.choice((1, -1)))


def _cut(random: Random, found: bytes, _: object, __: object) -> bytes:
    return found[: _place(random, found)]


def _delete(random: Random, found: bytes, _: object, __: object) -> bytes:
    at = _place(random, found)
    return found[:at] + found[at + random.choice((1, 4, 16, 200)) :]


def _repeat(random: Random, found: bytes, _: object, __: object) -> bytes:
    at = _place(random, found)
    span = found[at : at + random.choice((1, 1, 3, 16, 200))]
    return found[:at] + span * random.choice(_REPEATS) + found[at:]


def _splice(random: Random, found: bytes, seeds: Sequence[bytes], _: object) -> bytes:
    other = random.choice(seeds)
    return found[: _place(random, found)] + other[_place(random, other) :]


def _noise(random: Random, found: bytes, _: object, __: object) -> bytes:
    at = _place(random, found)
    return found[:at] + random.randbytes(random.choice((1, 8, 64))) + found[at:]


_CHANGES: tuple[Callable[[Random, bytes, Sequence[bytes], Sequence[bytes]], bytes], ...] = (
    _flip,
    _flip,
    _number,
    _number,
    _token,
    _exchange,
    _exchange,
    _cut,
    _delete,
    _repeat,
    _splice,
    _noise,
)
