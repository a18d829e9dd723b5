"""Damage: to bytes, to texts, and to values as JSON holds them. Everything is drawn from one ``Random``."""

import copy
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

NAMES = (
    "../../x",
    "/tmp/x",
    "..",
    ".",
    "",
    "a/b",
    "a\0b",
    "a\nb",
    "\ud800",
    "ü" * 40,
    "x" * 5000,
    "con",
    "-",
    "%s{0}",
)
"""Names of tensors, layers and files that are paths, none, or hard to print."""
NUMBERS = (
    0,
    -1,
    1,
    2,
    3,
    255,
    4096,
    4097,
    65536,
    2**31 - 1,
    2**31,
    2**32,
    2**40,
    2**63,
    2**64,
    10**30,
    -(2**63),
)
REALS = (0.5, -0.0, 1e-300, 1e300, float("inf"), float("-inf"), float("nan"))
OTHERS: tuple[Any, ...] = (
    None,
    True,
    False,
    [],
    {},
    [[]],
    {"": {}},
    [None],
    "0",
    "none",
    [1, 2],
    {"a": 1},
    [2**40] * 4,
)
Path = tuple[int | str, ...]


def values(random: Random) -> Any:
    """Something that a field may not expect."""
    kind = random.randrange(5)
    if kind == 0:
        return random.choice(NAMES)
    if kind == 1:
        return random.choice(REALS)
    if kind == 2:
        return copy.deepcopy(random.choice(OTHERS))
    if kind == 3:
        deep: Any = random.choice(NUMBERS)
        for _ in range(random.choice((1, 3, 50))):
            deep = [deep] if random.random() < 0.5 else {"a": deep}
        return deep
    return random.choice(NUMBERS)


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of everything inside a value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        yield from places(inner, (*path, step))


def at(value: Any, path: Path) -> Any:
    """What lies at a path."""
    for step in path:
        value = value[step]
    return value


def _replace(random: Random, holder: Any, step: Any, whole: Any) -> None:
    holder[step] = values(random)


def _remove(random: Random, holder: Any, step: Any, whole: Any) -> None:
    del holder[step]


def _near(random: Random, holder: Any, step: Any, whole: Any) -> None:
    """A value that differs little: the next number, a text with a letter changed, a list cut or repeated."""
    value = holder[step]
    if isinstance(value, bool):
        holder[step] = not value
    elif isinstance(value, int):
        holder[step] = random.choice(
            (value + 1, value - 1, -value, 2 * value, value << 20, float(value), str(value))
        )
    elif isinstance(value, float):
        holder[step] = random.choice(
            (-value, value * 1e30, int(value) if abs(value) < 1e9 else 0, str(value))
        )
    elif isinstance(value, str):
        holder[step] = text(random, value)
    elif isinstance(value, list):
        holder[step] = random.choice((value[:-1], value + value[-1:], value[::-1], value * 3))
    else:
        holder[step] = values(random)


def _rename(random: Random, holder: Any, step: Any, whole: Any) -> None:
    if isinstance(holder, dict):
        holder[random.choice((*NAMES, text(random, step)))] = holder.pop(step)
    else:
        holder.insert(step, copy.deepcopy(holder[step]))


def _add(random: Random, holder: Any, step: Any, whole: Any) -> None:
    if isinstance(holder, dict):
        holder[random.choice(NAMES)] = values(random)
    else:
        holder.append(values(random))


def _transplant(random: Random, holder: Any, step: Any, whole: Any) -> None:
    """What lies somewhere else."""
    holder[step] = copy.deepcopy(at(whole, random.choice(list(places(whole)))))


_CHANGES: tuple[Callable[[Random, Any, Any, Any], None], ...] = (
    *(_replace,) * 4,
    *(_near,) * 4,
    *(_remove, _rename, _add, _transplant),
)


def structure(random: Random, value: Any) -> Any:
    """A copy of a value of JSON with one to three places damaged."""
    value = copy.deepcopy(value)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        found = list(places(value))
        if not found:
            return values(random)
        path = random.choice(found)
        random.choice(_CHANGES)(random, at(value, path[:-1]), path[-1], value)
    return value


def text(random: Random, value: str) -> str:
    """A text with a few characters changed."""
    characters = list(value)
    for _ in range(random.choice((1, 1, 3))):
        where = random.randrange(len(characters) + 1)
        characters[where : where + random.randrange(3)] = random.choice(
            ("", "0", "-", '"', "[", "é", "\0", ".", "/", "=")
        )
    return "".join(characters)


def raw(random: Random, data: bytes) -> bytes:
    """Bytes with bits flipped, or pieces cut, repeated, overwritten or added."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        where, size = random.randrange(len(changed) + 1), random.choice((1, 1, 2, 8, 64, len(data) // 2))
        kind = random.randrange(6)
        if kind == 0 and where < len(changed):
            changed[where] ^= 1 << random.randrange(8)
        elif kind == 1:
            del changed[where:]
        elif kind == 2:
            del changed[where : where + size]
        elif kind == 3:
            changed[where:where] = changed[where : where + size]
        elif kind == 4:
            changed[where : where + size] = random.randbytes(min(size, 64))
        else:
            changed[where : where + size] = random.choice((b"\0", b"\xff")) * min(size, 1024)
    return bytes(changed)
