"""WaveJSON, the format of WaveDrom, from recorded values of signals."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

QUIET = 4
"""Cycles in which nothing changes, of which a diagram shows a gap instead."""
GAP = "|"
UNKNOWN = "x"
Samples = Mapping[str, Sequence[int | None]]
"""Values of each port, a cycle each."""


@dataclass(frozen=True)
class Row:
    """A signal in a diagram.

    Attributes:
        port: its name. when: port whose value 1 makes this one valid; it is a bus then, and shown as numbers.
        digits: hexadecimal ones of a number; 0 shows it in decimal. words: texts in place of numbers.
        state: a bus that is always valid, such as the state of a machine.
    """

    port: str
    when: str = ""
    digits: int = 0
    words: tuple[str, ...] = ()
    state: bool = False

    def label(self, value: int | None) -> str:
        """What is written into the bus."""
        if value is None:
            return "?"
        if self.words:
            return self.words[value]
        return f"{value:0{self.digits}x}" if self.digits else str(value)


def diagram(title: str, groups: Mapping[str, Sequence[Row]], samples: Samples, cycles: range) -> str:
    """The text of a diagram of some cycles, long quiet stretches cut out.

    Args:
        groups: rows by the name of their bus; those under an empty name stand alone.
    """
    rows = [row for group in groups.values() for row in group]
    shown = _columns(rows, samples, cycles)
    signal: list[object] = [
        {"name": "clk", "wave": "p" + "".join(GAP if c is None else "." for c in shown[1:])}
    ]
    for name, group in groups.items():
        lines = [_line(row, samples, shown, name) for row in group]
        signal += [[name, *lines]] if name else lines
    body = {"head": {"text": title}, "signal": signal}
    return json.dumps(body, indent=1) + "\n"


def _columns(rows: Sequence[Row], samples: Samples, cycles: range) -> list[int | None]:
    """The cycles to show; None is a gap."""
    shown: list[int | None] = []
    quiet = 0
    for cycle in cycles:
        same = cycle > cycles.start and all(
            _value(row, samples, cycle) == _value(row, samples, cycle - 1)
            and not (row.when and samples[row.when][cycle])
            for row in rows
        )
        quiet = quiet + 1 if same else 0
        if quiet < QUIET:
            shown.append(cycle)
        elif shown[-1] is not None:
            shown[-1] = None
    return shown


def _value(row: Row, samples: Samples, cycle: int) -> int | None:
    valid = not row.when or samples[row.when][cycle]
    return samples[row.port][cycle] if valid else None


def _line(row: Row, samples: Samples, shown: Sequence[int | None], bus: str) -> dict[str, object]:
    wave, data, before = "", [], ""
    for cycle in shown:
        if cycle is None:
            wave += GAP
            continue
        if row.state:
            state = f"={row.label(samples[row.port][cycle])}"
        elif not row.when:
            state = UNKNOWN if samples[row.port][cycle] is None else str(samples[row.port][cycle])
        elif not samples[row.when][cycle]:
            state = UNKNOWN
        else:
            state = f"={row.label(samples[row.port][cycle])}"
        # A beat is drawn anew even if its number is that of the one before.
        ready = row.when.removesuffix("valid") + "ready"
        again = bool(row.when and not row.words) and bool(samples.get(ready, [0] * (cycle + 1))[cycle - 1])
        if state == before and not (state.startswith("=") and again):
            wave += "."
            continue
        wave += state[0]
        data += [state[1:]] if state.startswith("=") else []
        before = state
    name = row.port.removeprefix(f"{bus}_") if bus else row.port
    return {"name": name, "wave": wave, **({"data": data} if data else {})}
