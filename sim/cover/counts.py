"""What simulators counted: Verilator's coverage files, added up by unit and by name.

A file has a line for each point: fields between bytes 1 (in front of a name) and 2 (in front of its value),
and how often it was met. A unit is a module of the core, under its path without the numbers that tell modules
of one name apart.
"""

import functools
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError

LINE = re.compile(r"^C '(.*)' (\d+)$")
LINES, TOGGLES = "line", "toggle"
"""Kinds of points: where code runs, and bits that rise or fall."""
WIDEST = 64
"""Bits of the widest signal whose toggles are counted bit by bit as they should be, by Verilator 5.048."""
DIRECTIONS = 2
"""Of a bit's toggles."""
YOSYS = "$auto$verilog_backend"
"""In lines of generated Verilog that say nothing: processes begin with a branch that is never taken."""
CORE = "pointwise_core"


@dataclass
class Counts:
    """How often each point was met.

    Attributes:
        lines: by unit and place: a file's line, its column, and the branch. toggles: by unit and bit, with
            the direction.
    """

    lines: Counter[tuple[str, str]] = field(default_factory=Counter)
    toggles: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, text: str, source: str = "the coverage file") -> None:
        """Add a file's text.

        Raises:
            PointwiseError: it is none of Verilator's.
        """
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            found = LINE.match(line)
            if found is None:
                raise PointwiseError(
                    f"{source} has the line {line[:60]!r}; expected Verilator's coverage data"
                )
            fields = dict(part.split("\2", 1) for part in found[1].split("\1")[1:])
            kind, _, unit = fields["page"].partition("/")
            unit, times = plain(unit), int(found[2])
            if kind == f"v_{TOGGLES}":
                self.toggles[unit, plain(fields["o"])] += times
            elif kind in ("v_line", "v_branch") and YOSYS not in _line(fields["f"], int(fields["l"])):
                self.lines[unit, f"{fields['l']}:{fields['n']} {fields['o']}"] += times

    def read(self, path: Path) -> None:
        """Add a file.

        Raises:
            PointwiseError: it cannot be read, or is none of Verilator's.
        """
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise PointwiseError(f"the coverage file {path} cannot be read: {error.strerror}") from error
        self.add(text, str(path))

    def narrow(self) -> Counter[tuple[str, str]]:
        """The toggles of signals of at most ``WIDEST`` bits: of wider ones Verilator mixes bits up."""
        widths: Counter[tuple[str, str]] = Counter()
        for unit, bit in self.toggles:
            widths[unit, bit.partition("[")[0]] += 1
        return Counter(
            {
                (unit, bit): times
                for (unit, bit), times in self.toggles.items()
                if widths[unit, bit.partition("[")[0]] <= DIRECTIONS * WIDEST
            }
        )


def _line(path: str, number: int) -> str:
    """A line of a source; empty where that is not there any more."""
    lines = _lines(Path(path))
    return lines[number - 1] if number <= len(lines) else ""


@functools.cache
def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def plain(name: str) -> str:
    """A name as it was written, without the numbers that Amaranth puts behind those that occur twice.

    Verilator writes what C++ has no room for in names in hexadecimal digits behind two underscores and a 0.
    """
    decoded = re.sub(r"__0([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), name)
    return re.sub(r"\$\d+", "", decoded)


def read_counts(paths: Iterable[Path]) -> Counts:
    """Add up coverage files; raises PointwiseError as ``Counts.read``."""
    counts = Counts()
    for path in paths:
        counts.read(path)
    return counts
