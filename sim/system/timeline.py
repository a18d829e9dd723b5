"""What ``sim/rtl/timeline.sv`` wrote: when each convolution of a run ran, and what the cycles went to."""

from dataclasses import dataclass

from pointwise.hw.contract.registers import Cause


@dataclass(frozen=True)
class Span:
    """One convolution.

    Attributes:
        first, last: cycles of its first and last token. done: cycle in which ``conv_done`` first counts it.
        causes: the cycles charged to it by ``Cause``; IDLE ones belong to the convolution that was missing.
    """

    first: int
    last: int
    done: int
    causes: dict[Cause, int]

    @property
    def cycles(self) -> int:
        """All cycles charged to it."""
        return sum(self.causes.values())


@dataclass(frozen=True)
class Timeline:
    """A run from its first cycle, number 0, to done; each cycle belongs to ``start``, one span, or ``end``.

    Attributes:
        start: cycles before there was a convolution. end: after the last token.
        spans: the convolutions in program order. cycles: of the run.
    """

    start: int
    spans: tuple[Span, ...]
    end: int
    cycles: int


def parse(text: str) -> Timeline:
    """Read the file of a run that ended without an error.

    Raises:
        ValueError: the text is none of ``timeline.sv``, is cut short, or does not account for every cycle.
    """
    spans: list[tuple[int, ...]] = []
    done: list[int] = []
    ends: list[int] = []
    kinds = {"span": (spans, 2 + len(Cause)), "done": (done, 1), "end": (ends, 1)}
    for line in text.splitlines():
        kind, *words = line.split()
        if kind not in kinds or len(words) != kinds[kind][1]:
            raise ValueError(f"a timeline has no line {line!r}")
        numbers = tuple(map(int, words))
        kinds[kind][0].append(numbers if kind == "span" else numbers[0])
    if len(ends) != 1 or len(spans) != len(done) + 1:
        raise ValueError(f"a timeline of {len(spans)} spans and {len(done)} completions is cut short")
    *causes, after = [dict(zip(Cause, span[2:], strict=True)) for span in spans]
    start = causes[0][Cause.IDLE] if causes else 0
    found = [
        Span(first, last, end, part | {Cause.IDLE: part[Cause.IDLE] if index else 0})
        for index, ((first, last, *_), end, part) in enumerate(zip(spans[:-1], done, causes, strict=True))
    ]
    timeline = Timeline(start, tuple(found), sum(after.values()), ends[0])
    if timeline.start + sum(span.cycles for span in found) + timeline.end != timeline.cycles:
        raise ValueError("a timeline does not account for every cycle")
    return timeline
