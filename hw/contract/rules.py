"""Rules about the fields of an instruction or a header, written once for numbers and for signals.

The expressions that rules are made of are comparisons, sums, ``&`` and ``|`` alone. Of integers they are a
judgement, of signals of Amaranth the gates that make it, so that software and hardware cannot disagree.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add, and_, or_
from typing import Any

from .registers import Error

Values = Mapping[str, Any]
"""Numbers, or signals, by name."""


@dataclass(frozen=True)
class When:
    """That a field has one of some values.

    Attributes:
        field: its name. values: those that count. names: them in words, in their order.
    """

    field: str
    values: tuple[int, ...]
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.names:
            return f"{'with' if self.values == (1,) else 'without'} ``{self.field}``"
        return f"with ``{self.field}`` {' or '.join(self.names)}"

    def met(self, fields: Values) -> Any:
        """Whether it has."""
        return reduce(or_, (fields[self.field] == value for value in self.values))

    def unmet(self, fields: Values) -> Any:
        """Whether it has none of them."""
        return reduce(and_, (fields[self.field] != value for value in self.values))


@dataclass(frozen=True)
class Rule:
    """A field, or the sum of two, lies in a range and is a multiple of something.

    Attributes:
        fields: the field, or the two. least: the least value, or the name of a bound. most: the largest one,
            or the name of a bound (something of the core, or a count so far), or None.
        unit: what the value is a multiple of, a power of two.
        when: where this has to be; None is everywhere.
        error: the code of the refusal. words: the fields in words, where their names do not say enough.
    """

    fields: tuple[str, ...]
    least: int | str
    most: int | str | None
    unit: int = 1
    when: When | None = None
    error: Error = Error.OPERAND
    words: str = ""

    @property
    def bounds(self) -> set[str]:
        """The names of the bounds that it compares with."""
        return {bound for bound in (self.least, self.most) if isinstance(bound, str)}

    def holds(self, fields: Values, bounds: Values) -> Any:
        """Whether the rule is kept.

        Args:
            fields: of the instruction or header. bounds: all those that the rule compares with.

        Returns:
            A truth value of numbers, a value of one bit of signals.
        """
        good = self.inside(self.value(fields), bounds)
        return good if self.when is None else self.when.unmet(fields) | good

    def value(self, fields: Values) -> Any:
        """The field, or the sum of both."""
        return reduce(add, (fields[name] for name in self.fields))

    def inside(self, value: Any, bounds: Values) -> Any:
        """Whether a value keeps the rule, whatever the condition."""
        parts = []
        if self.least == self.most:
            parts.append(value == bound_of(self.least, bounds))
        else:
            if isinstance(self.most, str):
                parts.append(value <= bound_of(self.most, bounds))
            elif self.most is not None:  # where that is a power of two, few gates are enough
                parts.append(value < self.most + 1)
            if self.least == 1:
                parts.append(value != 0)
            elif self.least != 0:
                parts.append(value >= bound_of(self.least, bounds))
        if self.unit > 1:
            parts.append((value & (self.unit - 1)) == 0)
        return reduce(and_, parts)

    @property
    def subject(self) -> str:
        """What the rule is about, in words."""
        return self.words or " + ".join(f"``{name}``" for name in self.fields)

    def legal(self, bounds: Values | None = None) -> str:
        """What is legal in words: with ``bounds`` in numbers, else by their names."""
        names = bounds or {name: f"``{name}``" for name in self.bounds}
        least = bound_of(self.least, names)
        most = "" if self.most is None else bound_of(self.most, names)
        size = f"{least}" if least == most else f"{least}..{most}" if self.most is not None else ""
        if self.most is None and self.least != 0:
            size = f"at least {least}"
        elif self.words:
            size = f"at most {most}"
        parts = [size] if size else []
        if self.unit > 1:
            parts.append(f"a multiple of {self.unit}")
        return ", ".join(parts) + (f" {self.when}" if self.when else "")


@dataclass(frozen=True)
class Only:
    """A field is 0 unless another one has a certain value.

    Attributes:
        field: its name. when: where it may be something else.
    """

    field: str
    when: When

    error = Error.OPERAND
    bounds = frozenset()

    @property
    def fields(self) -> tuple[str, ...]:
        """As in ``Rule``."""
        return (self.field,)

    @property
    def subject(self) -> str:
        """As in ``Rule``."""
        return f"``{self.field}``"

    def value(self, fields: Values) -> Any:
        """As in ``Rule``."""
        return fields[self.field]

    def holds(self, fields: Values, bounds: Values) -> Any:
        """As in ``Rule``."""
        return (self.value(fields) == 0) | self.when.met(fields)

    def legal(self, bounds: Values | None = None) -> str:
        """As in ``Rule``."""
        return f"0, or anything {self.when}"


AnyRule = Rule | Only


def broken(rules: Iterable[AnyRule], fields: Values, bounds: Values) -> AnyRule | None:
    """The first of ``rules`` that numbers break, of those whose bounds are known."""
    for rule in rules:
        if rule.bounds <= bounds.keys() and not rule.holds(fields, bounds):
            return rule
    return None


def bound_of(bound: int | str | None, bounds: Values) -> Any:
    """The number, or the signal, that a bound stands for; None where there is none."""
    return bounds[bound] if isinstance(bound, str) else bound
