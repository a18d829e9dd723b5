"""Values of signals, cycle by cycle, out of a wave file in the VCD format.

By hand: pyvcd's reader refuses the names of scopes that Verilator writes (``$rootio``).
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

DECLARATION = re.compile(
    r"\s*\$(?:(scope) \w+ (\S+)|(upscope)|(var) \w+ \d+ (\S+) ([^\s\[]+)|(enddefinitions))"
)
CHANGE = re.compile(r"#|b([01xz]+) (\S+)|([01xz])(\S+)")


def declarations(path: Path) -> dict[str, str]:
    """The code of every signal of a wave file, by its path, scopes joined by dots."""
    found: dict[str, str] = {}
    scopes: list[str] = []
    with path.open() as file:
        for match in map(DECLARATION.match, file):
            if match is None:
                continue
            if match[1]:
                scopes.append(match[2])
            elif match[3]:
                scopes.pop()
            elif match[4]:
                found[".".join([*scopes, match[6]])] = match[5]
            else:
                break
    return found


def sampled(path: Path, clock: str, wanted: Mapping[str, str]) -> dict[str, list[int | None]]:
    """What signals have settled at in every cycle, just before the clock rises.

    Args:
        clock: path of the clock. wanted: paths of the signals, by the names that the samples get.

    Returns:
        A list for each name, a cycle an entry; None where a signal is undefined.

    Raises:
        KeyError: there is no such signal.
    """
    signals = declarations(path)
    codes = {name: signals[place] for name, place in wanted.items()}
    edge = signals[clock]
    now: dict[str, int | None] = dict.fromkeys([*codes.values(), edge])
    samples: dict[str, list[int | None]] = {name: [] for name in wanted}
    for changes in _moments(path):
        if changes.get(edge) == "1" and now[edge] == 0:
            for name, code in codes.items():
                samples[name].append(now[code])
        for code in changes.keys() & now.keys():
            bits = changes[code]
            now[code] = None if set(bits) - {"0", "1"} else int(bits, 2)
    return samples


def _moments(path: Path) -> Iterator[dict[str, str]]:
    """The bits of what changes, by code, at each time."""
    changes: dict[str, str] = {}
    with path.open() as file:
        for match in map(CHANGE.match, file):
            if match is None:
                continue
            if match[0] == "#":
                yield changes
                changes = {}
            else:
                changes[match[2] or match[4]] = match[1] or match[3]
    yield changes
